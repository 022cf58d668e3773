import { expect, it } from 'vitest';
import { createFakeClock } from '../../test/kit/fakes/fake-clock.ts';
import { purgeJob } from './purge.ts';

function makeJob() {
  const clock = createFakeClock({ start: '2026-11-23T12:00:00Z', autoAdvance: true });
  const asked: string[] = [];
  const left = { operations: 250, amphorae: 1, releases: 2 };
  const take = (what: 'operations' | 'amphorae') => async (before: string, limit: number) => {
    asked.push(`${what} ${before}`);
    const count = Math.min(left[what], limit);
    left[what] -= count;
    return count;
  };
  const purge = {
    operations: take('operations'),
    amphorae: take('amphorae'),
    async releases(before: string) {
      asked.push(`releases ${before}`);
      left.releases -= 1;
      return { removed: 1, more: left.releases > 0 };
    },
    count: async () => ({ ...left }),
  };
  const settings = () => ({
    cleanupIntervalSeconds: 30,
    amphoraExpirySeconds: 60,
    operationExpirySeconds: 3600,
    releaseExpirySeconds: 86_400,
  });
  return { job: purgeJob({ purge, clock, settings }), clock, asked, left };
}
const stop = new AbortController().signal;

it('purges in batches with pauses, by the ages in force, as long as it has the job', async () => {
  const { job, clock, asked, left } = makeJob();
  const report = await job.run({ dryRun: false, byHand: false, stop, assertHeld: async () => {} });
  expect(report).toEqual({ counts: { operations: 250, amphorae: 1, releases: 2 }, items: [], more: false });
  expect(left).toEqual({ operations: 0, amphorae: 0, releases: 0 });
  expect(clock.sleeps).toEqual([200, 200, 200]);
  expect([asked[0], ...asked.slice(-3)]).toEqual([
    'operations 2026-11-23T11:00:00.000Z',
    'amphorae 2026-11-23T11:59:00.000Z',
    'releases 2026-11-22T12:00:00.000Z',
    'releases 2026-11-22T12:00:00.000Z',
  ]);
  const lost = makeJob();
  let batches = 0;
  const assertHeld = async () => {
    if (++batches === 2) throw new Error('another process has it');
  };
  await expect(lost.job.run({ dryRun: false, byHand: false, stop, assertHeld })).rejects.toThrow(
    'another process has it',
  );
  expect(lost.left.operations).toBe(150);
});

it('counts and removes nothing in a dry run', async () => {
  const { job, left } = makeJob();
  const report = await job.run({ dryRun: true, byHand: true, stop, assertHeld: async () => {} });
  expect(report.counts).toEqual({ operations: 250, amphorae: 1, releases: 2 });
  expect(left.operations).toBe(250);
});
