import { notFound } from '../core/lbaas/api-errors.ts';
import { KilnError } from '../model/errors.ts';
import type { ReleaseEvent } from '../model/release.ts';
import type { Clock } from '../ports/clock.ts';
import type { ReleaseStore } from '../ports/release-store.ts';
import type { ReleaseFeed } from '../ports/releases.ts';

/** Who follows more at once than this would wait for nothing else. */
export const MOST_FOLLOWERS = 100;
const EVERY_MS = 1000;
/** Followers get a sign of life when nothing happens, so that they see that the connection lives. */
const SIGN_OF_LIFE_MS = 15_000;
const PAGE = 1000;

interface Batch {
  events: readonly ReleaseEvent[];
  hasEnded: boolean;
}

/** A follower that waits for more. */
interface Waiter {
  after: number;
  sinceMs: number;
  resolve(batch: Batch): void;
  reject(error: unknown): void;
}

/**
 * All followers of one release share one statement a second, from where the last of them is. A follower that does not take
 * what it has asked for costs nothing.
 */
export function createReleaseFeed(releases: Pick<ReleaseStore, 'tail'>, clock: Clock): ReleaseFeed {
  const tails = new Map<string, Set<Waiter>>();
  let followers = 0;

  function next(releaseId: string, after: number, signal: AbortSignal): Promise<Batch> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const stop = () => settle(() => reject(signal.reason as Error));
      const waiter: Waiter = {
        after,
        sinceMs: clock.monotonicMs(),
        resolve: (batch) => settle(() => resolve(batch)),
        reject: (error) => settle(() => reject(error as Error)),
      };
      const settle = (end: () => void) => {
        tails.get(releaseId)?.delete(waiter);
        signal.removeEventListener('abort', stop);
        end();
      };
      signal.addEventListener('abort', stop, { once: true });
      const tail = tails.get(releaseId);
      if (tail) tail.add(waiter);
      else void serve(releaseId, new Set([waiter]));
    });
  }

  /** As long as somebody waits; then for one more second, which is the limit for whoever comes back at once. */
  async function serve(releaseId: string, waiting: Set<Waiter>): Promise<void> {
    tails.set(releaseId, waiting);
    while (waiting.size > 0) {
      await tell(releaseId, [...waiting]);
      await clock.sleep(EVERY_MS);
    }
    tails.delete(releaseId);
  }

  async function tell(releaseId: string, waiting: readonly Waiter[]): Promise<void> {
    try {
      const found = await releases.tail(releaseId, Math.min(...waiting.map(({ after }) => after)), PAGE);
      if (!found) throw notFound('Release', releaseId);
      const hasEnded = found.hasEnded && found.events.length < PAGE;
      for (const waiter of waiting) {
        const events = found.events.filter(({ n }) => n > waiter.after);
        const isLong = clock.monotonicMs() - waiter.sinceMs >= SIGN_OF_LIFE_MS;
        if (events.length > 0 || hasEnded || isLong) waiter.resolve({ events, hasEnded });
      }
    } catch (error) {
      for (const waiter of waiting) waiter.reject(error);
    }
  }

  return {
    async *follow(releaseId, after, signal) {
      if (followers >= MOST_FOLLOWERS) {
        throw new KilnError(
          'TOO_MANY_STREAMS',
          `${followers} clients follow events here already, as many as may. Ask without follow, or later`,
        );
      }
      followers++;
      try {
        for (let seen = after; ; ) {
          const { events, hasEnded } = await next(releaseId, seen, signal);
          seen = events.at(-1)?.n ?? seen;
          if (events.length > 0 || !hasEnded) yield events;
          if (hasEnded) return;
        }
      } finally {
        followers--;
      }
    },
  };
}
