import { expect, it } from 'vitest';
import { driveCli } from '../../../../test/kit/cli.ts';
import type { SilenceSurvey, SilentAmphoraReport } from '../../../model/silence.ts';

const survey: SilenceSurvey = {
  breaker: { openSince: null, silentCount: null, threshold: null, listenUntil: null, resumedAt: null },
  silent: 0,
  heartbeatsLost: 0,
  unexplained: 0,
  untried: 0,
  recentFailovers: 0,
  runningFailovers: 0,
};
const silent: SilentAmphoraReport[] = [
  {
    id: '00000000-0000-4000-8000-000000000001',
    loadBalancerId: '00000000-0000-4000-8000-00000000000a',
    lastHeard: '2026-03-01T11:00:00Z',
    finding: 'cut-off',
    attempts: 3,
    examineAfter: '2026-03-01T12:04:00Z',
  },
  {
    id: '00000000-0000-4000-8000-000000000002',
    loadBalancerId: '00000000-0000-4000-8000-00000000000b',
    lastHeard: '2026-03-01T11:58:00Z',
    finding: null,
    attempts: 0,
    examineAfter: null,
  },
];
const silence = (reports: SilentAmphoraReport[], wasStopped = false) => ({
  silence: async () => ({
    survey: async () => ({ ...survey, silent: reports.length }),
    list: async () => reports,
    resume: async () => wasStopped,
  }),
});

it('show lists what is silent, and why', async () => {
  const run = await driveCli('health show', silence(silent), { columns: 120 });
  await expect(run.stdout).toMatchFileSnapshot('../../golden/health-show.120.txt');
  expect((await driveCli('health show --json', silence(silent))).json()).toMatchObject({ silent: 2, amphorae: silent });
  expect((await driveCli('health show', silence([]))).stdout).toBe('Silent  none\n');
});

it('resume says whether failovers were stopped', async () => {
  expect((await driveCli('health resume', silence(silent, true))).stdout).toBe('Failovers go on. Silent now: 2.\n');
  expect((await driveCli('health resume', silence(silent))).stdout).toContain('were not stopped');
  expect((await driveCli('health resume --json', silence(silent, true))).json()).toEqual({
    wasStopped: true,
    silent: 2,
  });
});
