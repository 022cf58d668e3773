import type { CloudContext, CloudUser } from '../context.ts';
import { defaultMtu, networks } from './networks.ts';
import { ports } from './ports.ts';
import { type FixedIp, type NetworkTables, networkTables, type PortRow, revised, type SubnetRow } from './rows.ts';
import { ensureDefaultGroup, securityGroupNotFound, securityGroups } from './security-groups.ts';

/** A server's network interface. */
export interface ServerPort {
  id: string;
  networkId: string;
  networkName: string;
  mtu: number;
  macAddress: string;
  status: 'ACTIVE' | 'DOWN';
  fixedIps: readonly FixedIp[];
  /** Those of its addresses. */
  subnets: readonly Pick<SubnetRow, 'id' | 'cidr' | 'gateway_ip'>[];
  securityGroupNames: readonly string[];
}

/** What the compute service needs of the network service. Absent things are null; refusals are NetworkFault. */
export interface NetworkFacade {
  findNetwork(id: string, user: CloudUser): { id: string; hasSubnets: boolean } | null;
  /** Networks that a server may be plugged into when none is named: the project's own, else the shared ones. */
  availableNetworkIds(user: CloudUser): string[];
  findPort(id: string, user: CloudUser): { id: string; deviceId: string; hasFixedIp: boolean } | null;
  /** By ID, or by name within the user's project; several of that name are an ambiguity. */
  findSecurityGroups(nameOrId: string, user: CloudUser): { id: string; projectId: string }[];
  /**
   * A new port of a server, bound. No groups means the project's default group.
   * @throws NetworkFault also for a group of another project.
   */
  createPort(options: {
    serverId: string;
    networkId: string;
    projectId: string;
    securityGroupIds: readonly string[];
    fixedIp: string | null;
  }): ServerPort;
  /** Gives an existing port to a server. */
  bindPort(portId: string, serverId: string): ServerPort;
  /** Takes a port from its server; one that is gone is success. */
  unbindPort(portId: string): void;
  /** One that is gone is success. */
  deletePort(portId: string): void;
  /** In the order of the ports' IDs, as Neutron lists them. */
  portsOfServer(serverId: string): ServerPort[];
}

/** The name of the one machine that servers run on. */
export const hostName = 'kiln-dev';

export function createNetworkFacade(context: CloudContext): NetworkFacade {
  const tables = networkTables(context.state);
  const networkResource = networks(tables);
  const portResource = ports(tables);
  const groupResource = securityGroups(tables);

  function change(portId: string, changes: Partial<PortRow>): PortRow | null {
    const row = tables.ports.get(portId);
    if (!row) return null;
    const changed = revised(row, changes);
    tables.ports.put(changed);
    return changed;
  }

  return {
    findNetwork: (id, user) => {
      const row = tables.networks.get(id);
      if (!row || !networkResource.isVisible(row, user)) return null;
      return { id, hasSubnets: tables.subnets.all().some((subnet) => subnet.network_id === id) };
    },
    availableNetworkIds: (user) => {
      const usable = tables.networks.all().filter((row) => !row['router:external']);
      const own = usable.filter((row) => row.project_id === user.projectId);
      const shared = usable.filter((row) => row.shared);
      return [...new Set([...own, ...shared])].map((row) => row.id);
    },
    findPort: (id, user) => {
      const row = tables.ports.get(id);
      if (!row || !portResource.isVisible(row, user)) return null;
      return { id, deviceId: row.device_id, hasFixedIp: row.fixed_ips.length > 0 };
    },
    findSecurityGroups: (nameOrId, user) => {
      const byId = tables.securityGroups.get(nameOrId);
      if (byId && groupResource.isVisible(byId, user)) return [{ id: byId.id, projectId: byId.project_id }];
      if (nameOrId === 'default') ensureDefaultGroup(tables, user.projectId);
      return tables.securityGroups
        .all()
        .filter((row) => row.name === nameOrId && row.project_id === user.projectId)
        .map((row) => ({ id: row.id, projectId: row.project_id }));
    },
    createPort: ({ serverId, networkId, projectId, securityGroupIds, fixedIp }) => {
      for (const id of securityGroupIds) {
        if (tables.securityGroups.get(id)?.project_id !== projectId) throw securityGroupNotFound(id);
      }
      const attributes = {
        network_id: networkId,
        project_id: projectId,
        device_id: serverId,
        device_owner: 'compute:nova',
        'binding:host_id': hostName,
        ...(securityGroupIds.length > 0 ? { security_groups: securityGroupIds } : {}),
        ...(fixedIp === null ? {} : { fixed_ips: [{ ip_address: fixedIp }] }),
      };
      return serverPort(tables, portResource.create(attributes, novaItself));
    },
    bindPort: (portId, serverId) => {
      const bound = change(portId, { device_id: serverId, device_owner: 'compute:nova', host_id: hostName });
      if (!bound) throw portResource.notFound(portId);
      return serverPort(tables, bound);
    },
    unbindPort: (portId) => {
      change(portId, { device_id: '', device_owner: '', host_id: '' });
    },
    deletePort: (portId) => tables.ports.delete(portId),
    portsOfServer: (serverId) =>
      tables.ports
        .ofDevice(serverId)
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .map((row) => serverPort(tables, row)),
  };
}

/** Nova asks Neutron as a service user with all rights. */
const novaItself: CloudUser = {
  userId: 'nova',
  userName: 'nova',
  projectId: 'service',
  projectName: 'service',
  roles: ['admin', 'service'],
  isAdmin: true,
};

function serverPort(tables: NetworkTables, row: PortRow): ServerPort {
  const network = tables.networks.get(row.network_id);
  return {
    id: row.id,
    networkId: row.network_id,
    networkName: network?.name ?? '',
    mtu: network?.mtu ?? defaultMtu,
    macAddress: row.mac_address,
    status: row.host_id !== '' && row.admin_state_up ? 'ACTIVE' : 'DOWN',
    fixedIps: row.fixed_ips,
    subnets: row.fixed_ips.flatMap((fixedIp) => tables.subnets.get(fixedIp.subnet_id) ?? []),
    securityGroupNames: row.security_groups.flatMap((id) => tables.securityGroups.get(id)?.name ?? []),
  };
}
