import { describe, expect, it } from 'vitest';
import { driveCli } from '../../../../test/kit/cli.ts';
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
});

describe('release plan', () => {
  const asked: unknown[] = [];
  const context = (made: ReleasePlan = plan) => ({
    planRelease: async (request: unknown) => {
      asked.push(request);
      return made;
    },
  });

  it.each([80, 120])('fits a terminal of %d columns', async (columns) => {
    const run = await driveCli('release plan', context(), { columns });
    for (const line of run.stdout.split('\n').slice(6)) expect(line.length).toBeLessThanOrEqual(columns);
    await expect(run.stdout).toMatchFileSnapshot(`../../golden/release-plan.${columns}.txt`);
    expect(run.exitCode).toBe(0);
    expect(asked.at(-1)).toEqual({ imageId: null, tag: null, isAgain: false });
  });

  it('gives it as JSON, and the load balancers alone with --quiet', async () => {
    const run = await driveCli(`release plan --image ${image.id} --tag other --again --json`, context());
    expect(run.json()).toMatchObject({ digest: plan.digest, loadBalancers: plan.targets.length, waves: plan.waves });
    expect(asked.at(-1)).toEqual({ imageId: image.id, tag: 'other', isAgain: true });
    const quiet = await driveCli('release plan --quiet', context());
    expect(quiet.stdout.trim().split('\n')).toHaveLength(plan.targets.length);
  });

  it('says when nothing is to be done', async () => {
    const none = { ...plan, targets: [], waves: [], probes: [] };
    expect((await driveCli('release plan', context(none))).stdout).toContain('There is nothing to do');
  });
});
