import type { Amphora } from '../model/amphora.ts';
import type { Operation } from '../model/operation.ts';
import type { ListQuery } from './load-balancer-store.ts';

export type AmphoraPatch = Partial<Omit<Amphora, 'id' | 'createdAt' | 'updatedAt' | 'serverName'>> & {
  /** Of the heartbeat settings that its agent was given: the pushes before it no longer count. */
  agentConfigDigest?: string;
};

/** Where amphorae are recorded. Each method is one transaction, durable when it resolves. */
export interface AmphoraStore {
  /** Fails if the ID exists. */
  insert(amphora: Amphora): Promise<void>;
  /** Changes the given fields and `updatedAt`; AMPHORA_NOT_FOUND when there is no such row. */
  update(amphoraId: string, patch: AmphoraPatch): Promise<Amphora>;
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
  /** Those of no load balancer that are being booted or deleted, oldest change first: the others are not read. */
  listUnderWay(): Promise<Amphora[]>;
  /** How many there are in each status but DELETED. */
  countByStatus(): Promise<Record<string, number>>;
}

export interface AmphoraListQuery extends Pick<ListQuery, 'filters' | 'sort' | 'limit' | 'marker' | 'reverse'> {
  /** Only those of load balancers that this project owns; null: all, those without a load balancer included. */
  projectId: string | null;
}

/** What the API does with amphorae. No method's number of queries grows with rows. */
export interface AmphoraRegister {
  /** Filters and sorting by single-valued fields of Amphora, as in ListQuery. Never DELETED ones. */
  listPage(query: AmphoraListQuery): Promise<Amphora[]>;
  /**
   * Marks an amphora in ERROR PENDING_DELETE and enqueues the operation that deletes it, in one transaction.
   * AMPHORA_NOT_FOUND when there is none or it is DELETED, IMMUTABLE in any status but ERROR.
   */
  requestDeletion(
    amphoraId: string,
    operation: Pick<Operation, 'id' | 'flow' | 'subject' | 'input' | 'priority'>,
  ): Promise<void>;
}
