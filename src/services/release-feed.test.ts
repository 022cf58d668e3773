import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../test/kit/fakes/fake-clock.ts';
import { KilnError } from '../model/errors.ts';
import type { ReleaseEvent } from '../model/release.ts';
import { createReleaseFeed, MOST_FOLLOWERS } from './release-feed.ts';

const event = (n: number) => ({ n }) as ReleaseEvent;

/** A release with so many events; each question for them is noted with its time. */
function setUp(count = 0) {
  const clock = createFakeClock();
  const release = { count, hasEnded: false, broken: false };
  const asked: { atMs: number; after: number }[] = [];
  const feed = createReleaseFeed(
    {
      async tail(releaseId, after, limit) {
        asked.push({ atMs: clock.monotonicMs(), after });
        if (release.broken) throw new KilnError('STATE_UNUSABLE', 'the database is down');
        if (releaseId !== 'r') return null;
        const found = Array.from({ length: Math.min(limit, release.count - after) }, (_none, n) =>
          event(after + n + 1),
        );
        return { events: found, hasEnded: release.hasEnded };
      },
    },
    clock,
  );
  const follow = (after: number, signal = new AbortController().signal) => {
    const got = { numbers: [] as number[], signs: 0, ended: false, error: null as unknown };
    const read = async () => {
      for await (const events of feed.follow('r', after, signal)) {
        if (events.length === 0) got.signs++;
        got.numbers.push(...events.map(({ n }) => n));
      }
      got.ended = true;
    };
    void read().catch((error: unknown) => {
      got.error = error;
    });
    return got;
  };
  return { clock, release, asked, feed, follow };
}

describe('the feed of a release', () => {
  it('asks once a second, for all followers together, and tells each what it has not seen', async () => {
    const { clock, release, asked, follow } = setUp(3);
    const [all, some, news] = [follow(0), follow(2), follow(3)];
    await clock.advance(1500);
    expect([all.numbers, some.numbers, news.numbers]).toEqual([[1, 2, 3], [3], []]);
    release.count = 5;
    await clock.advance(10_000);
    expect([all.numbers, some.numbers, news.numbers]).toEqual([
      [1, 2, 3, 4, 5],
      [3, 4, 5],
      [4, 5],
    ]);
    const gaps = asked.map(({ atMs }, index) => atMs - (asked[index - 1]?.atMs ?? Number.NEGATIVE_INFINITY));
    expect(Math.min(...gaps)).toBe(1000);
    release.hasEnded = true;
    await clock.advance(2000);
    expect([all, some, news].map(({ ended }) => ended)).toEqual([true, true, true]);
    const before = asked.length;
    await clock.advance(60_000);
    expect(asked.length).toBe(before);
  });

  it('gives everything of an ended release that has more events than a page', async () => {
    const { clock, release, follow } = setUp(2500);
    release.hasEnded = true;
    const [all, last] = [follow(0), follow(2499)];
    await clock.advance(5000);
    expect([all.numbers.length, all.ended, last.numbers, last.ended]).toEqual([2500, true, [2500], true]);
  });

  it('gives a sign of life where nothing happens, and a failure to whoever waits', async () => {
    const { clock, release, follow } = setUp(1);
    const quiet = follow(1);
    await clock.advance(32_000);
    expect([quiet.numbers, quiet.signs]).toEqual([[], 2]);
    release.broken = true;
    await clock.advance(2000);
    expect(quiet.error).toMatchObject({ code: 'STATE_UNUSABLE' });
  });

  it('lets go of who leaves, and refuses more than it can serve', async () => {
    const { clock, asked, feed, follow } = setUp();
    const gone = new AbortController();
    const followers = Array.from({ length: MOST_FOLLOWERS }, () => follow(0, gone.signal));
    await clock.advance(1000);
    const refused = follow(0);
    await clock.advance(1000);
    expect(refused.error).toMatchObject({ code: 'TOO_MANY_STREAMS' });
    gone.abort();
    await clock.advance(2000);
    expect(followers.every(({ error }) => error === gone.signal.reason)).toBe(true);
    const before = asked.length;
    await clock.advance(10_000);
    expect(asked.length).toBe(before);
    const later = follow(0);
    await clock.advance(1000);
    expect(later.error).toBeNull();
    await expect(feed.follow('nobody', 0, new AbortController().signal).next()).rejects.toMatchObject({
      code: 'RESOURCE_NOT_FOUND',
    });
  });
});
