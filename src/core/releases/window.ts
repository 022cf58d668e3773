import type {
  ErrorComparison,
  FailureClass,
  HealthSample,
  Intent,
  ProbePlace,
  ReleasePhase,
  ReleaseProgress,
  ReleaseSpec,
  Target,
  TargetState,
  Traffic,
  Verdict,
} from '../../model/release.ts';
import type { LateLoadBalancer, ProbeNow, TargetNow } from '../../model/release-view.ts';

/** The released image, as Glance has it. */
export interface ImageNow {
  isThere: boolean;
  status: string;
  isHidden: boolean;
  ownerId: string | null;
  hash: string | null;
  /** Also where it can't be booted, so that it is not among those that carry the tag. */
  hasTag: boolean;
}

/**
 * What a decision is made from. Its size follows from `maxParallel`, never from the fleet: lists that could be long have a limit
 * (`windowLimits`), the rest are counts.
 */
export interface Window {
  progress: ReleaseProgress;
  intent: Intent;
  /** Of the whole release. */
  counts: Readonly<Record<TargetState, number>>;
  /** Of the wave in `progress`, by verdict: how it went. `open` are pending, moving or watching. */
  wave: { open: number; pass: number; fail: number; noData: number };
  /** All that are moving, watching or reverting. */
  busy: readonly TargetNow[];
  /**
   * At most 2 × maxParallel whose `notBeforeMs` has passed. While rolling back (and not aborted): those in moved or failed; by badness (largest
   * first), wave, position. Else: failed ones with the verdict fail or with `mixedSinceMs`, then pending ones of the wave in
   * `progress`, by position.
   */
  next: readonly TargetNow[];
  /** The earliest `notBeforeMs` of those that would be in `next` later; null: there are none. */
  nextDueMs: number | null;
  /** Operations of this release that have not ended, whatever became of their targets. */
  unendedOperations: number;
  /** Failovers of silent amphorae. */
  repairs: { running: number; queued: number };
  /** How many operations all workers carry out at once, and how many they do now. */
  workerSlots: { total: number; busy: number };
  /** Null: Glance did not answer. */
  taggedImageIds: readonly string[] | null;
  /** Glance has refused to move the tag: until then it is not tried again. Null: it has not. */
  tagRefusal: { message: string; untilMs: number } | null;
  /** Null: Glance did not answer. */
  image: ImageNow | null;
  /** Of the images that a way back needs, those that can't be booted; null: Glance did not answer. */
  unusableFormerImageIds: readonly string[] | null;
  fleet: { loadBalancers: number; unwell: number };
  /** The newest one of each place. */
  probes: readonly ProbeNow[];
  /** Load balancers of the tag that the release has not heard of, and that run another image than they should; null: it was not asked. */
  late: readonly LateLoadBalancer[] | null;
  /** At the same time: load balancers of this release that have moved, and the control group that has not. */
  cohorts: { moved: Traffic; notMoved: Traffic; notMovedBefore: Traffic } | null;
}

/**
 * One thing to be done. Those with a load balancer change its target by `applyStep`; `move` and `revert` also put an operation
 * in the queue, in the same transaction. Every step is safe to be done twice.
 */
export type Step = { reason: string } & (
  | { kind: 'finish'; phase: ReleasePhase }
  /** What an older try at the same place has left is removed. */
  | { kind: 'probe'; place: ProbePlace; attempt: number; imageFaults: number }
  /** They were made too late for the plan: they move with this wave, or go back (`to` is moved). */
  | { kind: 'join'; wave: number; to: 'pending' | 'moved'; loadBalancers: readonly JoiningLoadBalancer[] }
  /** From now on, minute samples of this wave and of as many that move later are kept. */
  | { kind: 'sample'; wave: number }
  /** @param amphoraId null: the only one. */
  | MoveStep<'move'>
  | { kind: 'watch'; loadBalancerId: string; untilMs: number; isMixed: boolean }
  /** `to` is watching for the first half of a pair: the second one follows. */
  | {
      kind: 'judge';
      loadBalancerId: string;
      to: 'moved' | 'failed' | 'watching';
      verdict: Verdict;
      after: HealthSample | null;
      badness: number;
      failureClass: FailureClass | null;
      /** What the two groups reported at that moment. */
      comparison: ErrorComparison | null;
    }
  /** Tried again later; `to` is where it waits. */
  | {
      kind: 'later';
      loadBalancerId: string;
      to: 'pending' | 'watching' | 'failed' | 'moved';
      attempt: number;
      waits: number;
      notBeforeMs: number;
      failureClass: FailureClass;
    }
  | { kind: 'fail'; loadBalancerId: string; failureClass: FailureClass; badness: number }
  | { kind: 'skip'; loadBalancerId: string; failureClass: FailureClass | null }
  | MoveStep<'revert'>
  | { kind: 'reverted'; loadBalancerId: string }
  | { kind: 'stuck'; loadBalancerId: string; failureClass: FailureClass }
  | { kind: 'tagAdd'; imageId: string }
  | { kind: 'tagRemove'; imageId: string }
  /** This hash is not released again unless somebody asks for it. */
  | { kind: 'reject'; hashAlgo: string | null; hash: string | null }
);

export interface JoiningLoadBalancer extends Pick<Target, 'loadBalancerId' | 'topology' | 'fromImageId' | 'position'> {}

interface MoveStep<Kind> {
  kind: Kind;
  loadBalancerId: string;
  /** The amphora that is replaced; null for the only one of a SINGLE. */
  amphoraId: string | null;
  imageId: string;
  attempt: number;
  before: HealthSample | null;
}

export interface Decision {
  /** Takes the place of `window.progress`: the phase, the wave, the holds. */
  progress: ReleaseProgress;
  steps: readonly Step[];
  /** Why the phase, the wave or the holds are others than before; one sentence each. */
  because: readonly string[];
  /** When to look again, if nothing happens before; null: the release has ended. */
  wakeAtMs: number | null;
}

/** What is to be decided now. Pure: the same window at the same time gives the same decision. */
export type InferNextSteps = (window: Window, spec: ReleaseSpec, nowMs: number) => Decision;

/** How many targets the lists of a window have at most. */
export function windowLimits({ maxParallel }: { maxParallel: number }): { next: number; unproven: number } {
  return { next: 2 * maxParallel, unproven: 4 * maxParallel };
}
