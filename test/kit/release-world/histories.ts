import * as fc from 'fast-check';
import type { ReleasePolicy } from '../../../src/model/release.ts';
import { aFleet, type Member, newImageId } from './fleet.ts';
import type { Happening } from './run.ts';
import { ReleaseWorld } from './world.ts';

/** A world and what happens in it, as fast-check makes and shrinks them. */
export interface History {
  members: Member[];
  policy: Partial<ReleasePolicy>;
  /** What carries the tag when it is planned. */
  taggedImageIds: string[];
  seed: number;
  happenings: { at: number; kind: HappeningKind; n: number }[];
  /** Of a hundred moves, how many fail by themselves. */
  trouble: number;
}

const HOUR_MS = 3_600_000;

type Deed = (world: ReleaseWorld, n: number) => ReturnType<Happening['do']>;

/** Everything that is done to a release from outside. */
const deeds = {
  'die before writing': () => 'nothing',
  'die after writing': () => 'database',
  'die half way': () => 'half',
  'delete a load balancer': (world, n) => {
    world.loadBalancers.delete(idOf(world, n));
    return undefined;
  },
  'change a load balancer': (world, n) => {
    const one = world.loadBalancers.get(idOf(world, n));
    if (one && !isUnderWay(world, n)) one.provisioningStatus = 'PENDING_UPDATE';
    return undefined;
  },
  'fail a load balancer': (world, n) => {
    const one = world.loadBalancers.get(idOf(world, n));
    if (one && !isUnderWay(world, n)) one.provisioningStatus = 'ERROR';
    return undefined;
  },
  'silence an amphora': (world, n) => {
    const one = world.loadBalancers.get(idOf(world, n));
    if (one) one.amphorae = one.amphorae.map((amphora, index) => ({ ...amphora, isServing: index !== n % 2 }));
    return undefined;
  },
  'repair a load balancer': (world, n) => replace(world, n, ({ imageId }) => imageId),
  'fail over by its tenant': (world, n) => replace(world, n, () => [...world.tagged][0] ?? newImageId),
  'move the tag': (world) => {
    world.tagged = new Set(['image-foreign']);
    return undefined;
  },
  'add a tag': (world) => {
    world.tagged.add('image-foreign');
    return undefined;
  },
  'take the tag off': (world) => {
    world.tagged.clear();
    return undefined;
  },
  'hide the image': (world) => {
    world.image = { ...world.image, isHidden: true };
    return undefined;
  },
  'deactivate the image': (world) => {
    world.image = { ...world.image, status: 'deactivated' };
    return undefined;
  },
  'delete the image': (world) => {
    world.image = { ...world.image, isThere: false };
    return undefined;
  },
  'change the image': (world) => {
    world.image = { ...world.image, hash: 'hash-other' };
    return undefined;
  },
  'bring the image back': (world) => {
    world.image = { isThere: true, status: 'active', isHidden: false, ownerId: 'owner', hash: 'hash-new' };
    return undefined;
  },
  'lose a former image': (world) => {
    world.unusableFormer = ['image-older'];
    return undefined;
  },
  'stop Glance': (world) => {
    world.isGlanceUp = false;
    return undefined;
  },
  'start Glance': (world) => {
    world.isGlanceUp = true;
    return undefined;
  },
  'make a load balancer': (world) => {
    world.make();
    return undefined;
  },
  'queue repairs': (world, n) => {
    world.repairs = { running: n % 3, queued: 1 + (n % 4) };
    return undefined;
  },
  'end repairs': (world) => {
    world.repairs = { running: 0, queued: 0 };
    return undefined;
  },
  'occupy workers': (world, n) => {
    world.workerSlots = n % 6;
    world.othersBusy = n % 4;
    return undefined;
  },
  'many are unwell': (world, n) => {
    world.unwell = n % 8;
    return undefined;
  },
  'moved ones are worse': (world) => {
    const traffic = (requestErrors: number) => ({ seconds: 90, connections: 5000, requestErrors });
    world.cohorts = { moved: traffic(400), notMoved: traffic(5), notMovedBefore: traffic(5) };
    return undefined;
  },
  'set the clock on': (world, n) => {
    world.nowMs += (1 + (n % 30)) * HOUR_MS;
    return undefined;
  },
  'set the clock back': (world, n) => {
    world.nowMs -= (1 + (n % 3)) * HOUR_MS;
    return undefined;
  },
  pause: (world) => say(world, 'pause'),
  resume: (world) => say(world, 'run'),
  abort: (world) => say(world, 'abort'),
  'roll back': (world) => say(world, 'rollback'),
} as const satisfies Record<string, Deed>;
type HappeningKind = keyof typeof deeds;

function say(world: ReleaseWorld, want: 'run' | 'pause' | 'abort' | 'rollback'): undefined {
  world.say(want, 'somebody says so');
}

function idOf(world: ReleaseWorld, n: number): string {
  return `lb-${n % world.targets.size}`;
}

function isUnderWay(world: ReleaseWorld, n: number): boolean {
  return [...world.unended].some((id) => world.operation(id).loadBalancerId === idOf(world, n));
}

/** Somebody else replaces the amphorae of a load balancer. */
function replace(world: ReleaseWorld, n: number, image: (amphora: { imageId: string }) => string): undefined {
  const one = world.loadBalancers.get(idOf(world, n));
  if (!one || isUnderWay(world, n)) return;
  one.amphorae = one.amphorae.map((amphora) => ({
    ...amphora,
    id: `${amphora.id}'`,
    imageId: image(amphora),
    isServing: true,
  }));
}

const member: fc.Arbitrary<Member> = fc.record(
  {
    isPair: fc.boolean(),
    fromImageId: fc.constantFrom('image-old', 'image-old', 'image-older', newImageId),
    fromHash: fc.constantFrom('hash-old', 'hash-old', 'hash-old', 'hash-new'),
    provisioningStatus: fc.constantFrom('ACTIVE', 'ACTIVE', 'ACTIVE', 'ERROR', 'PENDING_UPDATE'),
    health: fc.constantFrom('pass', 'pass', 'pass', 'pass', 'no data', 'fail'),
    fates: fc.array(fc.constantFrom('done', 'place', 'cloud', 'no-room', 'secret', 'aborted', 'internal', 'never'), {
      maxLength: 4,
    }),
  },
  { requiredKeys: [] },
);

const policy: fc.Arbitrary<Partial<ReleasePolicy>> = fc.record(
  {
    canary: fc.integer({ min: 1, max: 3 }),
    wavePercents: fc.constantFrom([100], [30, 100], [1, 5, 25, 100]),
    maxParallel: fc.integer({ min: 1, max: 5 }),
    canaryMaxFailures: fc.integer({ min: 0, max: 2 }),
    maxFailures: fc.constantFrom(null, 0, 2),
    onCanaryFailure: fc.constantFrom('rollback', 'pause'),
    onFailure: fc.constantFrom('rollback', 'pause'),
    canaryBakeSeconds: fc.constantFrom(0, 600),
    waveBakeSeconds: fc.constantFrom(0, 300),
    gatesAfterWaves: fc.constantFrom([], [0], [0, 1, 2]),
    windows: fc.constantFrom([], [{ cron: '0 1 * * *', zone: 'Europe/Berlin', durationMinutes: 240 }]),
  },
  { requiredKeys: [] },
);

/** Fleets that are small, and in which everything goes wrong. */
export const history: fc.Arbitrary<History> = fc.record({
  members: fc.array(member, { minLength: 1, maxLength: 9 }),
  policy,
  taggedImageIds: fc.constantFrom(
    ['image-old'],
    ['image-old'],
    ['image-old', newImageId],
    [newImageId, 'image-older'],
    [newImageId],
  ),
  seed: fc.nat(),
  happenings: fc.array(
    fc.record({
      at: fc.nat({ max: 250 }),
      kind: fc.constantFrom(...(Object.keys(deeds) as HappeningKind[])),
      n: fc.nat({ max: 50 }),
    }),
    { maxLength: 14 },
  ),
  trouble: fc.constantFrom(0, 0, 5, 40),
});

/** The world in which a history happens, and what happens. */
export function worldOf({ members, policy, taggedImageIds, seed, happenings, trouble }: History): {
  world: ReleaseWorld;
  happenings: Happening[];
} {
  const world = new ReleaseWorld({
    ...aFleet(members, policy, taggedImageIds),
    seed,
    startMs: Date.UTC(2026, 2, 20, 2),
    fate: (random) => (random.integer(100) < trouble ? random.pick(['place', 'cloud', 'no-room', 'internal']) : 'done'),
  });
  const deedOf = (kind: HappeningKind): Deed => deeds[kind];
  return {
    world,
    happenings: happenings.map(({ at, kind, n }) => ({ at, do: (one) => deedOf(kind)(one, n) })),
  };
}
