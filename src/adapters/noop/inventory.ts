import type { CloudInventory } from '../../ports/cloud-inventory.ts';

/** Of drivers that make nothing: there is nothing. */
export const noopInventory: CloudInventory = {
  list: async () => [],
  find: async () => null,
  remove: async () => {},
};
