import type { TrafficSample, TrafficWindow } from '../model/traffic.ts';

/** Statistics over time: a bounded number of samples of each listener. */
export interface TrafficSamples {
  /**
   * Takes a sample of all listeners that have statistics, in batches. Again within the same minute it takes the place of the one before.
   * @param beforeBatch may throw, and ends it.
   */
  take(nowMs: number, beforeBatch: () => Promise<void>): Promise<void>;
  /** Of a load balancer, by time: those since, and one before them where there is one. */
  list(loadBalancerId: string, window: TrafficWindow, sinceMs: number): Promise<TrafficSample[]>;
}
