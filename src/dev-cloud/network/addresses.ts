import { randomBytes, randomInt } from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';

/** A network, first and last address as numbers: of 32 bits for IPv4, of 128 for IPv6. */
export interface Cidr {
  version: IpVersion;
  first: bigint;
  last: bigint;
}

export type IpVersion = 4 | 6;

/** Null for what is not a network written as its first address and a length. */
export function parseCidr(text: string): Cidr | null {
  const [address = '', length = ''] = text.split('/');
  const version = versionOf(address);
  if (version === null || !/^\d{1,3}$/.test(length) || Number(length) > bitsOf(version)) return null;
  const size = 1n << BigInt(bitsOf(version) - Number(length));
  const first = toNumber(address);
  return first % size === 0n ? { version, first, last: first + size - 1n } : null;
}

/** Null for what is no address. */
export function versionOf(address: string): IpVersion | null {
  const version = isIP(address);
  return version === 0 ? null : (version as IpVersion);
}

const bitsOf = (version: IpVersion) => (version === 4 ? 32 : 128);

/** @param address a valid one of either version. */
export function toNumber(address: string): bigint {
  if (isIPv4(address)) return address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
  const [head = [], tail = []] = canonicalIpv6(address)
    .split('::')
    .map((part) => (part === '' ? [] : part.split(':')));
  const middle = Array.from({ length: 8 - head.length - tail.length }, () => '0');
  return [...head, ...middle, ...tail].reduce((sum, group) => (sum << 16n) + BigInt(`0x${group}`), 0n);
}

/** The shortest, in lower case, without an IPv4 address at its end (RFC 5952). */
function canonicalIpv6(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}

/** As Neutron writes it. */
export function toAddress(number: bigint, version: IpVersion): string {
  const [count, bits] = version === 4 ? [4, 8] : [8, 16];
  const parts = Array.from({ length: count }, (_, index) =>
    BigInt.asUintN(bits, number >> BigInt((count - 1 - index) * bits)),
  );
  return version === 4 ? parts.join('.') : canonicalIpv6(parts.map((part) => part.toString(16)).join(':'));
}

/** Neutron's default: all but the network's own address, IPv4's broadcast address and the gateway. */
export function defaultPools(cidr: Cidr, gateway: string | null): { start: string; end: string }[] {
  const [first, last] = [cidr.first + 1n, cidr.version === 4 ? cidr.last - 1n : cidr.last];
  const gap = gateway === null ? -1n : toNumber(gateway);
  const pools: [bigint, bigint][] =
    gap >= first && gap <= last
      ? [
          [first, gap - 1n],
          [gap + 1n, last],
        ]
      : [[first, last]];
  const text = (number: bigint) => toAddress(number, cidr.version);
  return pools.flatMap(([start, end]) => (start <= end ? [{ start: text(start), end: text(end) }] : []));
}

/** How many addresses the pools have. */
export function poolSize(pools: readonly { start: string; end: string }[]): bigint {
  return pools.reduce((sum, { start, end }) => sum + toNumber(end) - toNumber(start) + 1n, 0n);
}

/**
 * A free address of the pools, or null when there is none. Drawn at random, as Neutron does: two clouds on one machine
 * that share a loopback network hardly ever meet.
 */
export function pickAddress(
  pools: readonly { start: string; end: string }[],
  taken: Pick<ReadonlySet<string>, 'has'>,
): string | null {
  const total = poolSize(pools);
  if (total === 0n) return null;
  const offset = BigInt(`0x${randomBytes(16).toString('hex')}`) % total;
  for (let step = 0n; step < total; step++) {
    const address = addressAt(pools, (offset + step) % total);
    if (!taken.has(address)) return address;
  }
  return null;
}

function addressAt(pools: readonly { start: string; end: string }[], index: bigint): string {
  let left = index;
  for (const { start, end } of pools) {
    const [first, size] = [toNumber(start), toNumber(end) - toNumber(start) + 1n];
    if (left < size) return toAddress(first + left, isIPv4(start) ? 4 : 6);
    left -= size;
  }
  throw new RangeError(`the pools have no address ${index}`);
}

/** Neutron's default `base_mac`. */
export function randomMac(): string {
  const parts = Array.from({ length: 3 }, () => randomInt(256).toString(16).padStart(2, '0'));
  return `fa:16:3e:${parts.join(':')}`;
}
