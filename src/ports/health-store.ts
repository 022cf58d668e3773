import type { AmphoraStatus } from '../model/amphora.ts';
import type { OperatingStatus, ResourceKind } from '../model/load-balancer.ts';

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
  /** ISO 8601 UTC; null for one that is no sign of health, as when it tells of too few listeners. */
  receivedAt: string | null;
  /** Heartbeats that it stands for. */
  beats: number;
  /** How often its agent began to count anew among them. */
  restarts: number;
  /** `failures`: of the pools behind it, where its agent tells of them. Added to what is there when `countersAreDeltas`, else put in its place; activeConnections always in its place. */
  statistics: readonly (Omit<ListenerStatistics, 'amphoraId'> & { failures?: number })[];
  countersAreDeltas: boolean;
  /** Only those that change. */
  operatingStatuses: readonly { kind: ResourceKind; id: string; operatingStatus: OperatingStatus }[];
}

/** What amphorae tell of themselves. No method's number of statements grows with rows. */
export interface HealthStore {
  /** At most one of an amphora. */
  record(heartbeats: readonly HeartbeatRecord[]): Promise<void>;
  /** Sums; zeros where nothing is known. Connections count as open at amphorae that are ALLOCATED, and at no other. */
  statisticsOfLoadBalancer(loadBalancerId: string): Promise<StatisticsSum>;
  statisticsOfListener(listenerId: string): Promise<StatisticsSum>;
  /** One row a listener. */
  statisticsOfAmphora(amphoraId: string): Promise<ListenerStatistics[]>;
  /** When the amphora was last heard of; null: never. */
  lastHeard(amphoraId: string): Promise<string | null>;
  /** Whether a heartbeat of any amphora has come since. @param at ISO 8601. */
  hearsAnyoneSince(at: string): Promise<boolean>;
  /** From now on its silence counts, also if it is never heard of. Idempotent. */
  watch(amphoraId: string): Promise<void>;
  /** Forgets an amphora; what went through it stays in the sums of its listeners. Idempotent. */
  forget(amphoraId: string): Promise<void>;
}

/** Whom heartbeats come from. */
export interface KnownAmphora {
  status: AmphoraStatus;
  loadBalancerId: string | null;
  /** Another one as soon as anything in its load balancer is another; null without a load balancer. */
  revision: string | null;
  /** One of a pair whose other one does not serve, or is silent. Part of the revision. */
  lacksPartner: boolean;
}

export interface AmphoraDirectory {
  /** As they are now, by ID, in one statement. Those that nobody knows are left out. */
  find(amphoraIds: readonly string[]): Promise<ReadonlyMap<string, KnownAmphora>>;
}
