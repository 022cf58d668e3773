/**
 * Removes rows that nobody needs any more, a few at a time. Several processes may do so at once.
 * Each method resolves to how many it removed: fewer than `limit` when no more are left.
 */
export interface Purge {
  /**
   * Operations that ended before `endedBefore`, with their journals. What failed on a load balancer that is still in ERROR
   * is kept: it tells why, and what was left behind.
   */
  operations(endedBefore: string, limit: number): Promise<number>;
  /** How many rows the two would remove, all in all. */
  count(endedBefore: string, deletedBefore: string): Promise<{ operations: number; amphorae: number }>;
  /** Amphorae that were deleted before `deletedBefore`, unless an operation on their load balancer is under way. */
  amphorae(deletedBefore: string, limit: number): Promise<number>;
}
