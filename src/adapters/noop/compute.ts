import { randomUUID } from 'node:crypto';
import type { ServerInterface } from '../../model/compute.ts';
import { ServiceError } from '../../model/errors.ts';
import type { ComputeService } from '../../ports/compute.ts';

/** Where Octavia's noop driver says that its amphorae are (octavia/compute/drivers/noop_driver/driver.py). */
const address = '192.0.2.1';

/** Of how many deleted servers it is known that they are gone. */
const mostDeleted = 10_000;

/**
 * `compute_noop_driver`: servers that are there at once, and that nobody runs. One that another process made is ACTIVE as
 * well, until it is deleted here.
 */
export function createNoopCompute(): ComputeService {
  const servers = new Map<string, { name: string; managementPort: ServerInterface }>();
  const deleted = new Set<string>();
  const serverOf = (id: string) => ({
    id,
    name: servers.get(id)?.name ?? '',
    status: 'ACTIVE' as const,
    imageId: null,
    createdAt: '1970-01-01T00:00:00Z',
    availabilityZone: null,
    fault: null,
  });
  const portIn = (networkId: string): ServerInterface => ({
    portId: randomUUID(),
    networkId,
    macAddress: '00:00:5e:00:53:01',
    fixedIps: [{ subnetId: networkId, ipAddress: address }],
  });

  return {
    async createServer({ name, networkIds }) {
      const id = randomUUID();
      servers.set(id, { name, managementPort: portIn(networkIds[0] ?? '') });
      return { id };
    },
    async getServer(id) {
      if (deleted.has(id)) throw notFound(id);
      return serverOf(id);
    },
    getConsoleOutput: async () => '',
    findServersByName: async (name) =>
      [...servers].filter(([, server]) => server.name === name).map(([id]) => serverOf(id)),
    async deleteServer(id) {
      servers.delete(id);
      deleted.add(id);
      const [oldest] = deleted;
      if (deleted.size > mostDeleted && oldest !== undefined) deleted.delete(oldest);
    },
    async listInterfaces(id) {
      if (deleted.has(id)) throw notFound(id);
      return [servers.get(id)?.managementPort ?? portIn('')];
    },
    attachPort: async () => {},
    detachPort: async () => {},
    createServerGroup: async (group) => ({ id: randomUUID(), ...group }),
    findServerGroupsByName: async () => [],
    deleteServerGroup: async () => {},
    getFlavor: async (id) => ({ id, name: id, vcpus: 1, ramMiB: 1024, diskGiB: 0, extraSpecs: {} }),
    hasKeypair: async () => true,
    listAvailabilityZones: async () => ['nova'],
    // As in Octavia's: any name is right.
    hasAvailabilityZone: async () => true,
    maxMicroversion: async () => '2.93',
  };
}

function notFound(id: string): ServiceError {
  const serviceMessage = `Instance ${id} could not be found.`;
  return new ServiceError('SERVICE_NOT_FOUND', `compute: ${serviceMessage}`, {
    service: 'compute',
    method: 'GET',
    path: `/servers/${id}`,
    status: 404,
    serviceMessage,
    requestId: null,
    retryAfterSeconds: null,
    outcomeUnknown: false,
  });
}
