import { expect, it } from 'vitest';
import { defaultReleasePolicy, type ReleasePolicy } from '../../model/release.ts';
import type { FleetMember, PlanInput } from '../../model/release-plan.ts';
import { makePlan } from './make-plan.ts';
import { digestPattern } from './plan-digest.ts';

const image = { id: 'new', name: 'amphora-2', hashAlgo: 'sha512', hash: 'h-new', ownerId: 'o' };
const member = (n: number, over: Partial<FleetMember> = {}): FleetMember => ({
  loadBalancerId: `lb-${String(n).padStart(4, '0')}`,
  name: '',
  topology: 'SINGLE',
  provisioningStatus: 'ACTIVE',
  operatingStatus: 'ONLINE',
  place: { flavorId: null, zone: null },
  imageIds: ['old'],
  amphorae: 1,
  hasTraffic: true,
  ...over,
});
const fleet = (count: number) => Array.from({ length: count }, (_none, n) => member(n));
const input = (members: readonly FleetMember[], over: Partial<PlanInput> = {}): PlanInput => ({
  tag: 'amphora',
  image,
  taggedImageIds: ['old'],
  policy: defaultReleasePolicy,
  members,
  hashes: new Map([['old', 'h-old']]),
  moveSeconds: null,
  bakesLastWave: true,
  measuresAhead: true,
  nowMs: 0,
  ...over,
});

it.each([0, 1, 3, 4, 50, 1000, 8000])('of %d load balancers each is in one wave, and no wave is empty', (count) => {
  const { targets, waves, digest } = makePlan(input(fleet(count)));
  expect(targets).toHaveLength(count);
  expect(new Set(targets.map(({ loadBalancerId }) => loadBalancerId)).size).toBe(count);
  expect(waves.map(({ wave }) => wave)).toEqual(waves.map((_wave, index) => index));
  for (const { wave, loadBalancers } of waves) {
    expect(loadBalancers).toBeGreaterThan(0);
    const positions = targets.filter((one) => one.wave === wave).map(({ position }) => position);
    expect(positions).toEqual(positions.map((_position, index) => index));
  }
  expect(digest).toMatch(new RegExp(digestPattern));
});

it('waves: the canary, then 1, 5, 25 and 100 percent of all', () => {
  const { waves } = makePlan(input(fleet(8000)));
  expect(waves.map(({ loadBalancers }) => loadBalancers)).toEqual([3, 77, 320, 1600, 6000]);
  expect(makePlan(input(fleet(20))).waves.map(({ loadBalancers }) => loadBalancers)).toEqual([3, 2, 15]);
});

it('the canary are those that are well and have traffic', () => {
  const dull = fleet(9).map((one) => ({ ...one, hasTraffic: false }));
  const unwell = [member(10, { operatingStatus: 'DEGRADED' }), member(11, { provisioningStatus: 'PENDING_UPDATE' })];
  const { targets } = makePlan(input([...unwell, ...dull, member(20), member(21), member(22)]));
  const canary = targets.filter(({ wave }) => wave === 0).map(({ loadBalancerId }) => loadBalancerId);
  expect(canary).toEqual(['lb-0020', 'lb-0021', 'lb-0022']);
  expect(targets.at(-1)?.loadBalancerId).toBe('lb-0011');
});

it.each([
  ['is being deleted', { provisioningStatus: 'PENDING_DELETE' }],
  ['is being made, and takes what the tag gives', { provisioningStatus: 'PENDING_CREATE' }],
  ['is in ERROR: fail it over first', { provisioningStatus: 'ERROR' }],
  ['has no amphora that serves', { amphorae: 0, imageIds: [] }],
  ['runs an image that is not known: there would be no way back', { imageIds: [] }],
  ['runs the image already', { imageIds: ['new'] }],
  ['runs the image already', { imageIds: ['copy'] }],
])('what %s is left out', (reason, over) => {
  const hashes = new Map([['copy', 'h-new']]);
  const { targets, skipped } = makePlan(input([member(1, over), member(2)], { hashes }));
  expect(targets.map(({ loadBalancerId }) => loadBalancerId)).toEqual(['lb-0002']);
  expect(skipped).toEqual([{ reason, loadBalancers: 1, examples: ['lb-0001'] }]);
});

it('a pair on two images moves, and its way back is the other one', () => {
  const { targets } = makePlan(
    input([member(1, { topology: 'ACTIVE_STANDBY', imageIds: ['new', 'old'], amphorae: 2 })]),
  );
  expect(targets).toMatchObject([{ fromImageId: 'old', fromHash: 'h-old', topology: 'ACTIVE_STANDBY' }]);
});

it('the digest is another one when the world is, and no other when it is only busier', () => {
  const { digest } = makePlan(input(fleet(5)));
  const busier = fleet(5).map((one) => ({ ...one, hasTraffic: false, operatingStatus: 'DEGRADED' }));
  expect(makePlan(input(busier.toReversed(), { moveSeconds: 99 })).digest).toBe(digest);
  const others = [
    input(fleet(6)),
    input(fleet(5), { taggedImageIds: ['old', 'new'] }),
    input(fleet(5), { image: { ...image, hash: 'other' } }),
    input([...fleet(4), member(4, { imageIds: ['older'] })]),
  ];
  for (const other of others) expect(makePlan(other).digest).not.toBe(digest);
});

it('each flavor and zone in use is tried, and what does not move is not', () => {
  const members = [
    member(1, { place: { flavorId: 'f', zone: null } }),
    member(2, { place: { flavorId: 'f', zone: null } }),
    member(3, { place: { flavorId: null, zone: 'z' } }),
    member(4, { place: { flavorId: 'g', zone: null }, provisioningStatus: 'ERROR' }),
  ];
  expect(makePlan(input(members)).probes).toHaveLength(2);
});

it('says how long it may take: longer with pairs and with slower failovers', () => {
  const seconds = (over: Partial<PlanInput>, members = fleet(100)) => makePlan(input(members, over)).expectedSeconds;
  const pairs = fleet(100).map((one) => ({ ...one, topology: 'ACTIVE_STANDBY' as const }));
  expect(seconds({ moveSeconds: 60 }, pairs)).toBeGreaterThan(seconds({ moveSeconds: 60 }));
  expect(seconds({ moveSeconds: 600 })).toBeGreaterThan(seconds({ moveSeconds: 60 }));
  expect(seconds({}, [])).toBe(0);
});

it.each([2, 100])(
  'counts the wait behind each wave of %d load balancers, the last one too where there is one',
  (count) => {
    const plan = (over: Partial<ReleasePolicy>, bakesLastWave = true) =>
      makePlan(input(fleet(count), { policy: { ...defaultReleasePolicy, beforeSeconds: 0, ...over }, bakesLastWave }));
    const { waves, expectedSeconds } = plan({ canaryBakeSeconds: 600, waveBakeSeconds: 300 });
    const bakes = 600 + 300 * (waves.length - 1);
    expect(expectedSeconds - plan({ canaryBakeSeconds: 0, waveBakeSeconds: 0 }).expectedSeconds).toBe(bakes);
    const withoutLast = plan({ canaryBakeSeconds: 600, waveBakeSeconds: 300 }, false);
    expect(expectedSeconds - withoutLast.expectedSeconds).toBe(waves.length > 1 ? 300 : 600);
  },
);

it('counts for how long load balancers are measured before they move', () => {
  const seconds = (over: Partial<ReleasePolicy>, measuresAhead = true) =>
    makePlan(input(fleet(100), { policy: { ...defaultReleasePolicy, ...over }, moveSeconds: 60, measuresAhead }))
      .expectedSeconds;
  const bakes = { canaryBakeSeconds: 600, waveBakeSeconds: 300 };
  const none = seconds({ ...bakes, beforeSeconds: 0 });
  // As long as the probe and the bakes take, it costs nothing.
  expect(seconds({ ...bakes, beforeSeconds: 60 }) - none).toBe(0);
  expect(seconds({ ...bakes, beforeSeconds: 300 }) - none).toBe(240);
  // The probe, and each bake but the last one: of the canary and of two waves.
  const { waves } = makePlan(input(fleet(100)));
  expect(waves).toHaveLength(4);
  expect(seconds({ ...bakes, beforeSeconds: 900 }) - none).toBe(840 + 300 + 2 * 600);
  // One after the other in the canary.
  const oneByOne = (canary: number) =>
    seconds({ canary, wavePercents: [100], beforeSeconds: 30 }, false) -
    seconds({ canary, wavePercents: [100], beforeSeconds: 0 }, false);
  expect(oneByOne(100)).toBe(100 * 30);
});

it('counts the time between maintenance windows', () => {
  const windows = [{ cron: '0 1 * * *', zone: 'UTC', durationMinutes: 240 }];
  const seconds = (over: Partial<ReleasePolicy>, nowMs: number) =>
    makePlan(input(fleet(1000), { policy: { ...defaultReleasePolicy, ...over }, nowMs })).expectedSeconds;
  const plain = seconds({}, 0);
  expect(plain).toBeGreaterThan(4 * 3600);
  const days = seconds({ windows }, Date.UTC(2026, 2, 20, 1)) / 86_400;
  expect(days).toBeGreaterThan(1);
  expect(seconds({ windows }, Date.UTC(2026, 2, 20))).toBe(seconds({ windows }, Date.UTC(2026, 2, 20, 1)) + 3600);
});
