import { randomInt } from 'node:crypto';
import { isIPv4 } from 'node:net';

/** An IPv4 network: numbers are unsigned 32-bit addresses. */
export interface Cidr {
  first: number;
  last: number;
}

/** Null for what is not an IPv4 network written as its first address and a length. */
export function parseCidr(text: string): Cidr | null {
  const [address = '', length = ''] = text.split('/');
  if (!isIPv4(address) || !/^\d{1,2}$/.test(length) || Number(length) > 32) return null;
  const size = 2 ** (32 - Number(length));
  const first = toNumber(address);
  return first % size === 0 ? { first, last: first + size - 1 } : null;
}

export function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

export function toAddress(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}

/** Neutron's default: all but the network's own address, its broadcast address and the gateway. */
export function defaultPools(cidr: Cidr, gateway: string | null): { start: string; end: string }[] {
  const [first, last] = [cidr.first + 1, cidr.last - 1];
  const gap = gateway === null ? Number.NaN : toNumber(gateway);
  const pools =
    gap >= first && gap <= last
      ? [
          [first, gap - 1],
          [gap + 1, last],
        ]
      : [[first, last]];
  return pools.flatMap(([start = 0, end = -1]) =>
    start <= end ? [{ start: toAddress(start), end: toAddress(end) }] : [],
  );
}

/**
 * A free address of the pools, or null when there is none. Drawn at random, as Neutron does: two clouds on one machine
 * that share a loopback network hardly ever meet.
 */
export function pickAddress(
  pools: readonly { start: string; end: string }[],
  taken: Pick<ReadonlySet<string>, 'has'>,
): string | null {
  const ranges = pools.map(({ start, end }) => ({ start: toNumber(start), size: toNumber(end) - toNumber(start) + 1 }));
  const total = ranges.reduce((sum, { size }) => sum + size, 0);
  if (total === 0) return null;
  const offset = randomInt(total);
  for (let step = 0; step < total; step++) {
    let index = (offset + step) % total;
    const range = ranges.find(({ size }) => {
      if (index < size) return true;
      index -= size;
      return false;
    });
    const address = toAddress((range?.start ?? 0) + index);
    if (!taken.has(address)) return address;
  }
  return null;
}

/** Neutron's default `base_mac`. */
export function randomMac(): string {
  const parts = Array.from({ length: 3 }, () => randomInt(256).toString(16).padStart(2, '0'));
  return `fa:16:3e:${parts.join(':')}`;
}
