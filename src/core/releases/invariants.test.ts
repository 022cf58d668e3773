import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { aFleet, type Member } from '../../../test/kit/release-world/fleet.ts';
import { history, worldOf } from '../../../test/kit/release-world/histories.ts';
import { type Happening, runRelease } from '../../../test/kit/release-world/run.ts';
import { ReleaseWorld } from '../../../test/kit/release-world/world.ts';
import type { ReleasePolicy } from '../../model/release.ts';
import { inferNextSteps } from './infer-next-steps.ts';
import type { Decision, InferNextSteps, Window } from './window.ts';

/** The same each time; KILN_TEST_HISTORIES=5000 runs others, and more of them. */
const asked = Number(process.env.KILN_TEST_HISTORIES ?? 0);
const HISTORIES = asked || 300;

test(`${HISTORIES} histories with crashes, faults, deletions, moved tags, repairs and jumps of the clock break no invariant`, {
  timeout: 1_200_000,
}, () => {
  fc.assert(
    fc.property(history, (one) => {
      const { world, happenings } = worldOf(one);
      runRelease(world, { infer: inferNextSteps, happenings });
    }),
    { numRuns: HISTORIES, ...(asked ? {} : { seed: 20260320 }) },
  );
});

type Break = (infer: InferNextSteps) => InferNextSteps;

/** A planner that does not see something as it is. */
function blindTo(lie: (window: Window) => Partial<Window>): Break {
  return (infer) => (window, spec, nowMs) => infer({ ...window, ...lie(window) }, spec, nowMs);
}

/** A planner that goes by another policy than the operator's. */
function ignoring(policy: Partial<ReleasePolicy>): Break {
  return (infer) => (window, spec, nowMs) => infer(window, { ...spec, policy: { ...spec.policy, ...policy } }, nowMs);
}

function changing(change: (decision: Decision, window: Window) => Partial<Decision>): Break {
  return (infer) => (window, spec, nowMs) => {
    const decision = infer(window, spec, nowMs);
    return { ...decision, ...change(decision, window) };
  };
}

interface Broken {
  invariant: number;
  what: string;
  break: Break;
  members?: Member[];
  policy?: Partial<ReleasePolicy>;
  taggedImageIds?: string[];
  happenings?: Happening[];
  prepare?(world: ReleaseWorld): void;
  /** Nobody puts right what happens. */
  isAlone?: boolean;
}

const pairs: Member[] = Array.from({ length: 6 }, () => ({ isPair: true }));
const plain: Member[] = Array.from({ length: 12 }, () => ({}));
const at = (decision: number, change: (world: ReleaseWorld) => void): Happening => ({
  at: decision,
  do(world) {
    change(world);
    return undefined;
  },
});
let calls = 0;

const broken: Broken[] = [
  {
    invariant: 1,
    what: 'it does not count what is under way',
    break: (infer) => blindTo(() => ({ unendedOperations: 0 }))(ignoring({ maxParallel: 20 })(infer)),
    policy: { maxParallel: 2 },
  },
  {
    invariant: 2,
    what: 'the second half of a pair does not wait for the verdict',
    break: blindTo(({ busy }) => ({
      busy: busy.map((one) =>
        one.target.state === 'watching'
          ? { ...one, target: { ...one.target, watchUntilMs: null, verdict: 'pass' as const } }
          : one,
      ),
    })),
    members: pairs,
  },
  {
    invariant: 2,
    what: 'it takes all amphorae for BACKUP',
    break: blindTo(({ next }) => ({
      next: next.map((one) => ({
        ...one,
        loadBalancer: one.loadBalancer && {
          ...one.loadBalancer,
          amphorae: one.loadBalancer.amphorae.map((amphora) => ({ ...amphora, role: 'BACKUP' as const })),
        },
      })),
    })),
    members: pairs,
  },
  {
    invariant: 3,
    what: 'it boots what the tag gives',
    break: changing(({ steps }) => ({
      steps: steps.map((step) => (step.kind === 'move' ? { ...step, imageId: 'image-of-the-tag' } : step)),
    })),
  },
  {
    invariant: 3,
    what: 'it does not look at the image again',
    break: blindTo(() => ({
      image: { isThere: true, status: 'active', isHidden: false, ownerId: 'owner', hash: 'hash-new', hasTag: false },
    })),
    happenings: [
      at(40, (world) => {
        world.image = { ...world.image, hash: 'hash-other' };
      }),
    ],
  },
  {
    invariant: 4,
    what: 'it takes the tag off before it puts it on',
    break: changing(({ steps }, { progress, taggedImageIds }) => ({
      steps:
        progress.phase === 'tagging'
          ? (taggedImageIds ?? []).map((imageId) => ({ kind: 'tagRemove' as const, imageId, reason: 'too soon' }))
          : steps,
    })),
  },
  {
    invariant: 5,
    what: 'it does not wait for the probe',
    break: (infer) => (window, spec, nowMs) =>
      infer(
        {
          ...window,
          probes: spec.probes.map((place) => ({
            place,
            attempt: 1,
            imageFaults: 0,
            startedAtMs: 0,
            state: 'passed' as const,
            endedAtMs: 0,
            error: null,
          })),
        },
        spec,
        nowMs,
      ),
  },
  {
    invariant: 5,
    what: 'it does not bake',
    break: ignoring({ canaryBakeSeconds: 0, waveBakeSeconds: 0 }),
    policy: { canaryBakeSeconds: 3600 },
  },
  {
    invariant: 6,
    what: 'it does not see repairs that wait',
    isAlone: true,
    break: blindTo(() => ({ repairs: { running: 0, queued: 0 } })),
    happenings: [
      at(1, (world) => {
        world.repairs = { running: 0, queued: 1 };
      }),
    ],
  },
  {
    invariant: 7,
    what: 'it does not hear the operator',
    isAlone: true,
    break: blindTo(({ intent }) => ({ intent: { ...intent, want: 'run', revision: 1 } })),
    happenings: [at(30, (world) => world.say('pause', 'wait'))],
  },
  {
    invariant: 7,
    what: 'it does not look at the clock',
    break: ignoring({ windows: [] }),
    policy: { windows: [{ cron: '0 20 * * *', zone: 'UTC', durationMinutes: 60 }] },
  },
  {
    invariant: 7,
    what: 'it tells of a hold and moves all the same',
    break: changing((decision, { unendedOperations }) => ({
      progress: {
        ...decision.progress,
        holds:
          unendedOperations === 0 && decision.steps.some(({ kind }) => kind === 'move')
            ? [{ code: 'REPAIRS', message: '', advice: '', sinceMs: 0, clears: 'itself' }]
            : decision.progress.holds,
      },
    })),
  },
  {
    invariant: 8,
    what: 'it takes for moved what never moved',
    break: changing(({ steps }, { next, progress }) => {
      const [first] = next;
      if (progress.phase !== 'canary' || first?.target.state !== 'pending') return { steps };
      const { loadBalancerId } = first.target;
      return { steps: [{ kind: 'watch', loadBalancerId, untilMs: 0, isMixed: false, reason: '' }] };
    }),
  },
  {
    invariant: 9,
    what: 'it does not count failures',
    break: ignoring({ canaryMaxFailures: 1e9, maxFailures: 1e9 }),
    members: plain.map(() => ({ health: 'fail' })),
  },
  {
    invariant: 10,
    what: 'it goes by IDs of images alone',
    break: blindTo(({ next }) => ({
      next: next.map((one) => ({ ...one, target: { ...one.target, fromHash: null } })),
    })),
    members: plain.map(() => ({ fromHash: 'hash-new' })),
  },
  {
    invariant: 11,
    what: 'it remembers something',
    break: changing(({ because }) => ({ because: [...because, String(calls++)] })),
  },
  {
    invariant: 11,
    what: 'it does not see what it has begun',
    break: (infer) => (window, spec, nowMs) => {
      const blind = window.busy.filter(({ target }) => target.state === 'moving');
      const next = blind.map((one) => ({
        ...one,
        target: { ...one.target, state: 'pending' as const, notBeforeMs: 0 },
      }));
      const free = next.map((one) => ({
        ...one,
        loadBalancer: one.loadBalancer && { ...one.loadBalancer, provisioningStatus: 'ACTIVE' },
      }));
      return infer(
        {
          ...window,
          busy: window.busy.filter((one) => !blind.includes(one)),
          next: [...free, ...window.next],
          unendedOperations: 0,
        },
        spec,
        nowMs,
      );
    },
  },
  {
    invariant: 12,
    what: 'it forgets to look again',
    break: changing((decision) => (decision.steps.length > 0 ? {} : { wakeAtMs: null })),
  },
  {
    invariant: 12,
    what: 'what does not end is waited for',
    break: blindTo(({ busy }) => ({
      busy: busy.map((one) => ({ ...one, target: { ...one.target, stateSinceMs: Number.MAX_SAFE_INTEGER } })),
    })),
    members: plain.map(() => ({ health: 'no data', isPair: true })),
    prepare(world) {
      for (const one of world.loadBalancers.values()) one.fates = ['never'];
      world.end = () => undefined;
    },
  },
  {
    invariant: 14,
    what: 'not everything is written down',
    break: (infer) => infer,
    prepare(world) {
      world.history.push = () => 0;
    },
  },
  {
    invariant: 15,
    what: 'it takes all back to the last image',
    break: changing(({ steps }) => ({
      steps: steps.map((step) => (step.kind === 'revert' ? { ...step, imageId: 'image-old' } : step)),
    })),
    members: plain.map(() => ({ fromImageId: 'image-older' })),
    happenings: [at(120, (world) => world.say('rollback', 'worse'))],
  },
  {
    invariant: 17,
    what: 'it forgets who was made before the tag moved',
    break: blindTo(({ late }) => ({ late: late && [] })),
    happenings: [at(12, (world) => world.make())],
  },
  {
    invariant: 17,
    what: 'of a canary alone it forgets who was made before the tag moved',
    break: blindTo(({ late }) => ({ late: late && [] })),
    members: [{}],
    happenings: [at(3, (world) => world.make())],
  },
  {
    invariant: 17,
    what: 'it leaves on the image who was made while the tag was on it',
    break: blindTo(({ late }) => ({ late: late && [] })),
    happenings: [
      at(80, (world) => world.make()),
      at(100, (world) => world.make()),
      at(120, (world) => world.say('rollback', 'worse')),
    ],
  },
  {
    invariant: 18,
    what: 'it leaves the tag on an image that had it before and is taken back',
    break: blindTo(({ taggedImageIds }) => ({ taggedImageIds: taggedImageIds && ['image-old'] })),
    isAlone: true,
    taggedImageIds: ['image-old', 'image-new'],
    happenings: [at(1, (world) => world.say('rollback', 'worse'))],
  },
  {
    invariant: 12,
    what: 'it does not wait for what it takes back',
    break: blindTo(({ counts, progress }) => ({
      late: [],
      counts:
        progress.phase === 'rolling-back' ? { ...counts, moved: 0, failed: 0, reverting: 0, watching: 0 } : counts,
    })),
    happenings: [at(120, (world) => world.say('rollback', 'worse'))],
  },
];

describe('a planner that is broken is found', () => {
  test.each(broken)('invariant $invariant: $what', ({ invariant, members = plain, policy = {}, ...one }) => {
    const worldNow = () => {
      const world = new ReleaseWorld({
        ...aFleet(members, policy, one.taggedImageIds),
        seed: 1,
        startMs: Date.UTC(2026, 2, 20, 2),
      });
      one.prepare?.(world);
      return world;
    };
    const run = (infer: InferNextSteps) =>
      runRelease(worldNow(), {
        infer,
        happenings: one.happenings ?? [],
        mostDecisions: 3000,
        isAttended: !one.isAlone,
      });
    expect(() => run(one.break(inferNextSteps))).toThrow(new RegExp(`^invariant ${invariant}:`, 'u'));
  });
});

/** Own tries of the bad one take places of others. */
const SLACK_MS = 150_000;

describe('invariant 13: a load balancer that does not move delays no other', () => {
  const others = 12;
  const bad: Record<string, Member> = {
    'is PENDING for ever': { provisioningStatus: 'PENDING_UPDATE' },
    'fails on every host': { fates: ['place', 'place', 'place'] },
    'meets a cloud that fails': { fates: Array.from({ length: 12 }, () => 'cloud' as const) },
    'lost its secret': { fates: ['secret', 'secret', 'secret'] },
    'is worse afterwards': { health: 'fail' },
    'is a pair of which one half fails': { isPair: true, fates: ['done', 'place', 'place', 'place'] },
  };
  /** When all others of the wave have moved. */
  function othersDoneMs(member: Member, infer: InferNextSteps): number {
    const members = [{}, member, ...Array.from({ length: others }, () => ({}))];
    const policy = { canary: 1, wavePercents: [100], maxParallel: 3, maxFailures: 5 };
    const world = new ReleaseWorld({ ...aFleet(members, policy), seed: 1, startMs: 0, moveMs: () => 60_000 });
    let doneMs = Number.POSITIVE_INFINITY;
    runRelease(world, {
      infer: (window, spec, nowMs) => {
        const isDone = [...world.targets.values()].every(
          ({ loadBalancerId, state }) => loadBalancerId === 'lb-1' || state === 'moved',
        );
        if (isDone) doneMs = Math.min(doneMs, nowMs);
        return infer(window, spec, nowMs);
      },
      isAttended: false,
    });
    return doneMs;
  }

  test.each(Object.entries(bad))('one that %s', (_, member) => {
    expect(othersDoneMs(member, inferNextSteps)).toBeLessThan(othersDoneMs({}, inferNextSteps) + SLACK_MS);
  });

  test('a planner that waits for it is found', () => {
    const patient: Break = blindTo(({ next, nextDueMs }) => ({
      next: nextDueMs === null ? next : [],
    }));
    const member = bad['is PENDING for ever'] as Member;
    expect(othersDoneMs(member, patient(inferNextSteps))).toBeGreaterThan(othersDoneMs({}, inferNextSteps) + SLACK_MS);
  });
});
