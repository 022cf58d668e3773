import { expect, it } from 'vitest';
import { driveCli } from '../../../../test/kit/cli.ts';
import { KilnError } from '../../../model/errors.ts';
import type { HousekeepingCommands } from '../../context.ts';

const last = {
  name: 'purge',
  fence: 3,
  holder: null,
  more: false,
  startedAt: '2026-03-01T11:59:00.000Z',
  endedAt: '2026-03-01T11:59:01.000Z',
  succeededAt: '2026-03-01T11:59:01.000Z',
  result: { operations: 2, amphorae: 0 },
  failure: null,
};

function context(changes: Partial<HousekeepingCommands> = {}) {
  const made: HousekeepingCommands = {
    list: async () => [
      { name: 'purge', summary: 's', intervalSeconds: 30, last },
      { name: 'rotate-certificates', summary: 's', intervalSeconds: 3600, last: null },
    ],
    run: async (_name, { dryRun }) => ({ counts: { operations: dryRun ? 7 : 2 }, items: ['one'], more: false }),
    ...changes,
  };
  return { housekeeping: async () => made };
}

it('housekeeping list shows each job and its last run', async () => {
  const { stdout, exitCode } = await driveCli('housekeeping list', context());
  expect(exitCode).toBe(0);
  expect(stdout).toContain('2 operations, 0 amphorae');
  expect(stdout).toContain('never done');
  expect((await driveCli('housekeeping list --json', context())).json()).toMatchObject([{ name: 'purge', last }, {}]);
});

it('housekeeping run does a job, or says what it would do', async () => {
  expect((await driveCli('housekeeping run purge', context())).stdout).toBe('Done: 2 operations.\none\n');
  const dry = await driveCli('housekeeping run purge --dry-run --json', context());
  expect(dry.json()).toEqual({ job: 'purge', dryRun: true, counts: { operations: 7 }, items: ['one'], more: false });
});

it('housekeeping run refuses what another process is at', async () => {
  const busy = { run: () => Promise.reject(new KilnError('IMMUTABLE', 'w is at job purge')) };
  const { exitCode, stderr } = await driveCli('housekeeping run purge', context(busy));
  expect([exitCode, stderr]).toEqual([expect.any(Number), expect.stringContaining('is at job purge')]);
  expect(exitCode).not.toBe(0);
});
