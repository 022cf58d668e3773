import { type Cidr, defaultPools, parseCidr, toAddress, toNumber } from './addresses.ts';
import { boolean, ipAddress, list, oneOf, string } from './attributes.ts';
import { invalidInput, NetworkFault } from './fault.ts';
import { networkNotFound, networks, requireOwner } from './networks.ts';
import type { Resource } from './resource.ts';
import { type NetworkTables, newRow, revised, type SubnetRow } from './rows.ts';

export function subnetNotFound(id: string): NetworkFault {
  return new NetworkFault(404, 'SubnetNotFound', `Subnet ${id} could not be found.`);
}

/** @param addresses where servers are processes on this machine, they take their addresses on the loopback network alone. */
export function subnets(tables: NetworkTables, addresses: 'loopback' | 'any'): Resource<SubnetRow> {
  const { isVisible: isNetworkVisible } = networks(tables);
  return {
    name: 'subnet',
    collection: 'subnets',
    notFound: subnetNotFound,
    all: tables.subnets.all,
    get: tables.subnets.get,
    isVisible: (row, user) => {
      const network = tables.networks.get(row.network_id);
      return row.project_id === user.projectId || (network !== undefined && isNetworkVisible(network, user));
    },
    view: (row) => ({
      id: row.id,
      name: row.name,
      tenant_id: row.project_id,
      network_id: row.network_id,
      ip_version: parseCidr(row.cidr)?.version ?? 4,
      subnetpool_id: null,
      enable_dhcp: row.enable_dhcp,
      ipv6_ra_mode: null,
      ipv6_address_mode: null,
      gateway_ip: row.gateway_ip,
      cidr: row.cidr,
      allocation_pools: row.allocation_pools,
      host_routes: row.host_routes,
      dns_nameservers: row.dns_nameservers,
      description: row.description,
      service_types: [],
      tags: row.tags,
      created_at: row.created_at,
      updated_at: row.updated_at,
      revision_number: row.revision_number,
      project_id: row.project_id,
    }),
    extraFilters: ['subnetpool_id', 'ipv6_ra_mode', 'ipv6_address_mode', 'service_types', 'segment_id'],
    creatable: [
      ...['network_id', 'ip_version', 'cidr', 'name', 'description', 'gateway_ip', 'allocation_pools'],
      ...['enable_dhcp', 'dns_nameservers', 'host_routes'],
    ],
    required: ['network_id', 'ip_version'],
    updatable: ['name', 'description', 'enable_dhcp', 'dns_nameservers', 'host_routes'],
    create: (attributes, user) => {
      const networkId = string(attributes, 'network_id');
      const network = tables.networks.get(networkId);
      if (!network || !isNetworkVisible(network, user)) throw networkNotFound(networkId);
      requireOwner(network, user, 'create_subnet');
      const version = Number(oneOf({ ip_version: String(attributes.ip_version) }, 'ip_version', ['4', '6']));
      if (version === 6 && addresses === 'loopback') throw invalidInput('the embedded cloud has IPv4 subnets only');
      const text = string(attributes, 'cidr');
      const cidr = parseCidr(text);
      if (!cidr || cidr.version !== version) {
        throw invalidInput(`Invalid input for cidr. Reason: '${text}' is not a valid IPv${version} subnet`);
      }
      if (addresses === 'loopback' && !isInside(cidr, loopback)) {
        const reason = `'${text}' is outside 127.0.0.0/8, the loopback network: servers of the embedded cloud are processes on this machine, which can take no other addresses. Take a part of 127.0.0.0/8`;
        throw invalidInput(`Invalid input for cidr. Reason: ${reason}`);
      }
      for (const other of tables.subnets.all()) {
        const taken = parseCidr(other.cidr);
        if (other.network_id !== networkId || taken?.version !== version) continue;
        if (taken.first <= cidr.last && cidr.first <= taken.last) {
          throw invalidInput(
            `Requested subnet with cidr: ${text} for network: ${networkId} overlaps with another subnet`,
          );
        }
      }
      const gateway = gatewayOf(attributes.gateway_ip, cidr);
      const pools = list<{ start: string; end: string }>(attributes, 'allocation_pools');
      for (const { start, end } of pools) {
        const [first, last] = [start, end].map((address) => toNumber(ipAddress(address, 'allocation_pools'))) as [
          bigint,
          bigint,
        ];
        if (first > last || first < cidr.first || last > cidr.last) {
          throw new NetworkFault(
            400,
            'OutOfBoundsAllocationPool',
            `The allocation pool ${start}-${end} spans beyond the subnet cidr ${text}.`,
          );
        }
      }
      const row: SubnetRow = {
        ...newRow(attributes.project_id),
        name: string(attributes, 'name'),
        description: string(attributes, 'description'),
        tags: [],
        network_id: networkId,
        cidr: text,
        gateway_ip: gateway,
        allocation_pools: pools.length > 0 ? pools : defaultPools(cidr, gateway),
        enable_dhcp: boolean(attributes, 'enable_dhcp', true),
        dns_nameservers: list(attributes, 'dns_nameservers'),
        host_routes: list(attributes, 'host_routes'),
      };
      tables.subnets.put(row);
      return row;
    },
    update: (row, attributes, user) => {
      requireOwner(row, user, 'update_subnet');
      const changed = revised(row, {
        name: string(attributes, 'name', row.name),
        description: string(attributes, 'description', row.description),
        enable_dhcp: boolean(attributes, 'enable_dhcp', row.enable_dhcp),
        ...(attributes.dns_nameservers ? { dns_nameservers: list(attributes, 'dns_nameservers') } : {}),
        ...(attributes.host_routes ? { host_routes: list(attributes, 'host_routes') } : {}),
      });
      tables.subnets.put(changed);
      return changed;
    },
    delete: (row, user) => {
      requireOwner(row, user, 'delete_subnet');
      if (tables.ports.all().some((port) => port.fixed_ips.some((fixedIp) => fixedIp.subnet_id === row.id))) {
        const reason = 'One or more ports have an IP allocation from this subnet';
        throw new NetworkFault(409, 'SubnetInUse', `Unable to complete operation on subnet ${row.id}: ${reason}.`);
      }
      tables.subnets.delete(row.id);
    },
  };
}

const loopback: Cidr = { version: 4, first: toNumber('127.0.0.0'), last: toNumber('127.255.255.255') };
const isInside = (inner: Cidr, outer: Cidr) => outer.first <= inner.first && inner.last <= outer.last;

/** Null is "no gateway"; missing is the first address. */
function gatewayOf(value: unknown, { first, version }: Cidr): string | null {
  if (value === null) return null;
  return value === undefined ? toAddress(first + 1n, version) : ipAddress(value, 'gateway_ip');
}
