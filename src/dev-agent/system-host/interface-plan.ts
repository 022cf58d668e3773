import { networkAddress, shortestAddress } from '../../core/network/address.ts';
import type { FirewallRule, NetworkPlug, PlugAddress, VipPlug } from '../plug.ts';

/** How an interface in the amphora's namespace is to be configured. Kept in a file, for the time after a reboot. */
export interface InterfacePlan {
  name: string;
  macAddress: string;
  mtu: number | null;
  carriesVip: boolean;
  /** What may come in, where no hypervisor filters the port (SR-IOV); null: one does. */
  firewall: readonly FirewallRule[] | null;
  addresses: readonly PlannedAddress[];
  routes: readonly PlannedRoute[];
  rules: readonly PlannedRule[];
}

export interface PlannedAddress {
  address: string;
  prefixLength: number;
  /** False: keepalived sets and removes it, we do neither. */
  ours: boolean;
}

export interface PlannedRoute {
  /** CIDR. */
  destination: string;
  /** Null: the destination is on the link. */
  gateway: string | null;
  /** The address that packets leave with, where it is not the usual one. */
  source: string | null;
  table: number;
}

/** Packets from `source` are routed by `table`. */
export interface PlannedRule {
  source: string;
  table: number;
}

export const mainTable = 254;
/** Answers from the VIP leave by this one (octavia/amphorae/backends/utils/interface_file.py). */
const vipTable = 1;

export function familyOf(addressOrCidr: string): 4 | 6 {
  return addressOrCidr.includes(':') ? 6 : 4;
}

/**
 * The VIP's interface, as Octavia's agent configures it. @param isOfPair keepalived then moves the VIPs, and what belongs to them alone.
 * @param further addresses that the port has in other subnets.
 */
export function planVip(
  name: string,
  vip: VipPlug & { vrrp: NonNullable<VipPlug['vrrp']> },
  further: readonly PlugAddress[],
  isOfPair: boolean,
): InterfacePlan {
  const addresses: PlannedAddress[] = [ownAddress(vip.vrrp)];
  const routes: PlannedRoute[] = [];
  const rules: PlannedRule[] = [];
  for (const one of vip.vips) {
    const { address } = one;
    addresses.push({ address, prefixLength: familyOf(address) === 6 ? 128 : 32, ours: !isOfPair });
    routes.push(...defaultRoutes(one, isOfPair));
    const subnet = networkOf(one.subnetCidr);
    routes.push({ destination: subnet, gateway: null, source: null, table: mainTable });
    if (!isOfPair) {
      routes.push({ destination: subnet, gateway: null, source: address, table: vipTable });
      rules.push({ source: address, table: vipTable });
    }
    routes.push(...hostRoutes(one, mainTable), ...hostRoutes(one, vipTable));
  }
  for (const one of further) {
    addresses.push(ownAddress(one));
    routes.push(...defaultRoutes(one, isOfPair), ...hostRoutes(one, mainTable));
  }
  return {
    name,
    macAddress: vip.macAddress,
    mtu: vip.mtu,
    carriesVip: true,
    firewall: vip.isSriov ? [] : null,
    addresses: distinct(addresses, ({ address }) => address),
    routes: distinct(routes, routeKey),
    rules,
  };
}

/** The interface of a network of members. It gets no default route: that is the VIP's. */
export function planNetwork(name: string, { macAddress, mtu, addresses, isSriov }: NetworkPlug): InterfacePlan {
  return {
    name,
    macAddress,
    mtu,
    carriesVip: false,
    firewall: isSriov ? [] : null,
    addresses: distinct(addresses.map(ownAddress), ({ address }) => address),
    routes: distinct(
      addresses.flatMap((one) => hostRoutes(one, mainTable)),
      routeKey,
    ),
    rules: [],
  };
}

/** What is the same route. */
export function routeKey({ destination, gateway, source, table }: PlannedRoute): string {
  return [destination, gateway ?? '', source ?? '', table].join(' ');
}

function ownAddress({ address, subnetCidr }: Pick<PlugAddress, 'address' | 'subnetCidr'>): PlannedAddress {
  return { address, prefixLength: Number(subnetCidr.split('/')[1]), ours: true };
}

function defaultRoutes({ address, gateway }: PlugAddress, isOfPair: boolean): PlannedRoute[] {
  if (gateway === null) return [];
  const destination = familyOf(address) === 6 ? '::/0' : '0.0.0.0/0';
  const route = { destination, gateway: shortestAddress(gateway), source: null };
  return [{ ...route, table: mainTable }, ...(isOfPair ? [] : [{ ...route, table: vipTable }])];
}

function hostRoutes({ hostRoutes: all }: PlugAddress, table: number): PlannedRoute[] {
  return all.map(({ destination, nexthop }) => ({
    destination: networkOf(destination),
    gateway: shortestAddress(nexthop),
    source: null,
    table,
  }));
}

/** A CIDR with its host bits cleared: the kernel refuses routes that have some. */
export function networkOf(cidr: string): string {
  const [address = '', length = ''] = cidr.split('/');
  return `${networkAddress(address, Number(length))}/${Number(length)}`;
}

function distinct<Item>(items: readonly Item[], key: (item: Item) => string): Item[] {
  return [...new Map(items.map((item) => [key(item), item] as const)).values()];
}
