/**
 * What an amphora says of itself every few seconds (octavia/amphorae/backends/health_daemon/health_daemon.py).
 * Statuses are HAProxy's own words: nobody has judged them yet.
 */
export interface Heartbeat {
  amphoraId: string;
  /** Counts from 0 since the agent started. */
  sequence: number;
  /**
   * Format of the message. 0 and 1 (before Octavia 5): pools stood in their listener; 2: one HAProxy for all listeners;
   * 3 (Octavia 7 on): counters are what came since the last heartbeat.
   */
  version: number;
  /** True when counters tell what came since the last heartbeat, false when since HAProxy started. */
  countersAreDeltas: boolean;
  /** By listener ID. */
  listeners: ReadonlyMap<string, ListenerHeartbeat>;
  pools: readonly PoolHeartbeat[];
}

export interface ListenerHeartbeat {
  /** "OPEN", or "FULL" when it has as many connections as it may have. */
  status: string;
  counters: ListenerCounters;
}

export interface ListenerCounters {
  bytesIn: number;
  bytesOut: number;
  /** Open right now; never a delta. */
  activeConnections: number;
  totalConnections: number;
  requestErrors: number;
  /** Of the pools behind it. Kiln's own agent tells of them, Octavia's does not. */
  backend?: BackendCounters;
}

export interface BackendCounters {
  /** Answers with a status of 500 or more. */
  serverErrors: number;
  connectErrors: number;
  responseErrors: number;
  retries: number;
}

export interface PoolHeartbeat {
  poolId: string;
  /** A pool that serves two listeners is reported once for each. Null from UDP listeners of version 2 on. */
  listenerId: string | null;
  /** "UP" or "DOWN". */
  status: string;
  /** Member ID → "UP", "DOWN", "DRAIN", "MAINT", "no check", or on the way between: "UP 1/3". */
  members: ReadonlyMap<string, string>;
}

/**
 * The key by which heartbeats are signed. Where none is configured Octavia's agents sign with the word that Python has
 * for nothing, so that is the key.
 */
export function heartbeatKeyInForce(configured: string | null): string {
  return configured ?? 'None';
}
