import { BlockList, isIPv6, SocketAddress } from 'node:net';

const networks = new Map<string, BlockList>();

/** Whether an address lies in a network such as "10.0.0.0/16" or "fd00::/64". */
export function isWithin(address: string, cidr: string): boolean {
  const [network = '', length] = cidr.split('/');
  const family = isIPv6(network) ? 'ipv6' : 'ipv4';
  if ((isIPv6(address) ? 'ipv6' : 'ipv4') !== family) return false;
  const list = networks.get(cidr) ?? new BlockList();
  if (!networks.has(cidr)) list.addSubnet(network, Number(length), family);
  networks.set(cidr, list);
  return list.check(address, family);
}

/** The nth address of a network, as it is usually written; n from 0, small. */
export function addressAt(cidr: string, n: number): string {
  const [network = ''] = cidr.split('/');
  if (isIPv6(network)) {
    const start = network.replace(/::.*$/, '::');
    return new SocketAddress({ address: `${start}${n.toString(16)}`, family: 'ipv6' }).address;
  }
  const first = network.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  return [24, 16, 8, 0].map((shift) => Math.floor((first + n) / 2 ** shift) % 256).join('.');
}

/** How many addresses a network gives out: all but its own, the gateway's and the broadcast address. */
export function addressCount(cidr: string): number {
  const [network = '', length] = cidr.split('/');
  return Math.max(2 ** ((isIPv6(network) ? 128 : 32) - Number(length)) - 3, 0);
}
