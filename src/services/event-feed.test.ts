import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../test/kit/fakes/fake-clock.ts';
import { KilnError } from '../model/errors.ts';
import { compareEvents, eventId, type KilnEvent } from '../model/event.ts';
import { createEventFeed, MOST_FOLLOWERS } from './event-feed.ts';

/** What was written so far; each question for it is noted with its time. */
function setUp() {
  const clock = createFakeClock();
  const written: KilnEvent[] = [];
  const asked: number[] = [];
  let isBroken = false;
  const read = async (choose: (sorted: KilnEvent[]) => KilnEvent[]) => {
    asked.push(clock.monotonicMs());
    if (isBroken) throw new KilnError('STATE_UNUSABLE', 'the database is down');
    return choose([...written].sort(compareEvents));
  };
  const feed = createEventFeed(
    {
      since: (atMs, limit) => read((sorted) => sorted.filter((event) => event.atMs >= atMs).slice(0, limit)),
      newest: (limit) => read((sorted) => sorted.slice(-limit)),
    },
    clock,
  );
  return {
    clock,
    asked,
    feed,
    /** @param agoMs how long it was under way. @returns its ID. */
    write(name: string, agoMs = 0): string {
      const atMs = clock.now().getTime() - agoMs;
      const id = eventId(atMs, name.padEnd(16, '_'));
      written.push({ id, atMs, kind: name } as KilnEvent);
      return id;
    },
    breakDown() {
      isBroken = true;
    },
    follow(after: string | null, signal = new AbortController().signal) {
      const got = { kinds: [] as string[], signs: 0, hasEnded: false, error: null as unknown };
      const readAll = async () => {
        for await (const events of feed.follow(after, signal)) {
          if (events.length === 0) got.signs++;
          got.kinds.push(...events.map(({ kind }) => kind));
        }
        got.hasEnded = true;
      };
      void readAll().catch((error: unknown) => {
        got.error = error;
      });
      return got;
    },
  };
}

describe('the feed of all events', () => {
  it('asks once every two seconds for all followers together, and not at all without any', async () => {
    const { clock, asked, follow, write } = setUp();
    write('old');
    await clock.advance(10_000);
    expect(asked).toEqual([]);
    const all = Array.from({ length: 50 }, () => follow(null));
    await clock.advance(1_000);
    const greeting = asked.length;
    expect(greeting).toBe(51);
    for (let n = 0; n < 10; n++) {
      write(`e${n}`);
      await clock.advance(2_000);
    }
    expect(asked.length - greeting).toBe(10);
    const expected = ['old', ...Array.from({ length: 10 }, (_none, n) => `e${n}`)];
    for (const { kinds } of all) expect(kinds).toEqual(expected);
  });

  it('tells each event once, also what was written long after its time', async () => {
    const { clock, follow, write } = setUp();
    write('one');
    const got = follow(null);
    await clock.advance(3_000);
    write('late', 25_000);
    await clock.advance(20_000);
    expect(got.kinds).toEqual(['one', 'late']);
    expect(got.signs).toBeGreaterThan(0);
  });

  it('goes on behind an event, with what was written late meanwhile', async () => {
    const { clock, follow, write } = setUp();
    write('long ago');
    await clock.advance(60_000);
    const last = write('last');
    write('late', 20_000);
    await clock.advance(5_000);
    write('next');
    const got = follow(last);
    await clock.advance(3_000);
    expect(got.kinds).toEqual(['late', 'last', 'next']);
  });

  it('ends after a minute, so that whoever follows says anew who they are', async () => {
    const { clock, asked, follow } = setUp();
    const got = follow(null);
    await clock.advance(59_000);
    expect(got.hasEnded).toBe(false);
    await clock.advance(2_000);
    expect(got.hasEnded).toBe(true);
    const count = asked.length;
    await clock.advance(60_000);
    expect(asked.length - count).toBeLessThanOrEqual(1);
  });

  it('passes on that the database is down, and ends with whoever follows', async () => {
    const { clock, follow, breakDown } = setUp();
    const gone = new AbortController();
    const [left, broken] = [follow(null, gone.signal), follow(null)];
    await clock.advance(1_000);
    gone.abort();
    await clock.advance(100);
    breakDown();
    await clock.advance(5_000);
    expect(left.error).toMatchObject({ name: 'AbortError' });
    expect(broken.error).toMatchObject({ code: 'STATE_UNUSABLE' });
  });

  it('refuses one too many', async () => {
    const { clock, follow } = setUp();
    const all = Array.from({ length: MOST_FOLLOWERS + 1 }, () => follow(null));
    await clock.advance(100);
    expect(all.map(({ error }) => error).filter((error) => error !== null)).toMatchObject([
      { code: 'TOO_MANY_STREAMS' },
    ]);
  });

  it('lists what is behind an event, the first ones first, over pages of many', async () => {
    const { feed, write } = setUp();
    const first = write('first', 3_000);
    for (let n = 0; n < 2_500; n++) write(`n${n}`, 2_500 - n);
    const kinds = (await feed.list(first, 3)).map(({ kind }) => kind);
    expect(kinds).toEqual(['n0', 'n1', 'n2']);
    const [near] = await feed.list(null, 2);
    expect((await feed.list(near?.id ?? '', 10)).map(({ kind }) => kind)).toEqual(['n2499']);
  });
});
