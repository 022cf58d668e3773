import { wrapEnvelope } from './envelope.ts';
import type { Heartbeat } from './message.ts';

/** The packet that an agent of Octavia 7 or later sends, and keys that those leave out: version 3, so counters have to be deltas. */
export function encodeHeartbeat(heartbeat: Omit<Heartbeat, 'version' | 'countersAreDeltas'>, key: string): Buffer {
  const listeners = [...heartbeat.listeners].map(([id, { status, counters }]) => [
    id,
    {
      status,
      stats: {
        tx: counters.bytesOut,
        rx: counters.bytesIn,
        conns: counters.activeConnections,
        totconns: counters.totalConnections,
        ereq: counters.requestErrors,
        ...(counters.backend && {
          hrsp_5xx: counters.backend.serverErrors,
          econ: counters.backend.connectErrors,
          eresp: counters.backend.responseErrors,
          wretr: counters.backend.retries,
        }),
      },
    },
  ]);
  const pools = heartbeat.pools.map(({ poolId, listenerId, status, members }) => [
    listenerId === null ? poolId : `${poolId}:${listenerId}`,
    { status, members: Object.fromEntries(members) },
  ]);
  const message = {
    id: heartbeat.amphoraId,
    seq: heartbeat.sequence,
    listeners: Object.fromEntries(listeners),
    pools: Object.fromEntries(pools),
    ver: 3,
  };
  return wrapEnvelope(message, key);
}
