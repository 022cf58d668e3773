import { BlockList, isIPv4, isIPv6 } from 'node:net';
import type { SessionPersistence } from '../../../model/load-balancer.ts';
import type { Family } from './plan.ts';

/** Octavia's default, in seconds; keepalived's own has changed between its versions. */
const defaultTimeout = 360;
/** Seconds: the most that keepalived takes. */
const longestTimeout = 31 * 86_400;

/** Which clients go to the same member, and for how long after their last packet. */
export function renderPersistence(persistence: SessionPersistence | null, family: Family): string[] {
  if (persistence?.type !== 'SOURCE_IP') return [];
  const timeout = Math.min(persistence.persistenceTimeout || defaultTimeout, longestTimeout);
  return [
    `persistence_timeout ${timeout}`,
    `persistence_granularity ${granularity(persistence.persistenceGranularity, family)}`,
  ];
}

/**
 * A netmask for IPv4, the length of a prefix for IPv6: that is what keepalived takes. A mask of the other family, or
 * one with gaps, means each address for itself.
 */
function granularity(netmask: string | null, family: Family): string {
  if (family === 4) return netmask !== null && isIPv4(netmask) ? netmask : '255.255.255.255';
  return `${(netmask !== null && isIPv6(netmask) && prefixLength(netmask)) || 128}`;
}

/** Of an IPv6 netmask such as ffff:ffff::; null when it is none. */
function prefixLength(netmask: string): number | null {
  if (netmask.includes('%')) return null;
  const lengths = Array.from({ length: 129 }, (_, length) => length);
  return lengths.find((length) => isSameAddress(netmask, maskOf(length))) ?? null;
}

function maskOf(length: number): string {
  const bits = '1'.repeat(length).padEnd(128, '0');
  return (bits.match(/.{16}/g) ?? []).map((group) => Number.parseInt(group, 2).toString(16)).join(':');
}

function isSameAddress(one: string, other: string): boolean {
  const list = new BlockList();
  list.addAddress(one, 'ipv6');
  return list.check(other, 'ipv6');
}
