import { isIP } from 'node:net';
import { parseCidr, pickAddress, randomMac, toAddress, toNumber, versionOf } from './addresses.ts';
import { boolean, ipAddress, list, oneOf, string } from './attributes.ts';
import { invalidInput, NetworkFault } from './fault.ts';
import { networkNotFound, networks, requireOwner } from './networks.ts';
import { qosPolicyNotFound } from './qos-policies.ts';
import type { Attributes, Resource } from './resource.ts';
import { type FixedIp, type NetworkTables, newRow, type PortRow, revised, type SubnetRow } from './rows.ts';
import { ensureDefaultGroup, securityGroupNotFound } from './security-groups.ts';
import { subnetNotFound } from './subnets.ts';

const vnicTypes = ['normal', 'direct', 'macvtap', 'baremetal', 'direct-physical', 'virtio-forwarder', 'smart-nic'];

/** A port is bound, and up, once it has a host. */
export function ports(tables: NetworkTables): Resource<PortRow> {
  const { isVisible: isNetworkVisible } = networks(tables);
  return {
    name: 'port',
    collection: 'ports',
    notFound: (id) => new NetworkFault(404, 'PortNotFound', `Port ${id} could not be found.`),
    all: tables.ports.all,
    get: tables.ports.get,
    isVisible: (row, user) => {
      if (user.isAdmin || row.project_id === user.projectId) return true;
      return tables.networks.get(row.network_id)?.project_id === user.projectId;
    },
    view: (row, user) => {
      const bound = row.host_id !== '';
      return {
        id: row.id,
        name: row.name,
        network_id: row.network_id,
        tenant_id: row.project_id,
        mac_address: row.mac_address,
        admin_state_up: row.admin_state_up,
        status: bound && row.admin_state_up ? 'ACTIVE' : 'DOWN',
        device_id: row.device_id,
        device_owner: row.device_owner,
        fixed_ips: row.fixed_ips,
        allowed_address_pairs: row.allowed_address_pairs.map((pair) => ({
          ...pair,
          mac_address: pair.mac_address ?? row.mac_address,
        })),
        extra_dhcp_opts: [],
        security_groups: row.security_groups,
        description: row.description,
        'binding:vnic_type': row.vnic_type,
        ...(user.isAdmin
          ? {
              'binding:profile': {},
              'binding:host_id': row.host_id,
              'binding:vif_type': bound ? 'bridge' : 'unbound',
              'binding:vif_details': bound ? { port_filter: true, bound_drivers: { 0: row.host_id } } : {},
            }
          : {}),
        port_security_enabled: row.port_security_enabled,
        qos_policy_id: row.qos_policy_id ?? null,
        tags: row.tags,
        created_at: row.created_at,
        updated_at: row.updated_at,
        revision_number: row.revision_number,
        project_id: row.project_id,
      };
    },
    extraFilters: ['fixed_ips', 'binding:host_id', 'ip_allocation'],
    creatable: [...updatable, 'network_id', 'extra_dhcp_opts', 'binding:profile'],
    required: ['network_id'],
    updatable,
    create: (attributes, user) => {
      const networkId = string(attributes, 'network_id');
      const network = tables.networks.get(networkId);
      if (!network || !isNetworkVisible(network, user)) throw networkNotFound(networkId);
      const secured = boolean(attributes, 'port_security_enabled', network.port_security_enabled);
      const row: PortRow = {
        ...newRow(attributes.project_id),
        revision_number: 1,
        name: string(attributes, 'name'),
        description: string(attributes, 'description'),
        tags: [],
        network_id: networkId,
        mac_address: macAddress(tables, networkId, attributes.mac_address),
        admin_state_up: boolean(attributes, 'admin_state_up', true),
        device_id: string(attributes, 'device_id'),
        device_owner: string(attributes, 'device_owner'),
        fixed_ips: allocate(tables, networkId, attributes.fixed_ips, []),
        qos_policy_id: qosPolicy(tables, attributes),
        allowed_address_pairs: addressPairs(attributes),
        security_groups: Array.isArray(attributes.security_groups)
          ? groups(tables, attributes, user.isAdmin ? null : user.projectId)
          : secured
            ? [ensureDefaultGroup(tables, attributes.project_id).id]
            : [],
        port_security_enabled: secured,
        vnic_type: oneOf(attributes, 'binding:vnic_type', vnicTypes, 'normal'),
        host_id: string(attributes, 'binding:host_id'),
      };
      tables.ports.put(row);
      return row;
    },
    update: (row, attributes, user) => {
      requireOwner(row, user, 'update_port');
      const project = user.isAdmin ? null : user.projectId;
      const changed = revised(row, {
        name: string(attributes, 'name', row.name),
        description: string(attributes, 'description', row.description),
        admin_state_up: boolean(attributes, 'admin_state_up', row.admin_state_up),
        device_id: string(attributes, 'device_id', row.device_id),
        device_owner: string(attributes, 'device_owner', row.device_owner),
        port_security_enabled: boolean(attributes, 'port_security_enabled', row.port_security_enabled),
        vnic_type: oneOf(attributes, 'binding:vnic_type', vnicTypes, row.vnic_type),
        host_id: string(attributes, 'binding:host_id', row.host_id),
        ...(attributes.mac_address ? { mac_address: macAddress(tables, row.network_id, attributes.mac_address) } : {}),
        ...(attributes.fixed_ips
          ? { fixed_ips: allocate(tables, row.network_id, attributes.fixed_ips, row.fixed_ips) }
          : {}),
        ...(attributes.qos_policy_id === undefined ? {} : { qos_policy_id: qosPolicy(tables, attributes) }),
        ...(attributes.allowed_address_pairs ? { allowed_address_pairs: addressPairs(attributes) } : {}),
        ...(attributes.security_groups ? { security_groups: groups(tables, attributes, project) } : {}),
      });
      tables.ports.put(changed);
      return changed;
    },
    delete: (row, user) => {
      requireOwner(row, user, 'delete_port');
      tables.ports.delete(row.id);
    },
  };
}

const updatable = [
  ...['name', 'description', 'admin_state_up', 'device_id', 'device_owner', 'fixed_ips', 'mac_address'],
  ...['allowed_address_pairs', 'security_groups', 'port_security_enabled', 'qos_policy_id'],
  ...['binding:vnic_type', 'binding:host_id'],
];

function macAddress(tables: NetworkTables, networkId: string, wanted: unknown): string {
  const isTaken = (mac: string) => tables.ports.holderOf(networkId, mac) !== undefined;
  if (wanted === undefined || wanted === null) {
    let mac = randomMac();
    while (isTaken(mac)) mac = randomMac();
    return mac;
  }
  const mac = String(wanted).toLowerCase();
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac)) {
    throw invalidInput(`Invalid input for mac_address. Reason: '${mac}' is not a valid MAC address`);
  }
  if (isTaken(mac)) {
    const message = `Unable to complete operation for network ${networkId}. The mac address ${mac} is in use.`;
    throw new NetworkFault(409, 'MacAddressInUse', message);
  }
  return mac;
}

/**
 * Addresses for a port: as asked for, or one of the network's first subnet that has one left. A network without subnets
 * gives none. Addresses that the port has already (`own`) stay its own.
 */
function allocate(tables: NetworkTables, networkId: string, wanted: unknown, own: readonly FixedIp[]): FixedIp[] {
  const candidates = tables.subnets.all().filter((subnet) => subnet.network_id === networkId);
  const ownAddresses = new Set(own.map((fixedIp) => fixedIp.ip_address));
  const claimed = new Set<string>();
  const taken = {
    has: (address: string) =>
      claimed.has(address) || (tables.ports.holderOf(networkId, address) !== undefined && !ownAddresses.has(address)),
  };
  const pick = (subnets: readonly SubnetRow[]): FixedIp => {
    for (const subnet of subnets) {
      const address = pickAddress(subnet.allocation_pools, taken);
      if (address) return claim({ subnet_id: subnet.id, ip_address: address });
    }
    throw new NetworkFault(
      409,
      'IpAddressGenerationFailure',
      `No more IP addresses available on network ${networkId}.`,
    );
  };
  const claim = (fixedIp: FixedIp): FixedIp => {
    if (taken.has(fixedIp.ip_address)) {
      const message = `IP address ${fixedIp.ip_address} already allocated in subnet ${fixedIp.subnet_id}`;
      throw new NetworkFault(409, 'IpAddressAlreadyAllocated', message);
    }
    claimed.add(fixedIp.ip_address);
    return fixedIp;
  };

  if (wanted === undefined || wanted === null) {
    // One of each version that the network has.
    const ofVersion = (version: number) => candidates.filter(({ cidr }) => parseCidr(cidr)?.version === version);
    return [ofVersion(4), ofVersion(6)].flatMap((subnets) => (subnets.length > 0 ? [pick(subnets)] : []));
  }
  return list<Attributes>({ fixed_ips: wanted }, 'fixed_ips').map((request) => {
    const subnets = request.subnet_id ? candidates.filter((subnet) => subnet.id === request.subnet_id) : candidates;
    if (request.subnet_id && subnets.length === 0) {
      const id = String(request.subnet_id);
      if (!tables.subnets.get(id)) throw subnetNotFound(id);
      throw invalidInput(
        `Failed to create port on network ${networkId}, because fixed_ips included invalid subnet ${String(request.subnet_id)}`,
      );
    }
    if (request.ip_address === undefined) return pick(subnets);
    const address = canonical(ipAddress(request.ip_address, 'fixed_ips'));
    const home = subnets.find((subnet) => {
      const cidr = parseCidr(subnet.cidr);
      if (cidr?.version !== versionOf(address)) return false;
      return toNumber(address) > cidr.first && toNumber(address) < cidr.last;
    });
    if (!home) {
      const where = request.subnet_id
        ? 'for the specified subnet.'
        : 'for any of the subnets on the specified network.';
      const type = request.subnet_id ? 'InvalidIpForSubnet' : 'InvalidIpForNetwork';
      throw new NetworkFault(400, type, `IP address ${address} is not a valid IP ${where}`);
    }
    return claim({ subnet_id: home.id, ip_address: address });
  });
}

/** One spelling for each address of IPv6. */
const canonical = (address: string) => toAddress(toNumber(address), versionOf(address) ?? 4);

/** Neutron's default `max_allowed_address_pair`. */
const mostPairs = 10;

/** Addresses or networks, of either family; a hardware address of its own is rare. */
function addressPairs(attributes: Attributes): PortRow['allowed_address_pairs'] {
  const pairs = list<Attributes>(attributes, 'allowed_address_pairs');
  if (pairs.length > mostPairs) {
    const message = `The number of allowed address pair exceeds the maximum ${mostPairs}.`;
    throw new NetworkFault(400, 'AllowedAddressPairExhausted', message);
  }
  return pairs.map((pair) => {
    if (typeof pair?.ip_address !== 'string') {
      throw new NetworkFault(400, 'AllowedAddressPairsMissingIP', 'AllowedAddressPair must contain ip_address');
    }
    const [address = '', length = '0'] = pair.ip_address.split('/');
    if (!isIP(address) || !/^\d{1,3}$/.test(length)) {
      const reason = `'${pair.ip_address}' is not a valid IP subnet`;
      throw invalidInput(`Invalid input for allowed_address_pairs. Reason: ${reason}`);
    }
    const { mac_address: mac } = pair;
    return { ip_address: pair.ip_address, ...(typeof mac === 'string' ? { mac_address: mac.toLowerCase() } : {}) };
  });
}

/** Null for none. */
function qosPolicy(tables: NetworkTables, { qos_policy_id: id }: Attributes): string | null {
  if (id === undefined || id === null) return null;
  if (!tables.qosPolicies.get(String(id))) throw qosPolicyNotFound(String(id));
  return String(id);
}

/** @param projectId null for an administrator, who may use anybody's groups. */
function groups(tables: NetworkTables, attributes: Attributes, projectId: string | null): string[] {
  return list<string>(attributes, 'security_groups').map((id) => {
    const group = tables.securityGroups.get(id);
    if (!group || (projectId !== null && group.project_id !== projectId)) throw securityGroupNotFound(id);
    return id;
  });
}
