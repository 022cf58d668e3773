/** What ended, or was deleted, before these times is removed. ISO 8601. */
export interface PurgeAges {
  operations: string;
  amphorae: string;
  releases: string;
}

/**
 * Removes rows that nobody needs any more, a few at a time. Several processes may do so at once.
 * Unless it says otherwise, a method resolves to how many it removed: fewer than `limit` when no more are left.
 */
export interface Purge {
  /**
   * Operations that ended before `endedBefore`, with their journals. What failed last on a load balancer that is still in ERROR
   * is kept: it tells why, and what was left behind.
   */
  operations(endedBefore: string, limit: number): Promise<number>;
  /**
   * Releases that ended before `endedBefore`, with their events and load balancers: at most `limit` rows of one of them at a time.
   * That an image was rejected stays. Resolves to how many are gone for good, and whether there is more to do.
   */
  releases(endedBefore: string, limit: number): Promise<{ removed: number; more: boolean }>;
  /** How many operations, amphorae and releases would be removed, all in all. */
  count(before: PurgeAges): Promise<{ operations: number; amphorae: number; releases: number }>;
  /** Amphorae that were deleted before `deletedBefore`, unless an operation on their load balancer is under way. */
  amphorae(deletedBefore: string, limit: number): Promise<number>;
}
