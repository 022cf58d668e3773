import { isIP, isIPv6 } from 'node:net';
import { KilnError } from '../../model/errors.ts';

/**
 * `address:port`. IPv6 goes without brackets: HAProxy takes what follows the last colon for the port, and Octavia's
 * agent takes the VIPs out of the `bind` lines as they stand there.
 * @param owner whose address it is, such as "member 1234".
 */
export function socketAddress(owner: string, address: string, port: number): string {
  return `${requireAddress(owner, address)}:${port}`;
}

/** `address` where a port may follow but none does: IPv6 in brackets, or HAProxy takes its last group for one. */
export function hostAddress(owner: string, address: string): string {
  return isIPv6(requireAddress(owner, address)) ? `[${address}]` : address;
}

/** `address` itself. INTERNAL when it is no address: HAProxy would take it for a host name and look it up. */
export function requireAddress(owner: string, address: string): string {
  // A zone, as in fe80::1%eth0, is not part of what the API takes.
  if (isIP(address) !== 0 && !address.includes('%')) return address;
  throw new KilnError('INTERNAL', `${JSON.stringify(address)} of ${owner} is not an IPv4 or IPv6 address.`);
}
