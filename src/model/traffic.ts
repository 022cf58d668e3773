/** Statistics over time: how far back, and how far apart. */
export const trafficWindows = ['hour', 'day'] as const;
export type TrafficWindow = (typeof trafficWindows)[number];

/** Samples of a window are taken so far apart, and asked for so far back. */
export const trafficWindowMs: Readonly<Record<TrafficWindow, { stepMs: number; spanMs: number }>> = {
  hour: { stepMs: 60_000, spanMs: 3_600_000 },
  day: { stepMs: 900_000, spanMs: 86_400_000 },
};

/** Counters of one listener at one moment, added up over its amphorae. */
export interface TrafficSample {
  listenerId: string;
  atMs: number;
  bytesIn: number;
  bytesOut: number;
  /** Open at that moment. */
  activeConnections: number;
  totalConnections: number;
  requestErrors: number;
}

/** What was counted between two moments that follow one another. */
export interface TrafficInterval {
  /** Its end. */
  atMs: number;
  seconds: number;
  bytesIn: number;
  bytesOut: number;
  /** Open at its end. */
  activeConnections: number;
  connections: number;
  requestErrors: number;
}
