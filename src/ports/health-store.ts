import type { OperatingStatus } from '../model/load-balancer.ts';
import type { ResourceKind } from './load-balancer-store.ts';

/** Traffic of one listener through one amphora. */
export interface ListenerStatistics {
  listenerId: string;
  amphoraId: string;
  bytesIn: number;
  bytesOut: number;
  /** Open right now. */
  activeConnections: number;
  totalConnections: number;
  requestErrors: number;
}

export type StatisticsSum = Omit<ListenerStatistics, 'listenerId' | 'amphoraId'>;

/** What one heartbeat has come to, written in one transaction. */
export interface HeartbeatRecord {
  amphoraId: string;
  /** ISO 8601 UTC. */
  receivedAt: string;
  /** Added to what is there when `countersAreDeltas`, else put in its place; activeConnections always in its place. */
  statistics: readonly Omit<ListenerStatistics, 'amphoraId'>[];
  countersAreDeltas: boolean;
  /** Only those that change. */
  operatingStatuses: readonly { kind: ResourceKind; id: string; operatingStatus: OperatingStatus }[];
}

/** What amphorae tell of themselves. No method's number of statements grows with rows. */
export interface HealthStore {
  record(heartbeats: readonly HeartbeatRecord[]): Promise<void>;
  /** Sums; zeros where nothing is known. */
  statisticsOfLoadBalancer(loadBalancerId: string): Promise<StatisticsSum>;
  statisticsOfListener(listenerId: string): Promise<StatisticsSum>;
  /** One row a listener. */
  statisticsOfAmphora(amphoraId: string): Promise<ListenerStatistics[]>;
  /** When the amphora was last heard of; null: never. */
  lastHeard(amphoraId: string): Promise<string | null>;
  /** Forgets an amphora: its statistics are kept with the listener, under the next amphora's. Idempotent. */
  forget(amphoraId: string): Promise<void>;
}
