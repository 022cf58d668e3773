/** Beats in a lease: two may be lost. */
export const BEATS_IN_LEASE = 3;

interface Sleeping {
  /** Rejects when aborted. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/**
 * Beats until `signal` is aborted, so often that the lease holds when two are lost. A beat that hangs, on one silent connection of many, keeps
 * the next one from nothing; there are never more under way than belong to a lease. Resolves when all have come back.
 * @param beat never rejects.
 */
export async function keepBeating(
  beat: () => Promise<void>,
  { leaseMs, clock, signal }: { leaseMs: number; clock: Sleeping; signal: AbortSignal },
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  while (!signal.aborted) {
    await clock.sleep(leaseMs / BEATS_IN_LEASE, signal).catch(() => {});
    if (signal.aborted || underWay.size >= BEATS_IN_LEASE) continue;
    const sent = beat().finally(() => underWay.delete(sent));
    underWay.add(sent);
  }
  await Promise.all(underWay);
}
