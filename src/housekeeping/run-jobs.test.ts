import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFakeClock } from '../../test/kit/fakes/fake-clock.ts';
import { createFakeLog } from '../../test/kit/fakes/fake-log.ts';
import { sqliteIn } from '../../test/kit/sqlite.ts';
import { openDatabase } from '../adapters/storage/database.ts';
import { createJobStore } from '../adapters/storage/job-store.ts';
import type { KilnDatabase } from '../adapters/storage/schema.ts';
import { KilnError } from '../model/errors.ts';
import type { JobStore } from '../ports/job-store.ts';
import type { HousekeepingJob, JobRun } from './job.ts';
import { runJobNow, runJobs } from './run-jobs.ts';

describe('jobs of several processes', () => {
  const clock = createFakeClock({ start: '2026-11-28T12:00:00Z' });
  let folder: string;
  let database: KilnDatabase;
  let store: JobStore;
  const living = new Set<string>();
  const signal = new AbortController().signal;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kiln-jobs-'));
    database = await openDatabase(await sqliteIn(folder), clock);
    store = createJobStore(database, clock);
    living.clear();
  });
  afterEach(async () => {
    await database.destroy();
    rmSync(folder, { recursive: true });
  });

  const runner = (self: string) => {
    living.add(self);
    const isAlive = async (worker: string) => living.has(worker);
    return { jobs: [], store, self, isAlive, clock, log: createFakeLog() };
  };
  const job = (run: HousekeepingJob['run']): HousekeepingJob => ({
    name: 'sweep',
    summary: 's',
    intervalSeconds: () => 30,
    run,
  });
  const nothing = { counts: { swept: 0 }, items: [], more: false };

  it('are done by one at a time; the others are refused, or find the claim taken', async () => {
    let running = 0;
    let most = 0;
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = job(async () => {
      most = Math.max(most, ++running);
      await held;
      running--;
      return nothing;
    });
    const all = ['a', 'b', 'c', 'd'].map((self) => runJobNow(runner(self), slow, { dryRun: false }, signal));
    const ended = Promise.allSettled(all);
    await expect.poll(() => running).toBe(1);
    await expect(runJobNow(runner('late'), slow, { dryRun: false }, signal)).rejects.toMatchObject({
      code: 'IMMUTABLE',
    });
    release();
    const won = (await ended).filter((one) => one.status === 'fulfilled' && one.value !== null);
    expect([most, won.length]).toEqual([1, 1]);
    expect(await store.list()).toMatchObject([{ holder: null, failure: null, result: { swept: 0 } }]);
  });

  it('of a dead process are begun anew, and it is kept out when it comes back', async () => {
    let first: JobRun | null = null;
    let end = () => {};
    const hanging = job(async (run) => {
      first = run;
      await new Promise<void>((resolve) => {
        end = resolve;
      });
      await run.assertHeld();
      return nothing;
    });
    const dead = runJobNow(runner('frozen'), hanging, { dryRun: false }, signal);
    await expect.poll(() => first).not.toBeNull();
    living.delete('frozen');
    await runJobNow(
      runner('next'),
      job(async () => nothing),
      { dryRun: false },
      signal,
    );
    end();
    await expect(dead).rejects.toMatchObject({ code: 'FENCED' });
    expect(await store.list()).toMatchObject([{ fence: 2, holder: null, failure: null }]);
  });

  it('that fail are named with the reason, and tried again at their next time; what left more comes at once', async () => {
    const stopping = new AbortController();
    const began: number[] = [];
    const jobs = [
      job(async () => {
        began.push(clock.monotonicMs());
        if (began.length === 1) throw new KilnError('SERVICE_FAILED', 'Nova is away');
        return { ...nothing, more: began.length === 2 };
      }),
    ];
    const log = createFakeLog();
    const ended = runJobs({ ...runner('a'), jobs, log }, stopping.signal);
    await expect.poll(async () => (await store.list())[0]?.failure?.message).toBe('Nova is away');
    for (let second = 0; second < 40; second++) {
      await clock.advance(1000);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    stopping.abort();
    await clock.advance(1000);
    await ended;
    expect(began.length).toBe(3);
    expect((began[1] ?? 0) - (began[0] ?? 0)).toBeGreaterThanOrEqual(30_000);
    expect((began[2] ?? 0) - (began[1] ?? 0)).toBeLessThan(10_000);
    expect(await store.list()).toMatchObject([{ failure: null, succeededAt: expect.any(String) }]);
  });

  it('that may be wanted at any time begin within a second then, and once', async () => {
    const stopping = new AbortController();
    const began: number[] = [];
    let isWanted = false;
    const wanted: HousekeepingJob = {
      ...job(async () => {
        began.push(clock.monotonicMs());
        isWanted = false;
        return nothing;
      }),
      isWanted: async () => isWanted,
    };
    const ended = runJobs({ ...runner('a'), jobs: [wanted] }, stopping.signal);
    await expect.poll(() => began.length).toBe(1);
    await expect.poll(async () => (await store.list())[0]?.holder).toBe(null);
    isWanted = true;
    const wantedMs = clock.monotonicMs();
    for (let tries = 0; began.length < 2 && tries < 20; tries++) {
      await clock.advance(500);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect((began[1] ?? Number.POSITIVE_INFINITY) - wantedMs).toBeLessThanOrEqual(7_000);
    stopping.abort();
    await clock.advance(1000);
    await ended;
    expect(began).toHaveLength(2);
  });

  it('write nothing in a dry run', async () => {
    await runJobNow(
      runner('a'),
      job(async ({ dryRun }) => ({ ...nothing, counts: { dry: Number(dryRun) } })),
      { dryRun: true },
      signal,
    );
    expect(await store.list()).toEqual([]);
  });
});
