import type { ReleaseProgress, Target } from '../../model/release.ts';
import type { Step } from './window.ts';

/** A step that changes one target. */
export type TargetStep = Extract<Step, { loadBalancerId: string }>;

/** How far a release is before anything was decided. */
export const initialProgress: ReleaseProgress = {
  phase: 'planned',
  intentRevision: 0,
  wave: 0,
  sampledSinceMs: null,
  bakedSinceMs: null,
  failures: 0,
  cloud: { faults: 0, loadBalancerIds: [], untilMs: 0, isNoRoom: false },
  unwell: { looks: 0, untilMs: 0 },
  accepted: {
    failures: 0,
    taggedImageIds: null,
    gate: null,
    worseWave: null,
    isInconclusive: false,
    isNoWayBack: false,
  },
  holds: [],
  taggedSinceMs: null,
  comparison: null,
};

/** A load balancer that a release is for, before anything was done to it. */
export function newTarget(
  releaseId: string,
  planned: Pick<Target, 'loadBalancerId' | 'wave' | 'position' | 'topology' | 'fromImageId' | 'fromHash'>,
  nowMs: number,
): Target {
  return {
    ...planned,
    releaseId,
    state: 'pending',
    stateSinceMs: nowMs,
    attempt: 0,
    waits: 0,
    notBeforeMs: 0,
    operationId: null,
    watchUntilMs: null,
    mixedSinceMs: null,
    before: null,
    after: null,
    verdict: null,
    badness: 0,
    failureClass: null,
    reason: '',
  };
}

/** The targets that a step adds. */
export function joinedTargets(releaseId: string, step: Extract<Step, { kind: 'join' }>, nowMs: number): Target[] {
  return step.loadBalancers.map((one) => ({
    ...newTarget(releaseId, { ...one, wave: step.wave, fromHash: null }, nowMs),
    state: step.to,
    reason: step.reason,
  }));
}

/**
 * What a step makes of its target: the one place where targets change, for the store, for a replay of the events and for the
 * simulator.
 * @param operationId of a move or a way back: the operation that was put in the queue with it.
 */
export function applyStep(target: Target, step: TargetStep, nowMs: number, operationId: string | null = null): Target {
  const next: Target = { ...target, reason: step.reason, stateSinceMs: nowMs };
  switch (step.kind) {
    case 'move':
      return {
        ...next,
        state: 'moving',
        attempt: step.attempt,
        operationId,
        watchUntilMs: null,
        before: target.before ?? step.before,
        after: null,
        // That of a pair's first half stays until the second one has its own.
        verdict: target.mixedSinceMs === null ? null : target.verdict,
      };
    case 'revert':
      return {
        ...next,
        state: 'reverting',
        attempt: step.attempt,
        operationId,
        watchUntilMs: null,
        mixedSinceMs: target.topology === 'SINGLE' ? null : (target.mixedSinceMs ?? nowMs),
      };
    case 'watch':
      return {
        ...next,
        state: 'watching',
        attempt: 0,
        waits: 0,
        watchUntilMs: step.untilMs,
        mixedSinceMs: step.isMixed ? (target.mixedSinceMs ?? nowMs) : null,
      };
    case 'judge':
      return {
        ...next,
        state: step.to,
        verdict: step.verdict,
        after: step.after,
        badness: step.badness,
        failureClass: step.failureClass ?? target.failureClass,
        watchUntilMs: null,
      };
    case 'later':
      return {
        ...next,
        state: step.to,
        stateSinceMs: target.state === step.to ? target.stateSinceMs : nowMs,
        attempt: step.attempt,
        waits: step.waits,
        notBeforeMs: step.notBeforeMs,
        failureClass: step.failureClass,
      };
    case 'fail':
      return {
        ...next,
        state: 'failed',
        attempt: 0,
        waits: 0,
        notBeforeMs: 0,
        failureClass: step.failureClass,
        badness: step.badness,
      };
    case 'skip':
      return { ...next, state: 'skipped', failureClass: step.failureClass };
    case 'reverted':
      return { ...next, state: 'reverted', mixedSinceMs: null };
    case 'stuck':
      return { ...next, state: 'stuck', failureClass: step.failureClass };
  }
}
