import type { BackendCounters, Heartbeat, ListenerCounters } from '../heartbeat/message.ts';

/** Traffic that has been reported and not been written yet. */
export interface Traffic {
  /** By listener ID. */
  counters: ReadonlyMap<string, ListenerCounters>;
  /** True: to be added to what is written; false: to be put in its place. */
  areDeltas: boolean;
}

export function trafficOf({ listeners, countersAreDeltas }: Heartbeat): Traffic {
  const own = new Map<string, ListenerCounters>();
  for (const [id, { counters }] of listeners) own.set(id, counters);
  return { counters: own, areDeltas: countersAreDeltas };
}

/**
 * What two heartbeats come to, so that one may be written for both. Totals make what was before them void; deltas count
 * up whatever was before them. Open connections are those of the later one that tells of the listener.
 */
export function addTraffic(earlier: Traffic, later: Traffic): Traffic {
  if (!later.areDeltas) return later;
  const counters = new Map(earlier.counters);
  for (const [id, added] of later.counters) {
    const before = counters.get(id);
    counters.set(id, before ? add(before, added) : added);
  }
  return { counters, areDeltas: earlier.areDeltas };
}

// A number beyond this could not be written; a heartbeat cannot hold one either.
const sum = (a: number, b: number) => Math.min(a + b, Number.MAX_SAFE_INTEGER);

function addBackend(before: BackendCounters | undefined, added: BackendCounters): BackendCounters {
  if (!before) return added;
  return {
    serverErrors: sum(before.serverErrors, added.serverErrors),
    connectErrors: sum(before.connectErrors, added.connectErrors),
    responseErrors: sum(before.responseErrors, added.responseErrors),
    retries: sum(before.retries, added.retries),
  };
}

function add(before: ListenerCounters, added: ListenerCounters): ListenerCounters {
  return {
    bytesIn: sum(before.bytesIn, added.bytesIn),
    bytesOut: sum(before.bytesOut, added.bytesOut),
    activeConnections: added.activeConnections,
    totalConnections: sum(before.totalConnections, added.totalConnections),
    requestErrors: sum(before.requestErrors, added.requestErrors),
    ...(added.backend && { backend: addBackend(before.backend, added.backend) }),
  };
}
