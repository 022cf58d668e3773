import type { ResourceKind } from '../model/load-balancer.ts';
import type { ListQuery } from './load-balancer-store.ts';

/** How much of each kind a project may have: -1 any number; null: as the configuration says. */
export type Quota = Readonly<Record<ResourceKind, number | null>>;

/** The field by which a list of quotas is filtered by how many of a kind the project has now; it is not sorted by it. */
export const inUse = (kind: ResourceKind) => `inUse:${kind}`;

export interface QuotaStore {
  /** All null for a project that has none of its own. */
  get(projectId: string): Promise<Quota>;
  /** Projects that have quotas of their own; filters and sorting by `projectId` and the kinds, the project ID last. */
  list(query: Omit<ListQuery, 'parentId' | 'tags'>): Promise<(Quota & { projectId: string })[]>;
  /** Changes what the patch names. */
  put(projectId: string, patch: Partial<Quota>): Promise<Quota>;
  /** Back to what the configuration says. False: the project had no quota of its own. */
  delete(projectId: string): Promise<boolean>;
}
