import { isIPv6 } from 'node:net';

/**
 * One text for one address, to compare by: IPv6 in its shortest form, and an IPv4 address that is written as IPv6
 * (`::ffff:10.0.0.1`) as IPv4, for that is where packets to it go.
 */
export function canonicalAddress(address: string): string {
  if (!isIPv6(address)) return address;
  const shortest = new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(shortest) ?? [];
  if (high === undefined || low === undefined) return shortest;
  const bits = (Number.parseInt(high, 16) << 16) | Number.parseInt(low, 16);
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.');
}
