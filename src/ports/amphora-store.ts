import type { Amphora, AmphoraStatus } from '../model/amphora.ts';
import type { JournalEntry, NewOperation, OperationReason } from '../model/operation.ts';
import type { ListQuery } from './load-balancer-store.ts';

export type AmphoraPatch = Partial<Omit<Amphora, 'id' | 'createdAt' | 'updatedAt' | 'serverName'>> & {
  /** Of the heartbeat settings that its agent was given: the pushes before it no longer count. */
  agentConfigDigest?: string;
};

/**
 * A change of an amphora's row that goes on record with entries of a journal, in one transaction. A row that is gone stays gone.
 * `allocate` is as AmphoraStore's.
 */
export type AmphoraWrite =
  | { insert: Amphora }
  | { amphoraId: string; patch: AmphoraPatch }
  | { allocate: { amphoraId: string } };

/** What an operation on an amphora of no load balancer leaves of it. One that is DELETED stays so. */
export interface AmphoraSettlement {
  amphoraId: string;
  status: AmphoraStatus;
  /** Why it is in ERROR. */
  reason: OperationReason | null;
}

/** Where amphorae are recorded. Each method is one transaction, durable when it resolves. */
export interface AmphoraStore {
  /** Fails if the ID exists. */
  insert(amphora: Amphora): Promise<void>;
  /**
   * Changes the given fields and `updatedAt`; AMPHORA_NOT_FOUND when there is no such row. One of a load balancer that is in ERROR
   * from now on is watched, also if it never served: it is removed or replaced.
   */
  update(amphoraId: string, patch: AmphoraPatch): Promise<void>;
  /**
   * It serves from now on, and its load balancer is assigned its image: one transaction. AMPHORA_NOT_FOUND when there is no
   * such row.
   */
  allocate(amphoraId: string): Promise<void>;
  /** The image of the amphora that was last given to the load balancer; null when there was none. A repair boots it. */
  assignedImageId(loadBalancerId: string): Promise<string | null>;
  /** Null when there is none. */
  get(amphoraId: string): Promise<Amphora | null>;
  /** Newest first; DELETED ones only on demand. All, or those of one load balancer. */
  list(options?: { includeDeleted?: boolean; loadBalancerId?: string }): Promise<Amphora[]>;
  /** Those of no load balancer that are being booted or deleted with no operation behind it, oldest change first. */
  listWithoutOperation(): Promise<Amphora[]>;
  /** How many there are in each status but DELETED. */
  countByStatus(): Promise<Record<string, number>>;
}

export interface AmphoraListQuery extends Pick<ListQuery, 'filters' | 'sort' | 'limit' | 'marker' | 'reverse'> {
  /** Only those of load balancers that this project owns; null: all, those without a load balancer included. */
  projectId: string | null;
}

/** What is asked for with amphorae. No method's number of queries grows with rows. */
export interface AmphoraRegister {
  /** Filters and sorting by single-valued fields of Amphora, as in ListQuery. Never DELETED ones. */
  listPage(query: AmphoraListQuery): Promise<Amphora[]>;
  /**
   * Marks an amphora PENDING_DELETE and enqueues the operation that deletes it, in one transaction.
   * AMPHORA_NOT_FOUND when there is none or it is DELETED, IMMUTABLE in any status but these (absent: ERROR).
   */
  requestDeletion(amphoraId: string, operation: NewOperation, from?: readonly AmphoraStatus[]): Promise<void>;
  /** A new amphora and the operation that boots it, in one transaction. */
  requestBoot(amphora: Amphora, operation: NewOperation): Promise<void>;
  /**
   * Gives what is under way an operation that has come as far as the entries say, in one transaction.
   * @returns false when there is one of that ID.
   */
  adopt(operation: NewOperation, entries: readonly JournalEntry[]): Promise<boolean>;
}
