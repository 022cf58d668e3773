import { randomUUID } from 'node:crypto';
import type { ComputeFlavor, Server, ServerGroup, ServerInterface, ServerSpec } from '../../../src/model/compute.ts';
import type { ComputeService } from '../../../src/ports/compute.ts';
import type { Port } from '../../../src/ports/network.ts';
import { aFlavor, aServer } from '../builders.ts';
import { aServiceError, type Switches, withSwitches } from '../fault-injection.ts';
import type { FakeNetwork } from './fake-network.ts';
import type { Memory } from './memory.ts';

/** What becomes of servers that are made from now on. */
export type BootOutcome = 'active' | 'error' | 'stuck';

export interface FakeCompute extends ComputeService, Switches<keyof ComputeService> {
  /** All servers that there are, with what was asked for. */
  servers(): { server: Server; spec: ServerSpec }[];
  serverGroups(): ServerGroup[];
  bootsEndAs(outcome: BootOutcome): void;
  /** The server is in ERROR from now on: Nova takes nothing out of it. */
  breakServer(serverId: string): void;
  /** The server is off from now on, and keeps its host and its interfaces. */
  turnOff(serverId: string): void;
  /** Image IDs that can be booted; null (as at first) for all. */
  allowImages(isBootable: ((imageId: string) => boolean) | null): void;
  /** Everything that it knows, to be looked at and put back as a whole. */
  memory: Memory;
}

interface FakeServer {
  server: Server;
  spec: ServerSpec;
  outcome: BootOutcome;
  polls: number;
  number: number;
  interfaces: ServerInterface[];
  /** Ports that were made for this server and end with it. */
  ownPortIds: string[];
}

/**
 * Nova in memory.
 * @param options.pollsUntilActive how often a new server is shown as BUILD.
 * @param options.network where its servers' ports are made and bound. Without it they have made-up ports, and any port can
 * be plugged.
 */
export function createFakeCompute(
  options: {
    flavors?: readonly ComputeFlavor[];
    keypairs?: readonly string[];
    zones?: readonly string[];
    /** How many there are for servers of one anti-affinity group. */
    hosts?: number;
    pollsUntilActive?: number;
    network?: FakeNetwork;
  } = {},
): FakeCompute {
  const { flavors = [aFlavor()], keypairs = ['octavia_ssh_key'], zones = ['nova'], network } = options;
  const { pollsUntilActive = 1, hosts = 2 } = options;
  const servers = new Map<string, FakeServer>();
  const groups = new Map<string, ServerGroup>();
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

  /** Servers that have a host of their own. */
  const placedIn = (groupId: string | null) =>
    [...servers.values()].filter(({ spec, outcome }) => spec.serverGroupId === groupId && outcome !== 'error').length;

  const holderOf = (portId: string) =>
    [...servers.values()].find((entry) => entry.interfaces.some((one) => one.portId === portId));

  /** What a server is plugged into when it is built: its networks in order, then the ports that were given. */
  async function plugIn({ server, spec, number, interfaces, ownPortIds }: FakeServer): Promise<void> {
    for (const [index, networkId] of spec.networkIds.entries()) {
      if (!network) {
        interfaces.push(madeUpInterface(server.id, networkId, index, number));
        continue;
      }
      const made = await network.makeServerPort(networkId, server.id);
      ownPortIds.push(made.id);
      interfaces.push(interfaceOf(made));
    }
    for (const portId of spec.portIds) {
      interfaces.push(
        network ? interfaceOf(network.bindPort(portId, server.id)) : madeUpPort(portId, interfaces.length, number),
      );
    }
  }

  const port: ComputeService = {
    async createServer(spec) {
      if (isBootable && !isBootable(spec.imageId)) throw fail('IMAGE_GONE', 400, 'Can not find requested image');
      if (!flavors.some((flavor) => flavor.id === spec.flavorId)) {
        throw fail('SERVICE_REJECTED_REQUEST', 400, `Flavor ${spec.flavorId} could not be found.`);
      }
      if (spec.keyName !== null && !keypairs.includes(spec.keyName)) {
        throw fail('SERVICE_REJECTED_REQUEST', 400, 'Invalid key_name provided.');
      }
      if (spec.serverGroupId !== null && !groups.has(spec.serverGroupId)) {
        throw fail('SERVICE_REJECTED_REQUEST', 400, `Instance group ${spec.serverGroupId} could not be found.`);
      }
      const hasRoom =
        groups.get(spec.serverGroupId ?? '')?.policy !== 'anti-affinity' || placedIn(spec.serverGroupId) < hosts;
      made++;
      const createdAt = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
      const server = aServer({
        name: spec.name,
        imageId: spec.imageId,
        status: 'BUILD',
        createdAt,
        availabilityZone: null,
      });
      const end = hasRoom ? outcome : 'error';
      const entry = { server, spec, outcome: end, polls: 0, number: made, interfaces: [], ownPortIds: [] };
      servers.set(server.id, entry);
      if (end === 'active') await plugIn(entry);
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

    async getConsoleOutput(serverId) {
      return `${existing(serverId).server.name} login:\n`;
    },

    findServersByName: async (name) =>
      [...servers.values()].map(({ server }) => server).filter((server) => server.name === name),

    async deleteServer(serverId) {
      const entry = servers.get(serverId);
      servers.delete(serverId);
      if (!entry || !network) return;
      for (const one of network.ports().filter((port) => port.deviceId === serverId)) {
        if (entry.ownPortIds.includes(one.id)) network.removePort(one.id);
        else network.bindPort(one.id, '');
      }
    },

    async listInterfaces(serverId) {
      const { interfaces, server } = existing(serverId);
      return server.status === 'ACTIVE' || server.status === 'SHUTOFF' ? [...interfaces] : [];
    },

    async attachPort(serverId, portId) {
      const entry = existing(serverId);
      if (entry.server.status !== 'ACTIVE') {
        const state = `it is in vm_state ${entry.server.status === 'BUILD' ? 'building' : 'error'}`;
        throw fail('SERVICE_CONFLICT', 409, `Cannot 'attach_interface' instance ${serverId} while ${state}`);
      }
      if (entry.interfaces.some((one) => one.portId === portId)) return;
      if (holderOf(portId)) throw fail('SERVICE_CONFLICT', 409, `Port ${portId} is still in use.`);
      if (!network) {
        entry.interfaces.push(madeUpPort(portId, entry.interfaces.length, entry.number));
        return;
      }
      const found = network.ports().find((one) => one.id === portId);
      if (!found) throw fail('SERVICE_NOT_FOUND', 404, `Port id ${portId} could not be found.`);
      if (found.deviceId !== '') throw fail('SERVICE_CONFLICT', 409, `Port ${portId} is still in use.`);
      entry.interfaces.push(interfaceOf(network.bindPort(portId, serverId)));
    },

    async detachPort(serverId, portId) {
      const entry = servers.get(serverId);
      if (!entry?.interfaces.some((one) => one.portId === portId)) return;
      if (entry.server.status === 'ERROR') {
        throw fail(
          'SERVICE_CONFLICT',
          409,
          `Cannot 'detach_interface' instance ${serverId} while it is in vm_state error`,
        );
      }
      entry.interfaces = entry.interfaces.filter((one) => one.portId !== portId);
      if (!network?.ports().some((one) => one.id === portId)) return;
      if (entry.ownPortIds.includes(portId)) network.removePort(portId);
      else network.bindPort(portId, '');
    },

    async createServerGroup(group) {
      const row = { id: randomUUID(), ...group };
      groups.set(row.id, row);
      return row;
    },
    findServerGroupsByName: async (name) => [...groups.values()].filter((group) => group.name === name),
    async deleteServerGroup(groupId) {
      groups.delete(groupId);
    },

    async getFlavor(flavorId) {
      const flavor = flavors.find((one) => one.id === flavorId);
      if (!flavor) throw fail('SERVICE_NOT_FOUND', 404, `Flavor ${flavorId} could not be found.`);
      return flavor;
    },

    hasKeypair: async (name) => keypairs.includes(name),
    listAvailabilityZones: async () => [...zones],
    hasAvailabilityZone: async (name) => [...zones].includes(name),
    maxMicroversion: async () => '2.93',
  };

  return {
    ...withSwitches(port),
    servers: () => [...servers.values()].map(({ server, spec }) => ({ server, spec })),
    serverGroups: () => [...groups.values()],
    breakServer: (serverId) => {
      const entry = existing(serverId);
      entry.server = { ...entry.server, status: 'ERROR' };
    },
    turnOff: (serverId) => {
      const entry = existing(serverId);
      entry.server = { ...entry.server, status: 'SHUTOFF' };
    },
    bootsEndAs: (next) => {
      outcome = next;
    },
    allowImages: (next) => {
      isBootable = next;
    },
    memory: { servers, groups },
  };
}

function interfaceOf(port: Port): ServerInterface {
  return { portId: port.id, networkId: port.networkId, macAddress: port.macAddress, fixedIps: port.fixedIps };
}

function madeUpInterface(serverId: string, networkId: string, index: number, number: number): ServerInterface {
  return {
    portId: `${serverId}-${index}`,
    networkId,
    macAddress: `fa:16:3e:00:${hex(index)}:${hex(number)}`,
    fixedIps: [{ subnetId: `${networkId}-subnet`, ipAddress: `10.${index}.${number >> 8}.${number & 255}` }],
  };
}

function madeUpPort(portId: string, index: number, number: number): ServerInterface {
  return { ...madeUpInterface(portId, 'network', index, number), portId };
}

function hex(value: number): string {
  return (value & 255).toString(16).padStart(2, '0');
}
