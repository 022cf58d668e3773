import { KilnError } from '../model/errors.ts';
import { compareEvents, type KilnEvent, timeOfEventId } from '../model/event.ts';
import type { Clock } from '../ports/clock.ts';
import type { EventFeed, EventStore } from '../ports/events.ts';

/** Who follows more at once than this would wait for nothing else. */
export const MOST_FOLLOWERS = 100;
const EVERY_MS = 2_000;
/** Followers get a sign of life when nothing happens, so that they see that the connection lives. */
const SIGN_OF_LIFE_MS = 15_000;
/** Whoever follows says anew who they are: a token that was taken back is not followed with for longer. */
const LONGEST_MS = 60_000;
/** What is written so long after its time is noticed still: other processes' clocks, transactions that take long. */
const LATE_MS = 30_000;
const PAGE = 1000;
const NEWEST = 100;
/** A follower that does not read is cut off at so many: it comes back, and says where it was. */
const MOST_WAITING = 10_000;

/** What a follower has not taken yet. */
interface Follower {
  waiting: KilnEvent[];
  wake(): void;
  /** It can't be served any more; false: it can. */
  end: { error: unknown } | 'behind' | false;
}

/** All followers share one statement every two seconds: without any, there is none. */
export function createEventFeed(store: EventStore, clock: Clock): EventFeed {
  const followers = new Set<Follower>();
  /** Sent already, of those that may be read again. */
  const reported = new Map<string, number>();
  let isLooking = false;

  async function look(): Promise<void> {
    const sinceMs = clock.now().getTime() - LATE_MS;
    for (const [id, atMs] of reported) if (atMs < sinceMs) reported.delete(id);
    const news: KilnEvent[] = [];
    for await (const page of pagesSince(sinceMs)) {
      for (const event of page) {
        if (reported.has(event.id)) continue;
        reported.set(event.id, event.atMs);
        news.push(event);
      }
    }
    if (news.length > 0) for (const follower of followers) tell(follower, news);
  }

  function tell(follower: Follower, news: readonly KilnEvent[]): void {
    if (follower.waiting.length + news.length > MOST_WAITING) follower.end = 'behind';
    else follower.waiting.push(...news);
    follower.wake();
  }

  /** From then on, all there is. No more than a page of events are of the same millisecond. */
  async function* pagesSince(sinceMs: number): AsyncGenerator<readonly KilnEvent[], void, void> {
    for (let fromMs = sinceMs; ; ) {
      const page = await store.since(fromMs, PAGE);
      yield page;
      const lastMs = page.at(-1)?.atMs ?? fromMs;
      if (page.length < PAGE || lastMs === fromMs) return;
      fromMs = lastMs;
    }
  }

  async function serve(): Promise<void> {
    isLooking = true;
    while (followers.size > 0) {
      try {
        await look();
      } catch (error) {
        for (const follower of followers) {
          follower.end = { error };
          follower.wake();
        }
      }
      await clock.sleep(EVERY_MS);
    }
    reported.clear();
    isLooking = false;
  }

  async function list(after: string | null, limit: number): Promise<readonly KilnEvent[]> {
    if (after === null) return await store.newest(limit);
    const last = { id: after, atMs: timeOfEventId(after) ?? 0 };
    for await (const page of pagesSince(last.atMs)) {
      const behind = page.filter((event) => compareEvents(event, last) > 0);
      if (behind.length > 0) return behind.slice(0, limit);
    }
    return [];
  }

  /** Until something is waiting, an error, or the time is over. */
  async function wait(follower: Follower, milliseconds: number, signal: AbortSignal): Promise<void> {
    if (follower.waiting.length > 0 || follower.end) return;
    const woken = new AbortController();
    follower.wake = () => woken.abort();
    await clock.sleep(milliseconds, AbortSignal.any([signal, woken.signal])).catch((error: unknown) => {
      if (!woken.signal.aborted) throw error;
    });
  }

  return {
    list,

    async *follow(after, signal) {
      if (followers.size >= MOST_FOLLOWERS) {
        throw new KilnError(
          'TOO_MANY_STREAMS',
          `${followers.size} clients follow events here already, as many as may. Ask without follow, or later`,
        );
      }
      const endsAtMs = clock.monotonicMs() + LONGEST_MS;
      const follower: Follower = { waiting: [], wake: () => {}, end: false };
      // From here on nothing is missed; what was read and sent is sent once.
      followers.add(follower);
      if (!isLooking) void serve();
      try {
        const known = new Set<string>();
        const pages = after === null ? [store.newest(NEWEST)] : pagesSince((timeOfEventId(after) ?? 0) - LATE_MS);
        for await (const page of pages) {
          yield page;
          const toldLaterMs = clock.now().getTime() - 2 * LATE_MS;
          for (const { id, atMs } of page) if (atMs >= toldLaterMs) known.add(id);
        }
        for (;;) {
          const leftMs = endsAtMs - clock.monotonicMs();
          if (leftMs <= 0) return;
          await wait(follower, Math.min(leftMs, SIGN_OF_LIFE_MS), signal);
          if (follower.end === 'behind') return;
          if (follower.end) throw follower.end.error;
          yield follower.waiting.splice(0).filter(({ id }) => !known.has(id));
        }
      } finally {
        followers.delete(follower);
      }
    },
  };
}
