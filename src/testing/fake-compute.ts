import type { ComputeFlavor, Server, ServerInterface, ServerSpec } from '../model/compute.ts';
import type { ComputeService } from '../ports/compute.ts';
import { aFlavor, aServer } from './builders.ts';
import { aServiceError, type Switches, withSwitches } from './switches.ts';

/** What becomes of servers that are made from now on. */
export type BootOutcome = 'active' | 'error' | 'stuck';

export interface FakeCompute extends ComputeService, Switches<keyof ComputeService> {
  /** All servers that there are, with what was asked for. */
  servers(): { server: Server; spec: ServerSpec }[];
  bootsEndAs(outcome: BootOutcome): void;
  /** Image IDs that can be booted; null (as at first) for all. */
  allowImages(isBootable: ((imageId: string) => boolean) | null): void;
}

/**
 * Nova in memory.
 * @param options.pollsUntilActive how often a new server is shown as BUILD.
 */
export function createFakeCompute(
  options: {
    flavors?: readonly ComputeFlavor[];
    keypairs?: readonly string[];
    zones?: readonly string[];
    pollsUntilActive?: number;
  } = {},
): FakeCompute {
  const { flavors = [aFlavor()], keypairs = ['octavia_ssh_key'], zones = ['nova'], pollsUntilActive = 1 } = options;
  const servers = new Map<
    string,
    { server: Server; spec: ServerSpec; outcome: BootOutcome; polls: number; number: number }
  >();
  let outcome: BootOutcome = 'active';
  let isBootable: ((imageId: string) => boolean) | null = null;
  let made = 0;

  const fail = (code: Parameters<typeof aServiceError>[0], status: number, serviceMessage: string) =>
    aServiceError(code, { service: 'compute', status, serviceMessage });
  const existing = (serverId: string) => {
    const found = servers.get(serverId);
    if (!found) throw fail('SERVICE_NOT_FOUND', 404, `Instance ${serverId} could not be found.`);
    return found;
  };

  const port: ComputeService = {
    async createServer(spec) {
      if (isBootable && !isBootable(spec.imageId)) throw fail('IMAGE_GONE', 400, 'Can not find requested image');
      if (!flavors.some((flavor) => flavor.id === spec.flavorId)) {
        throw fail('SERVICE_REJECTED_REQUEST', 400, `Flavor ${spec.flavorId} could not be found.`);
      }
      if (spec.keyName !== null && !keypairs.includes(spec.keyName)) {
        throw fail('SERVICE_REJECTED_REQUEST', 400, 'Invalid key_name provided.');
      }
      made++;
      const createdAt = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
      const server = aServer({
        name: spec.name,
        imageId: spec.imageId,
        status: 'BUILD',
        createdAt,
        availabilityZone: null,
      });
      servers.set(server.id, { server, spec, outcome, polls: 0, number: made });
      return { id: server.id };
    },

    async getServer(serverId) {
      const entry = existing(serverId);
      if (entry.server.status === 'BUILD' && entry.polls++ >= pollsUntilActive && entry.outcome !== 'stuck') {
        const zone = entry.spec.availabilityZone ?? zones[0] ?? null;
        entry.server =
          entry.outcome === 'active'
            ? { ...entry.server, status: 'ACTIVE', availabilityZone: zone }
            : { ...entry.server, status: 'ERROR', fault: { code: 500, message: 'No valid host was found.' } };
      }
      return entry.server;
    },

    findServersByName: async (name) =>
      [...servers.values()].map(({ server }) => server).filter((server) => server.name === name),

    async deleteServer(serverId) {
      servers.delete(serverId);
    },

    async listInterfaces(serverId) {
      const { spec, number, server } = existing(serverId);
      if (server.status !== 'ACTIVE') return [];
      return spec.networkIds.map(
        (networkId, index): ServerInterface => ({
          portId: `${serverId}-${index}`,
          networkId,
          macAddress: `fa:16:3e:00:${hex(index)}:${hex(number)}`,
          fixedIps: [{ subnetId: `${networkId}-subnet`, ipAddress: `10.${index}.${number >> 8}.${number & 255}` }],
        }),
      );
    },

    async getFlavor(flavorId) {
      const flavor = flavors.find((one) => one.id === flavorId);
      if (!flavor) throw fail('SERVICE_NOT_FOUND', 404, `Flavor ${flavorId} could not be found.`);
      return flavor;
    },

    hasKeypair: async (name) => keypairs.includes(name),
    listAvailabilityZones: async () => [...zones],
    maxMicroversion: async () => '2.93',
  };

  return {
    ...withSwitches(port),
    servers: () => [...servers.values()].map(({ server, spec }) => ({ server, spec })),
    bootsEndAs: (next) => {
      outcome = next;
    },
    allowImages: (next) => {
      isBootable = next;
    },
  };
}

function hex(value: number): string {
  return (value & 255).toString(16).padStart(2, '0');
}
