import type { Operation } from '../model/operation.ts';
import type { SilenceFinding } from '../model/silence.ts';
import type { ListQuery } from './load-balancer-store.ts';

/** The first of many, and how many there are. */
export interface FirstOf<Item> {
  total: number;
  items: readonly Item[];
}

export interface ListedLoadBalancer {
  id: string;
  name: string;
  provisioningStatus: string;
  /** ISO 8601 UTC. */
  updatedAt: string;
}

/** What operators look at across all load balancers. Each method is one statement (a page with a marker: two), whatever the number of rows. */
export interface OverviewStore {
  /** Those that have been in ERROR for longest first. */
  inError(limit: number): Promise<FirstOf<ListedLoadBalancer>>;
  /** In a PENDING status since before then, those that have been for longest first. */
  pendingSince(before: string, limit: number): Promise<FirstOf<ListedLoadBalancer>>;
  /** Pairs whose two amphorae run different images. */
  mixedPairs(limit: number): Promise<FirstOf<ListedLoadBalancer>>;
  /** Operations that have not ended and that nobody has brought further since before then, longest first. */
  stalledOperations(before: string, limit: number): Promise<FirstOf<Operation>>;
  /** A page of operations; filters and sorting by single-valued fields of Operation, as in ListQuery. */
  operations(query: Pick<ListQuery, 'filters' | 'sort' | 'limit' | 'marker' | 'reverse'>): Promise<Operation[]>;
  /** When amphorae were last heard of, and what was found out about their silence. Those never heard of are left out. */
  lastHeardOf(
    amphoraIds: readonly string[],
  ): Promise<ReadonlyMap<string, { lastHeard: string; finding: SilenceFinding | null }>>;
}
