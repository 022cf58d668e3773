import { describe, expect, test } from 'vitest';
import { aFleet, type Member, newImageId } from '../../../test/kit/release-world/fleet.ts';
import { type Happening, runRelease } from '../../../test/kit/release-world/run.ts';
import { ReleaseWorld } from '../../../test/kit/release-world/world.ts';
import type { HoldCode, ReleasePolicy } from '../../model/release.ts';
import { inferNextSteps } from './infer-next-steps.ts';
import type { InferNextSteps } from './window.ts';

const members = (count: number, over: Member = {}): Member[] =>
  Array.from({ length: count }, (_, index) => ({ isPair: index % 3 === 0, ...over }));

function aWorld(
  of: readonly Member[],
  policy: Partial<ReleasePolicy> = {},
  taggedImageIds: readonly string[] = ['image-old'],
): ReleaseWorld {
  return new ReleaseWorld({ ...aFleet(of, policy, taggedImageIds), seed: 1, startMs: Date.UTC(2026, 2, 20, 2) });
}

/** Runs it to its end, or as far as it gets by itself. @returns the holds that there were, and whether it ended. */
function run(
  world: ReleaseWorld,
  happenings: readonly Happening[] = [],
  mostDecisions = 2000,
): { holds: Set<HoldCode>; rejected: boolean; hasEnded: boolean } {
  const holds = new Set<HoldCode>();
  let rejected = false;
  const infer: InferNextSteps = (window, spec, nowMs) => {
    const decision = inferNextSteps(window, spec, nowMs);
    for (const { code } of decision.progress.holds) holds.add(code);
    rejected ||= decision.steps.some(({ kind }) => kind === 'reject');
    return decision;
  };
  try {
    runRelease(world, { infer, happenings, isAttended: false, mostDecisions });
    return { holds, rejected, hasEnded: true };
  } catch (error) {
    if (!String(error).includes('does not end')) throw error;
    return { holds, rejected, hasEnded: false };
  }
}

function when(at: number, change: (world: ReleaseWorld) => unknown): Happening {
  return {
    at,
    do(world) {
      change(world);
      return undefined;
    },
  };
}

function imagesOf(world: ReleaseWorld): Set<string> {
  return new Set([...world.loadBalancers.values()].flatMap(({ amphorae }) => amphorae.map(({ imageId }) => imageId)));
}

/** In the middle of the waves. */
const MIDDLE = 150;

test('a good image reaches every load balancer, and the tag is on it alone', () => {
  const world = aWorld(members(40));
  expect(run(world)).toMatchObject({ hasEnded: true, rejected: false });
  expect(world.progress.phase).toBe('completed');
  expect([...world.tagged]).toEqual([newImageId]);
  expect(imagesOf(world)).toEqual(new Set([newImageId]));
});

test.each(['image', 'host'] as const)(
  'an image that fails its probe twice (%s) is rejected at once, and nothing was touched',
  (fate) => {
    const world = aWorld(members(10));
    world.probeFate = fate;
    expect(run(world)).toMatchObject({ hasEnded: true, rejected: true });
    expect(world.progress.phase).toBe('rejected');
    expect(world.probes.map(({ attempt }) => attempt)).toEqual([2, 2]);
    expect(world.operations.size).toBe(0);
  },
);

test('a probe that does not end fails when its time is over', () => {
  const world = aWorld(members(10));
  world.probeFate = 'never';
  run(world);
  expect(world.progress.phase).toBe('rejected');
});

test('a cloud that fails is not the fault of the image: the probe is tried until it works', () => {
  const world = aWorld(members(4));
  world.probeFate = 'cloud';
  const { holds } = run(world, [when(200, (one) => Object.assign(one, { probeFate: 'passed' }))]);
  expect(holds).toEqual(new Set(['CLOUD_UNWELL']));
  expect(world.progress.phase).toBe('completed');
});

test('an image that passes its probe and breaks traffic ends in the canary, and goes back', () => {
  const world = aWorld(members(40, { health: 'fail' }));
  expect(run(world)).toMatchObject({ hasEnded: true, rejected: true });
  expect(world.progress.phase).toBe('rolled-back');
  expect([...world.tagged]).toEqual(['image-old']);
  expect(imagesOf(world)).toEqual(new Set(['image-old']));
  expect([...world.targets.values()].filter(({ state }) => state === 'pending')).toHaveLength(39);
});

test('more failures than the waves may have hold the release; "go on" allows as many again', () => {
  const good = members(10);
  const world = aWorld([...good, ...members(6, { health: 'fail' }), ...members(10)], { maxFailures: 2 });
  const { holds, hasEnded } = run(world);
  expect(hasEnded).toBe(false);
  expect([...holds]).toEqual(['FAILURES']);
  // Each that is worse than before has its former image again, whatever becomes of the release.
  const failed = [...world.targets.values()].filter(({ verdict }) => verdict === 'fail');
  expect(failed.every(({ state }) => state === 'reverted')).toBe(true);
  runRelease(world, { infer: inferNextSteps });
  expect(world.progress.phase).toBe('completed');
});

test('a canary of which nobody tells anything waits for an operator', () => {
  const world = aWorld(members(10, { health: 'no data' }));
  expect(run(world)).toMatchObject({ hasEnded: false, holds: new Set(['INCONCLUSIVE']) });
});

describe('a hold says why nothing moves', () => {
  const causes: [HoldCode, (world: ReleaseWorld) => unknown][] = [
    ['OPERATOR', (world) => world.say('pause', 'lunch')],
    ['TAG_MOVED', (world) => Object.assign(world, { tagged: new Set(['image-foreign']) })],
    ['IMAGE_UNUSABLE', (world) => Object.assign(world, { image: { ...world.image, isThere: false } })],
    ['IMAGE_UNUSABLE', (world) => Object.assign(world, { image: { ...world.image, status: 'deactivated' } })],
    ['IMAGE_UNUSABLE', (world) => Object.assign(world, { image: { ...world.image, isHidden: true } })],
    ['IMAGE_UNUSABLE', (world) => Object.assign(world, { image: { ...world.image, ownerId: 'tenant' } })],
    ['REPAIRS', (world) => Object.assign(world, { repairs: { running: 1, queued: 1 } })],
    ['CLOUD_UNWELL', (world) => Object.assign(world, { isGlanceUp: false })],
    ['FLEET_UNWELL', (world) => Object.assign(world, { unwell: 10 })],
    ['NO_ROOM', (world) => Object.assign(world, { workerSlots: 0 })],
  ];
  test.each(causes)('%s', (code, cause) => {
    const world = aWorld(members(30));
    const { holds, hasEnded } = run(world, [when(MIDDLE, cause)], MIDDLE + 300);
    expect(hasEnded).toBe(false);
    expect(holds).toContain(code);
    expect(world.unended.size).toBe(0);
    expect(world.window().counts.pending).toBeGreaterThan(0);
    // No pair is left half way, whatever holds.
    if (code !== 'CLOUD_UNWELL' && code !== 'NO_ROOM' && code !== 'IMAGE_UNUSABLE')
      expect(world.window().counts.watching).toBe(0);
    runRelease(world, { infer: inferNextSteps });
    expect(['completed', 'aborted', 'rolled-back']).toContain(world.progress.phase);
  });

  test('GATE', () => {
    const world = aWorld(members(10), { gatesAfterWaves: [0] });
    expect(run(world)).toMatchObject({ hasEnded: false, holds: new Set(['GATE']) });
  });

  test('WINDOW, which ends by itself', () => {
    const world = aWorld(members(6), { windows: [{ cron: '0 4 * * *', zone: 'Europe/Berlin', durationMinutes: 180 }] });
    expect(run(world)).toMatchObject({ hasEnded: true, holds: new Set(['WINDOW']) });
  });

  test('what an operator has to clear stays when its cause is gone', () => {
    const world = aWorld(members(30));
    const hide = when(MIDDLE, (one) => Object.assign(one, { image: { ...one.image, isHidden: true } }));
    const show = when(MIDDLE + 40, (one) => Object.assign(one, { image: { ...one.image, isHidden: false } }));
    expect(run(world, [hide, show])).toMatchObject({ hasEnded: false, holds: new Set(['IMAGE_UNUSABLE']) });
  });
});

test('trouble of the cloud that two meet is a hold, and one tries whether it is over', () => {
  const world = aWorld([...members(8), ...members(8, { fates: ['cloud', 'cloud', 'cloud'] }), ...members(4)]);
  const { holds } = run(world);
  expect(holds).toEqual(new Set(['CLOUD_UNWELL']));
  expect(world.progress.phase).toBe('completed');
  expect(imagesOf(world)).toEqual(new Set([newImageId]));
});

describe('the way back, at any moment', () => {
  test.each([2, 40, 90, MIDDLE, 300])('said before decision %i', (at) => {
    const world = aWorld(members(40));
    run(world, [when(at, (one) => one.say('rollback', 'I do not like it'))]);
    expect(world.progress.phase).toBe('rolled-back');
    expect([...world.tagged]).toEqual(['image-old']);
    expect(imagesOf(world)).toEqual(new Set(['image-old']));
  });

  test('each to the image that it had; where that is gone an operator decides, and they are stuck', () => {
    const world = aWorld(
      members(40).map((one, index) => ({ ...one, fromImageId: index % 2 === 0 ? 'image-old' : 'image-older' })),
    );
    const lose = when(MIDDLE, (one) => Object.assign(one, { unusableFormer: ['image-older'] }));
    const { holds, hasEnded } = run(world, [lose, when(MIDDLE, (one) => one.say('rollback', 'worse'))]);
    expect(hasEnded).toBe(false);
    expect(holds).toEqual(new Set(['NO_WAY_BACK']));
    runRelease(world, { infer: inferNextSteps });
    const states = new Map([...world.targets.values()].map((one) => [`${one.fromImageId} ${one.state}`, one.reason]));
    expect([...states.keys()].sort()).toEqual([
      'image-old pending',
      'image-old reverted',
      'image-older pending',
      'image-older stuck',
    ]);
  });
});

describe('of an image that had the tag when it was planned', () => {
  const both = ['image-old', newImageId];

  test.each([40, 90, MIDDLE])(
    'the way back, said before decision %i, leaves the tag on the other image alone',
    (at) => {
      const world = aWorld(members(40), {}, both);
      expect(run(world, [when(at, (one) => one.say('rollback', 'worse'))]).holds).toEqual(new Set());
      expect(world.progress.phase).toBe('rolled-back');
      expect([...world.tagged]).toEqual(['image-old']);
      expect(imagesOf(world)).toEqual(new Set(['image-old']));
    },
  );

  test('and that breaks traffic, nobody else gets it', () => {
    const world = aWorld(members(40, { health: 'fail' }), {}, both);
    run(world);
    expect(world.progress.phase).toBe('rolled-back');
    expect([...world.tagged]).toEqual(['image-old']);
  });

  test('who was made on it meanwhile is taken back to the other one', () => {
    const world = aWorld(members(40), {}, [newImageId, 'image-older']);
    run(world, [when(MIDDLE, (one) => one.make()), when(MIDDLE + 20, (one) => one.say('rollback', 'worse'))]);
    expect(imagesOf(world)).toEqual(new Set(['image-old', 'image-older']));
    expect([...world.tagged]).toEqual(['image-older']);
  });

  test.each(['tagging', 'rolling-back'] as const)('aborted while it is %s, the tag is on some image', (phase) => {
    const world = aWorld(members(40), {}, both);
    const isIn = () => world.progress.phase === phase;
    const happenings = Array.from({ length: 400 }, (_, at) => when(at, (one) => isIn() && one.say('abort', 'enough')));
    run(world, phase === 'tagging' ? happenings : [when(90, (one) => one.say('rollback', 'worse')), ...happenings]);
    expect(world.progress.phase).toBe('aborted');
    expect(world.tagged.size).toBeGreaterThan(0);
    if (phase === 'rolling-back') expect(world.tagged.has('image-old')).toBe(true);
  });

  test('and no other had, the tag stays, and the end says so', () => {
    const world = aWorld(members(40), {}, [newImageId]);
    const reasons: string[] = [];
    const infer: InferNextSteps = (...all) => {
      const decision = inferNextSteps(...all);
      for (const step of decision.steps) if (step.kind === 'finish') reasons.push(step.reason);
      return decision;
    };
    runRelease(world, { infer, happenings: [when(MIDDLE, (one) => one.say('rollback', 'worse'))], isAttended: false });
    expect(imagesOf(world)).toEqual(new Set(['image-old']));
    expect([...world.tagged]).toEqual([newImageId]);
    expect(reasons).toEqual([expect.stringContaining(`the tag amphora is on image ${newImageId}`)]);
  });

  test('a failed probe leaves the tag, and says where it is', () => {
    const world = aWorld(members(4), {}, both);
    world.probeFate = 'image';
    let reason = '';
    const infer: InferNextSteps = (...all) => {
      const decision = inferNextSteps(...all);
      for (const step of decision.steps) if (step.kind === 'finish') reason = step.reason;
      return decision;
    };
    runRelease(world, { infer, isAttended: false });
    expect(world.progress.phase).toBe('rejected');
    expect([...world.tagged]).toEqual(both);
    expect(reason).toContain(`the tag amphora is on image ${newImageId}`);
  });
});

test('abort leaves what moved, and no pair and no tag half way', () => {
  const world = aWorld(members(40, { isPair: true }));
  run(world, [when(MIDDLE, (one) => one.say('abort', 'enough'))]);
  expect(world.progress.phase).toBe('aborted');
  expect(world.tagged.size).toBe(1);
  for (const { amphorae } of world.loadBalancers.values()) {
    expect(new Set(amphorae.map(({ imageId }) => imageId)).size).toBe(1);
  }
  expect(imagesOf(world).size).toBe(2);
});

test('the same image again moves nothing', () => {
  const world = aWorld(members(10, { fromHash: 'hash-new' }));
  run(world);
  expect(world.operations.size).toBe(0);
});
