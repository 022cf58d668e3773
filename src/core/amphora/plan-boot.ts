import type { Amphora } from '../../model/amphora.ts';
import type { NewOperation } from '../../model/operation.ts';
import { newAmphora } from './new-amphora.ts';

/** What the flow `boot-amphora` is asked for; amphora and server have their names already. */
export type BootInput = {
  amphoraId: string;
  serverName: string;
  /** It serves nobody. */
  loadBalancerId: null;
  /** Boot this image, whatever tags it carries. */
  requestedImageId: string | null;
  /** Instead of the configuration's. */
  flavorTag: string | null;
  computeFlavorId: string;
};

/** Step of that flow with which its journal begins. */
export const firstStepOfBoot = 'mark-amphora-error-on-revert';
/** Somebody waits for it, but a failover goes first. */
const BOOT_PRIORITY = 5;

/**
 * An amphora that serves nobody, and the operation that boots it.
 * @param context worker: of this process, as workers name themselves. now: ISO 8601.
 */
export function planBoot(
  context: { newId: () => string; worker: string; now: string },
  input: Omit<BootInput, 'loadBalancerId'>,
): { amphora: Amphora; operation: NewOperation } {
  const { amphoraId: id, serverName, computeFlavorId: computeFlavor } = input;
  const known = { id, serverName, computeFlavor, loadBalancerId: null, role: null, worker: context.worker };
  return {
    amphora: newAmphora(known, context.now),
    operation: {
      ...{ id: context.newId(), flow: 'boot-amphora', subject: id, priority: BOOT_PRIORITY },
      input: { ...input, loadBalancerId: null } satisfies BootInput,
    },
  };
}
