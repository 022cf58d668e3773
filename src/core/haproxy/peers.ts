import { createHash } from 'node:crypto';
import { requireAddress } from './address.ts';
import type { Section } from './section.ts';
import type { HaproxyPeer } from './settings.ts';

/**
 * Where HAProxy's peers of a pair tell each other of their clients, whatever numbers its listeners have
 * (octavia/common/constants.py, HAPROXY_BASE_PEER_PORT).
 */
export const basePeerPort = 1025;

/** The name of the `peers` section that stick tables are shared in. */
export function peersName(loadBalancerId: string): string {
  return `${loadBalancerId.replaceAll('-', '')}_peers`;
}

/**
 * An amphora's name among its peers. The agent starts HAProxy with `-L` and this name, so both make it alike: SHA-1 in
 * base 64, with `_` for `+`, `-` for `/`, no padding, and never a `-` first.
 */
export function peerName(amphoraId: string): string {
  const hash = createHash('sha1').update(amphoraId).digest('base64');
  return hash.replaceAll('+', '_').replaceAll('/', '-').replaceAll('=', '').replace(/^-/, 'x');
}

/** `peers`: the amphorae of an ACTIVE_STANDBY pair tell each other which client belongs to which member. */
export function renderPeers(loadBalancerId: string, peers: readonly HaproxyPeer[]): Section[] {
  if (peers.length === 0) return [];
  const lines = peers.map(({ amphoraId, address }) => {
    return `peer ${peerName(amphoraId)} ${requireAddress(`amphora ${amphoraId}`, address)}:${basePeerPort}`;
  });
  return [{ header: `peers ${peersName(loadBalancerId)}`, lines }];
}
