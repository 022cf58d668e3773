import type { Amphora } from '../model/amphora.ts';

export type AmphoraPatch = Partial<Omit<Amphora, 'id' | 'createdAt' | 'updatedAt' | 'serverName'>>;

/** Where amphorae are recorded. Each method is one transaction, durable when it resolves. */
export interface AmphoraStore {
  /** Fails if the ID exists. */
  insert(amphora: Amphora): Promise<void>;
  /** Changes the given fields and `updatedAt`; AMPHORA_NOT_FOUND when there is no such row. */
  update(amphoraId: string, patch: AmphoraPatch): Promise<Amphora>;
  /** Null when there is none. */
  get(amphoraId: string): Promise<Amphora | null>;
  /** Newest first; DELETED ones only on demand. All, or those of one load balancer. */
  list(options?: { includeDeleted?: boolean; loadBalancerId?: string }): Promise<Amphora[]>;
}
