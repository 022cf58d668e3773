import { expect, it } from 'vitest';
import { createFakeClock } from '../testing/fake-clock.ts';
import { createFakeLog } from '../testing/fake-log.ts';
import { keepHouse } from './keep-house.ts';

it('purges in batches with pauses, by the ages in force, and goes on after a failure', async () => {
  const clock = createFakeClock({ start: '2026-11-23T12:00:00Z', autoAdvance: true });
  const stopping = new AbortController();
  const asked: string[] = [];
  const left = { operations: 250, amphorae: 1 };
  let rounds = 0;
  const take = (what: 'operations' | 'amphorae') => async (before: string, limit: number) => {
    asked.push(`${what} ${before}`);
    if (what === 'operations' && rounds === 0 && asked.length === 2) throw new Error('the database is away');
    const count = Math.min(left[what], limit);
    left[what] -= count;
    return count;
  };
  const settings = () => {
    if (asked.length > 0) rounds++;
    if (rounds === 2) stopping.abort();
    return { cleanupIntervalSeconds: 30, amphoraExpirySeconds: 60, operationExpirySeconds: 3600 };
  };
  const purge = { operations: take('operations'), amphorae: take('amphorae') };
  await keepHouse({ purge, clock, log: createFakeLog(), settings }, stopping.signal);
  expect(left).toEqual({ operations: 0, amphorae: 0 });
  expect(clock.sleeps.slice(0, 3)).toEqual([200, 30_000, 200]);
  expect(asked[0]).toBe('operations 2026-11-23T11:00:00.000Z');
  expect(asked.at(-1)).toBe('amphorae 2026-11-23T11:59:30.400Z');
});
