import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { storedAmphora } from '../../test/kit/contract/amphora-store.ts';
import { createFakeClock, type FakeClock } from '../../test/kit/fakes/fake-clock.ts';
import { createFakeLog } from '../../test/kit/fakes/fake-log.ts';
import { jobRun } from '../../test/kit/job-run.ts';
import { sqliteIn } from '../../test/kit/sqlite.ts';
import { createAmphoraStore } from '../adapters/storage/amphora-store.ts';
import { createCertificateRotations } from '../adapters/storage/certificate-rotations.ts';
import { openDatabase } from '../adapters/storage/database.ts';
import { createJournal } from '../adapters/storage/journal.ts';
import type { KilnDatabase } from '../adapters/storage/schema.ts';
import { rotateCertificatesJob } from './rotate-certificates.ts';

const failed = { code: 'AGENT_UNREACHABLE', message: 'does not answer', advice: 'a' } as const;

describe('certificates of agents that end soon', () => {
  let clock: FakeClock;
  let folder: string;
  let database: KilnDatabase;

  beforeEach(async () => {
    clock = createFakeClock({ start: '2026-11-28T12:00:00Z' });
    folder = mkdtempSync(join(tmpdir(), 'kiln-rotate-'));
    database = await openDatabase(await sqliteIn(folder), clock);
  });
  afterEach(async () => {
    await database.destroy();
    rmSync(folder, { recursive: true });
  });

  const inDays = (days: number) => new Date(clock.now().getTime() + days * 86_400_000).toISOString();
  const put = (id: string, days: number, status: 'ALLOCATED' | 'READY' | 'DELETED' | 'ERROR' = 'ALLOCATED') =>
    createAmphoraStore(database, clock).insert(storedAmphora(id, { status, certExpiration: inDays(days) }));
  const log = createFakeLog();
  const announced: string[] = [];
  function makeJob(atOnce = 10) {
    return rotateCertificatesJob({
      rotations: createCertificateRotations(database, clock),
      clock,
      log,
      settings: () => ({ intervalSeconds: 3600, bufferSeconds: 14 * 86_400, atOnce }),
      announce: ({ id }) => announced.push(id),
    });
  }
  const journal = () => createJournal(database, clock);
  const asked = async () => (await journal().list({ limit: 100 })).map(({ subject }) => subject).sort();
  async function end(outcome: 'done' | 'undone'): Promise<void> {
    for (const { id } of await journal().unclaimed(100)) {
      const fence = (await journal().claim(id, 'w'))?.operation.fence ?? 0;
      await journal().finish(id, fence, outcome === 'done' ? 'done' : { undone: failed });
    }
  }

  it('are asked for once, by however many at the same moment; the others are left alone', async () => {
    await put('soon', 13);
    await put('ended', -1, 'READY');
    await put('later', 15);
    await put('gone', 1, 'DELETED');
    await put('failed', 1, 'ERROR');
    const reports = await Promise.all([1, 2, 3].map(() => makeJob().run(jobRun)));
    expect(await asked()).toEqual(['ended', 'soon']);
    expect(reports.reduce((sum, { counts }) => sum + (counts.requested ?? 0), 0)).toBe(2);
    await makeJob().run(jobRun);
    expect(await asked()).toEqual(['ended', 'soon']);
    expect(new Set(announced).size).toBe(2);
  });

  it('are renewed so many at a time, those that end first come first, and the job says that there are more', async () => {
    for (const [id, days] of Object.entries({ a: 3, b: 1, c: 2 })) await put(id, days);
    expect(await makeJob(2).run(jobRun)).toMatchObject({ counts: { requested: 2 }, more: true });
    expect(await asked()).toEqual(['b', 'c']);
    expect(await makeJob(2).run(jobRun)).toMatchObject({ counts: { requested: 0 }, more: true });
    await end('done');
    expect(await makeJob(2).run(jobRun)).toMatchObject({ counts: { requested: 1 }, more: false });
  });

  it('whose renewal failed are named, and tried again after a growing pause', async () => {
    await put('a', 10);
    const rotations = createCertificateRotations(database, clock);
    const pausesMs: number[] = [];
    for (let attempts = 1; attempts <= 4; attempts++) {
      const beganMs = clock.now().getTime();
      while ((await asked()).length < attempts) {
        await clock.advance(5_000);
        await makeJob().run(jobRun);
      }
      pausesMs.push(clock.now().getTime() - beganMs);
      await end('undone');
    }
    expect(pausesMs).toEqual([5_000, 60_000, 120_000, 240_000]);
    const now = clock.now().toISOString();
    expect(await rotations.troubled(now, 10)).toMatchObject([{ amphoraId: 'a', attempts: 4, reason: failed }]);
    expect(await rotations.survey(now)).toMatchObject({ expired: 0, failing: 1 });
    await makeJob().run(jobRun);
    expect(JSON.stringify(log.lines)).toContain('could not be renewed');

    await createAmphoraStore(database, clock).update('a', { certExpiration: inDays(30) });
    expect(await rotations.troubled(now, 10)).toEqual([]);
  });

  it('are named once however often the job runs, again when another try failed, and daily', async () => {
    await put('a', 10);
    const job = makeJob();
    const named = () => log.lines.filter((line) => JSON.stringify(line).includes('could not be renewed')).length;
    const before = named();
    await job.run(jobRun);
    await end('undone');
    for (let second = 0; second < 20; second++) await job.run(jobRun);
    expect(named()).toBe(before + 1);
    await clock.advance(60_000);
    await job.run(jobRun);
    await end('undone');
    for (let second = 0; second < 20; second++) await job.run(jobRun);
    expect(named()).toBe(before + 2);
    await clock.advance(25 * 3_600_000);
    await job.run(jobRun);
    expect(named()).toBe(before + 3);
  });

  it('are not renewed without end when they are valid for less than the buffer', async () => {
    const amphorae = createAmphoraStore(database, clock);
    await put('a', 1);
    await amphorae.update('a', { certExpiration: inDays(2) });
    await clock.advance(86_399_000);
    await makeJob().run(jobRun);
    expect(await asked()).toEqual([]);
    await clock.advance(1_000);
    await makeJob().run(jobRun);
    expect(await asked()).toEqual(['a']);
  });

  it('are reported in a dry run, and nothing is asked for', async () => {
    await put('a', 1);
    expect(await makeJob().run({ ...jobRun, dryRun: true })).toMatchObject({ counts: { requested: 1 } });
    expect(await asked()).toEqual([]);
  });
});
