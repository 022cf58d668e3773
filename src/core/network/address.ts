import { isIPv4, isIPv6 } from 'node:net';

/** One text for one address: IPv6 as the URL standard writes it, in hexadecimal groups with the longest run of zeros left out. */
export function shortestAddress(address: string): string {
  return isIPv6(address) ? new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.slice(1, -1) : address;
}

/**
 * One text for one address, to compare by: IPv6 in its shortest form, and an IPv4 address that is written as IPv6
 * (`::ffff:10.0.0.1`) as IPv4, for that is where packets to it go.
 */
export function canonicalAddress(address: string): string {
  const shortest = shortestAddress(address);
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(shortest) ?? [];
  if (high === undefined || low === undefined) return shortest;
  return dotted(high, low);
}

/**
 * The IPv4 address that a translator on the way makes of an IPv6 one, as `canonicalAddress` writes it; null where none does:
 * NAT64 (64:ff9b::/96), IPv4-compatible (::/96), IPv4-translated (::ffff:0:0:0/96) and 6to4 (2002::/16) addresses.
 */
export function translatedAddress(address: string): string | null {
  if (!isIPv6(address)) return null;
  const canonical = canonicalAddress(address);
  if (!isIPv6(canonical)) return null;
  const groups = groupsOf(canonical);
  const prefix = groups.slice(0, 6).join(':');
  if (groups[0] === '2002') return dotted(groups[1], groups[2]);
  return ['64:ff9b:0:0:0:0', '0:0:0:0:0:0', '0:0:0:0:ffff:0'].includes(prefix) ? dotted(groups[6], groups[7]) : null;
}

/** An address as a number of 32 or 128 bits. */
export function addressToNumber(address: string): bigint {
  if (isIPv4(address)) return address.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
  return groupsOf(shortestAddress(address)).reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

/** The first address of the network that an address is in: its bits behind `prefixLength` are cleared. */
export function networkAddress(address: string, prefixLength: number): string {
  const bits = isIPv4(address) ? 32 : 128;
  const hostBits = BigInt(bits - prefixLength);
  const value = (addressToNumber(address) >> hostBits) << hostBits;
  if (bits === 32) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
  const groups = Array.from({ length: 8 }, (_, index) => ((value >> BigInt(16 * (7 - index))) & 0xffffn).toString(16));
  return shortestAddress(groups.join(':'));
}

/** All eight of an IPv6 address in its shortest form. */
function groupsOf(address: string): string[] {
  const [head = '', tail] = address.split('::');
  const listed = (text = '') => (text === '' ? [] : text.split(':'));
  if (tail === undefined) return listed(head);
  const missing = 8 - listed(head).length - listed(tail).length;
  return [...listed(head), ...Array<string>(missing).fill('0'), ...listed(tail)];
}

function dotted(high = '0', low = '0'): string {
  const bits = (Number.parseInt(high, 16) << 16) | Number.parseInt(low, 16);
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.');
}
