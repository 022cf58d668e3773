import { describe, expect, it } from 'vitest';
import { driveCli } from '../../../../test/kit/cli.ts';
import { createFakeClock } from '../../../../test/kit/fakes/fake-clock.ts';
import { releasesOver } from '../../../../test/kit/releases.ts';
import { makePlan } from '../../../core/releases/make-plan.ts';
import { defaultReleasePolicy } from '../../../model/release.ts';
import type { FleetMember, ReleasePlan } from '../../../model/release-plan.ts';

const image = {
  id: '3c16294e-0000-4000-8000-000000000001',
  name: 'amphora-2026.3',
  hashAlgo: 'sha512',
  hash: 'h',
  ownerId: 'o',
};
const members = Array.from(
  { length: 400 },
  (_none, n): FleetMember => ({
    loadBalancerId: `9a1e0000-0000-4000-8000-${String(n).padStart(12, '0')}`,
    name: `web-${n}`,
    topology: n % 3 === 0 ? 'ACTIVE_STANDBY' : 'SINGLE',
    provisioningStatus: n % 50 === 49 ? 'ERROR' : 'ACTIVE',
    operatingStatus: 'ONLINE',
    place: { flavorId: null, zone: null },
    imageIds: n % 40 === 1 ? [image.id] : ['81e705b8-0000-4000-8000-000000000002'],
    amphorae: 1,
    hasTraffic: true,
  }),
);
const plan = makePlan({
  tag: 'amphora',
  image,
  taggedImageIds: ['81e705b8-0000-4000-8000-000000000002'],
  policy: defaultReleasePolicy,
  members,
  hashes: new Map(),
  moveSeconds: 48,
  bakesLastWave: true,
  measuresAhead: true,
  nowMs: 0,
});

describe('release plan', () => {
  const asked: unknown[] = [];
  const context = (made: ReleasePlan = plan) => ({
    releases: async () =>
      releasesOver(null as never, createFakeClock(), {
        planner: async (request) => {
          asked.push(request);
          return made;
        },
      }),
  });

  it.each([80, 120])('fits a terminal of %d columns', async (columns) => {
    const run = await driveCli('release plan', context(), { columns });
    for (const line of run.stdout.split('\n').slice(6)) expect(line.length).toBeLessThanOrEqual(columns);
    await expect(run.stdout).toMatchFileSnapshot(`../../golden/release-plan.${columns}.txt`);
    expect(run.exitCode).toBe(0);
    expect(asked.at(-1)).toEqual({ imageId: null, tag: null, isAgain: false, policy: {} });
  });

  it('gives it as JSON, and the load balancers alone with --quiet', async () => {
    const run = await driveCli(`release plan --image ${image.id} --tag other --again --json`, context());
    expect(run.json()).toMatchObject({ digest: plan.digest, loadBalancers: plan.targets.length, waves: plan.waves });
    expect(asked.at(-1)).toEqual({ imageId: image.id, tag: 'other', isAgain: true, policy: {} });
    const quiet = await driveCli('release plan --quiet', context());
    expect(quiet.stdout.trim().split('\n')).toHaveLength(plan.targets.length);
  });

  it('takes the policy, and says of a bad value what is allowed', async () => {
    const flags = [
      ['--wave-percents', '10,100'],
      ['--canary', '1'],
      ['--on-failure', 'rollback'],
      ['--window', '0 22 * * 1-5 Europe/Berlin 240'],
      ['--gate-after-wave', '0'],
      ['--gate-after-wave', '1'],
    ].flat();
    expect((await driveCli(['release', 'plan', ...flags], context())).exitCode).toBe(0);
    expect(asked.at(-1)).toMatchObject({
      policy: {
        wavePercents: [10, 100],
        canary: 1,
        onFailure: 'rollback',
        windows: [{ cron: '0 22 * * 1-5', zone: 'Europe/Berlin', durationMinutes: 240 }],
        gatesAfterWaves: [0, 1],
      },
    });
    for (const [flag, value, why] of [
      ['--max-parallel', '0', '--max-parallel is "0"; allowed is a whole number from 1 to 100'],
      ['--wave-percents', '5,x', '--wave-percents is "5,x"; allowed are numbers'],
      ['--wave-percents', '5,1', '--wave-percents is "5,1"; allowed are at most 20 percentages'],
      ['--on-failure', 'x', '--on-failure is "x"; allowed is rollback, pause'],
      ['--window', '0 22 * * *', 'allowed are the five fields of crontab(5), a time zone'],
      ['--window', '0 22 * * * Mars 60', '--window: zone is "Mars"'],
      ['--window', '0 99 * * * UTC 60', '--window: cron: hour "99"'],
    ] as const) {
      const run = await driveCli(['release', 'plan', flag, value], context());
      expect([run.exitCode, run.stderr]).toEqual([2, expect.stringContaining(why)]);
    }
  });

  it('says when nothing is to be done', async () => {
    const none = { ...plan, targets: [], waves: [], probes: [] };
    expect((await driveCli('release plan', context(none))).stdout).toContain('There is nothing to do');
  });
});
