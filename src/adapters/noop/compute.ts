import { randomUUID } from 'node:crypto';
import type { ComputeService } from '../../ports/compute.ts';

/** Where Octavia's noop driver says that its amphorae are (octavia/compute/drivers/noop_driver/driver.py). */
const address = '192.0.2.1';

/** `compute_noop_driver`: servers that are there at once, and that nobody runs. */
export function createNoopCompute(): ComputeService {
  const nothing = async () => {};
  /** The management network of each server. */
  const networks = new Map<string, string>();
  return {
    createServer: async ({ networkIds }) => {
      const id = randomUUID();
      networks.set(id, networkIds[0] ?? '');
      return { id };
    },
    getServer: async (id) => ({
      id,
      name: '',
      status: 'ACTIVE',
      imageId: null,
      createdAt: '1970-01-01T00:00:00Z',
      availabilityZone: null,
      fault: null,
    }),
    findServersByName: async () => [],
    deleteServer: async (id) => {
      networks.delete(id);
    },
    listInterfaces: async (id) => [
      {
        portId: randomUUID(),
        networkId: networks.get(id) ?? '',
        macAddress: '00:00:00:00:00:00',
        fixedIps: [{ subnetId: '', ipAddress: address }],
      },
    ],
    attachPort: nothing,
    detachPort: nothing,
    getFlavor: async (id) => ({ id, name: id, vcpus: 1, ramMiB: 1024, diskGiB: 0, extraSpecs: {} }),
    hasKeypair: async () => true,
    listAvailabilityZones: async () => [],
    maxMicroversion: async () => '2.1',
  };
}
