import { describe, expect, it } from 'vitest';
import { createFakeBuildPlaces } from '../../../test/kit/fakes/fake-build-places.ts';
import { createFakeClock } from '../../../test/kit/fakes/fake-clock.ts';
import { KilnError } from '../../model/errors.ts';
import { createBuildSlots } from './build-slots.ts';

const never = new AbortController().signal;

/** As many processes as there are names, over the same places. */
function setUp({ limit = 1, places = createFakeBuildPlaces() } = {}) {
  const clock = createFakeClock();
  const settings = { limit };
  const makeSlots = () => createBuildSlots({ places, clock, limit: () => settings.limit });
  const admitted: string[] = [];
  const ask = (slots: ReturnType<typeof makeSlots>, id: string, amphorae = 1) =>
    slots
      .acquire(
        id,
        Array.from({ length: amphorae }, (_none, index) => `${id}-${index}`),
        never,
      )
      .then((isNew) => {
        admitted.push(id);
        return isNew;
      });
  return { clock, settings, places, makeSlots, admitted, ask, settled: () => clock.advance(0) };
}

describe('places for amphorae that are being built', () => {
  it('are as many as there may be in all processes; another one is noticed after a moment, the own one at once', async () => {
    const { clock, makeSlots, admitted, ask, settled } = setUp({ limit: 2 });
    const [one, other] = [makeSlots(), makeSlots()];
    void ask(one, 'a');
    void ask(other, 'b');
    void ask(one, 'c');
    void ask(other, 'd');
    await settled();
    expect(admitted).toEqual(['a', 'b']);
    await one.release('a');
    await settled();
    expect(admitted).toEqual(['a', 'b', 'c']);
    await one.release('c');
    await settled();
    expect(admitted).toHaveLength(3);
    await clock.advance(2_000);
    expect(admitted).toEqual(['a', 'b', 'c', 'd']);
  });

  it('count the amphorae of a pair, which begin together and end one by one', async () => {
    const { makeSlots, admitted, ask, settled } = setUp({ limit: 2 });
    const slots = makeSlots();
    void ask(slots, 'single');
    void ask(slots, 'pair', 2);
    void ask(slots, 'late');
    await settled();
    // The pair is not passed by what needs less.
    expect(admitted).toEqual(['single']);
    await slots.release('single');
    await settled();
    expect(admitted).toEqual(['single', 'pair']);
    await slots.release('pair', 'pair-0');
    await settled();
    expect(admitted).toEqual(['single', 'pair', 'late']);
  });

  it('are all of them for a pair where there is but one', async () => {
    const { makeSlots, admitted, ask, settled } = setUp({ limit: 1 });
    const slots = makeSlots();
    void ask(slots, 'pair', 2);
    void ask(slots, 'late');
    await settled();
    expect(admitted).toEqual(['pair']);
    await slots.release('pair', 'pair-0');
    await slots.release('pair', 'pair-1');
    await settled();
    expect(admitted).toEqual(['pair', 'late']);
  });

  it('are waited for by each branch of an operation that has neither any more, and given back by one without the other', async () => {
    const { makeSlots, settled } = setUp({ limit: 1 });
    const slots = makeSlots();
    const inside: string[] = [];
    const ask = (amphora: string) => void slots.acquire('pair', [amphora], never).then(() => inside.push(amphora));
    ask('master');
    ask('backup');
    await settled();
    expect(inside).toEqual(['master']);
    await slots.release('pair', 'master');
    await settled();
    expect(inside).toEqual(['master', 'backup']);
  });

  it('are given once to one that asks twice', async () => {
    const { makeSlots, ask } = setUp();
    const slots = makeSlots();
    expect(await ask(slots, 'a')).toBe(true);
    expect(await ask(slots, 'a')).toBe(false);
  });

  it('are found by the process that goes on after another one died', async () => {
    const { makeSlots, ask, admitted, settled } = setUp();
    await ask(makeSlots(), 'a');
    const heir = makeSlots();
    void ask(heir, 'b');
    expect(await ask(heir, 'a')).toBe(true);
    await heir.release('a');
    await settled();
    expect(admitted).toEqual(['a', 'a', 'b']);
  });

  it('are waited for no longer when the worker is to stop', async () => {
    const { makeSlots, settled } = setUp();
    const slots = makeSlots();
    const stop = new AbortController();
    await slots.acquire('a', ['a'], stop.signal);
    const waiting = slots.acquire('b', ['b'], stop.signal);
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'SERVICE_LIMIT', retryable: true });
    await expect(slots.acquire('c', ['c'], stop.signal)).rejects.toMatchObject({ code: 'SERVICE_LIMIT' });
    await settled();
  });

  it('are waited for while the database is away; another fault is reported', async () => {
    const places = createFakeBuildPlaces();
    const faults = [
      new KilnError('STATE_UNUSABLE', 'away', { retryable: true }),
      new KilnError('INTERNAL', 'no such table'),
    ];
    const failing = {
      ...places,
      enter: async (...wanted: Parameters<typeof places.enter>) => {
        const fault = faults.shift();
        if (fault) throw fault;
        return places.enter(...wanted);
      },
    };
    const { clock, makeSlots, ask } = setUp({ places: failing });
    const slots = makeSlots();
    const first = ask(slots, 'a');
    const refused = expect(first).rejects.toMatchObject({ code: 'INTERNAL' });
    await clock.advance(2_000);
    await refused;
    expect(await ask(slots, 'a')).toBe(true);
  });

  it('are any number with -1, also when that is said while somebody waits', async () => {
    const { clock, settings, makeSlots, ask } = setUp();
    const slots = makeSlots();
    await ask(slots, 'a');
    const waiting = ask(slots, 'b');
    settings.limit = -1;
    await clock.advance(2_000);
    expect(await waiting).toBe(true);
    await Promise.all(Array.from({ length: 100 }, (_, index) => ask(slots, `${index}`)));
  });
});
