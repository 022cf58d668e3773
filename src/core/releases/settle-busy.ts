import type { FailureClass } from '../../model/release.ts';
import type { TargetNow } from '../../model/release-view.ts';
import { classifyFailure, isNoRoom } from './classify-failure.ts';
import { type Draft, nextAmphora, noteComparison, OPERATION_DEADLINE_MS, pauseMs, putOff } from './draft.ts';
import { judge } from './judge.ts';
import type { Step } from './window.ts';

/** Failures of these classes count towards the limit. */
const counted: ReadonlySet<FailureClass> = new Set(['IMAGE', 'PLACE', 'CONTROL']);

/** What became of the load balancers that an operation moves, that are watched, or that an operation takes back. */
export function settleBusy(draft: Draft): void {
  // What went well comes last: it says that the cloud is well.
  const order = (one: TargetNow) => (one.operation?.status === 'done' ? 1 : 0);
  for (const now of [...draft.window.busy].sort((one, other) => order(one) - order(other))) {
    const step = settle(draft, now);
    if (step === null) continue;
    draft.steps.push(step);
    const isFailure =
      (step.kind === 'judge' && step.to === 'failed') || (step.kind === 'fail' && counted.has(step.failureClass));
    if (isFailure && draft.progress.phase !== 'rolling-back') {
      draft.progress = { ...draft.progress, failures: draft.progress.failures + 1 };
    }
  }
}

function settle(draft: Draft, now: TargetNow): Step | null {
  const { target, loadBalancer, operation } = now;
  const { loadBalancerId, state } = target;
  if (operation?.status === 'unended' && state !== 'watching') return settleOverdue(draft, now);
  if (loadBalancer === null) return { kind: 'skip', loadBalancerId, failureClass: 'TENANT', reason: 'it was deleted' };
  if (state === 'watching') return settleWatched(draft, now);
  return state === 'moving' ? settleMove(draft, now) : settleReversal(draft, now);
}

function settleOverdue({ nowMs, dueMs }: Draft, { target }: TargetNow): Step | null {
  const deadlineMs = target.stateSinceMs + OPERATION_DEADLINE_MS;
  dueMs.push(deadlineMs);
  if (nowMs < deadlineMs) return null;
  const { loadBalancerId, operationId } = target;
  const reason = `operation ${operationId} has not ended in half an hour; \`kiln operation show ${operationId}\` says where it is`;
  if (target.state === 'reverting') return { kind: 'stuck', loadBalancerId, failureClass: 'CONTROL', reason };
  // As one that is worse than before: what has come of it is taken back as soon as it ends.
  return {
    kind: 'judge',
    loadBalancerId,
    to: 'failed',
    verdict: 'fail',
    after: null,
    badness: 50,
    failureClass: 'CONTROL',
    comparison: null,
    reason,
  };
}

function settleMove(draft: Draft, now: TargetNow): Step {
  const { spec, nowMs, progress } = draft;
  const { target, loadBalancer } = now;
  const { loadBalancerId } = target;
  const amphorae = loadBalancer?.amphorae ?? [];
  const onImage = amphorae.filter(({ imageId }) => imageId === spec.image.id).length;
  // Of a pair's second half all have to have it.
  const isThere = target.mixedSinceMs === null ? onImage > 0 : onImage === amphorae.length;
  if (!isThere) return settleFailedMove(draft, now);
  draft.progress = { ...progress, cloud: { faults: 0, loadBalancerIds: [], untilMs: 0, isNoRoom: false } };
  const { settleSeconds, watchSeconds } = spec.policy;
  const untilMs = nowMs + (settleSeconds + watchSeconds) * 1000;
  const isMixed = onImage < amphorae.length;
  const reason = isMixed ? 'half of the pair has the image' : 'it has the image';
  return { kind: 'watch', loadBalancerId, untilMs, isMixed, reason };
}

function settleFailedMove(draft: Draft, now: TargetNow): Step {
  const { spec, nowMs, progress } = draft;
  const { target, operation } = now;
  const { loadBalancerId, attempt } = target;
  const isHalf = target.mixedSinceMs !== null;
  const to = isHalf ? 'watching' : 'pending';
  const error = operation?.status === 'undone' ? operation.error : null;
  const failureClass = classifyFailure(error, attempt);
  const why = error ? `${error.code}: ${error.message}` : 'its operation ended, and it does not have the image';
  const fail = (reason: string): Step => ({ kind: 'fail', loadBalancerId, failureClass, badness: 5, reason });
  const leaveOut = (reason: string): Step =>
    isHalf ? fail(reason) : { kind: 'skip', loadBalancerId, failureClass, reason };
  if (progress.phase === 'rolling-back') return fail(why);
  if (failureClass === 'CLOUD') {
    noteCloudFault(draft, loadBalancerId, isNoRoom(error));
    return waitForCloud(draft, now, to, why, () => leaveOut(why));
  }
  if (error?.code === 'OPERATION_ABORTED') return leaveOut(why);
  if (attempt < spec.policy.tries) {
    const reason = `${why}; again in ${pauseMs(attempt) / 60_000} min (${attempt} of ${spec.policy.tries} tries)`;
    const notBeforeMs = nowMs + pauseMs(attempt);
    return { kind: 'later', loadBalancerId, to, attempt, waits: target.waits, notBeforeMs, failureClass, reason };
  }
  const end = `${why}; not tried again after ${attempt} tries`;
  return counted.has(failureClass) ? fail(end) : leaveOut(end);
}

/** Two load balancers that meet trouble of the cloud, and nothing good between: then it is more than theirs. */
function noteCloudFault(draft: Draft, loadBalancerId: string, isNoRoom: boolean): void {
  const { cloud } = draft.progress;
  const faults = cloud.faults + 1;
  const loadBalancerIds = [...new Set([...cloud.loadBalancerIds, loadBalancerId])].slice(0, 2);
  draft.progress = {
    ...draft.progress,
    cloud: { faults, loadBalancerIds, untilMs: draft.nowMs + pauseMs(faults), isNoRoom },
  };
}

/** A load balancer that alone meets trouble is put off a few times; trouble that all have is not counted against any. */
function waitForCloud(
  draft: Draft,
  now: TargetNow,
  to: 'pending' | 'watching' | 'failed',
  why: string,
  giveUp: () => Step,
): Step {
  const { cloud } = draft.progress;
  if (cloud.loadBalancerIds.length < 2) return putOff(draft, now, to, 'CLOUD', why, giveUp);
  const { loadBalancerId, attempt, waits } = now.target;
  const reason = `${why}; again when the cloud is well`;
  return {
    kind: 'later',
    loadBalancerId,
    to,
    attempt,
    waits,
    notBeforeMs: cloud.untilMs,
    failureClass: 'CLOUD',
    reason,
  };
}

function settleWatched(draft: Draft, now: TargetNow): Step | null {
  const { window, spec, nowMs, progress, dueMs } = draft;
  const { target, loadBalancer, sample } = now;
  const { loadBalancerId, mixedSinceMs } = target;
  // It is taken back whatever would have come out.
  if (progress.phase === 'rolling-back' && window.intent.want !== 'abort') return null;
  const amphorae = loadBalancer?.amphorae ?? [];
  if (amphorae.length > 0 && !amphorae.some(({ imageId }) => imageId === spec.image.id)) {
    const reason = 'somebody else has replaced its amphora, by one with another image';
    if (target.waits > 0 || mixedSinceMs !== null)
      return { kind: 'fail', loadBalancerId, failureClass: 'INTERFERENCE', badness: 2, reason };
    return putOff(draft, now, 'pending', 'INTERFERENCE', reason, () => ({
      kind: 'skip',
      loadBalancerId,
      failureClass: 'INTERFERENCE',
      reason,
    }));
  }
  if (target.watchUntilMs !== null) {
    dueMs.push(target.watchUntilMs);
    if (nowMs < target.watchUntilMs) return null;
    const { verdict, badness, reason } = judge(target, sample, spec.image.id, window.cohorts);
    const comparison = noteComparison(draft);
    const isHalf = nextAmphora(amphorae, spec.image.id) !== 'none';
    const to = verdict === 'fail' ? 'failed' : isHalf ? 'watching' : 'moved';
    const failureClass = verdict === 'fail' ? 'IMAGE' : null;
    return { kind: 'judge', loadBalancerId, to, verdict, after: sample, badness, failureClass, comparison, reason };
  }
  // Somebody else has replaced the other half, by one with the image.
  if (nextAmphora(amphorae, spec.image.id) === 'none') {
    return {
      kind: 'watch',
      loadBalancerId,
      untilMs: nowMs + spec.policy.watchSeconds * 1000,
      isMixed: false,
      reason: 'all have the image',
    };
  }
  const deadlineMs = (mixedSinceMs ?? nowMs) + spec.policy.mixedSeconds * 1000;
  dueMs.push(deadlineMs, target.notBeforeMs);
  if (nowMs < deadlineMs) return null;
  const reason = `the pair was on two images for ${spec.policy.mixedSeconds} s: it goes back (${target.reason})`;
  return { kind: 'fail', loadBalancerId, failureClass: target.failureClass ?? 'CONTROL', badness: 5, reason };
}

function settleReversal(draft: Draft, now: TargetNow): Step | null {
  const { spec, nowMs } = draft;
  const { target, loadBalancer, operation } = now;
  const { loadBalancerId, attempt, fromImageId } = target;
  const left = nextAmphora(loadBalancer?.amphorae ?? [], fromImageId);
  if (left === 'none') return { kind: 'reverted', loadBalancerId, reason: `it has image ${fromImageId} again` };
  if (operation?.status === 'done') {
    draft.progress = { ...draft.progress, cloud: { faults: 0, loadBalancerIds: [], untilMs: 0, isNoRoom: false } };
    const reason = 'half of the pair has its former image again';
    return {
      kind: 'later',
      loadBalancerId,
      to: 'failed',
      attempt: 0,
      waits: 0,
      notBeforeMs: nowMs,
      failureClass: target.failureClass ?? 'IMAGE',
      reason,
    };
  }
  const error = operation?.error ?? null;
  const failureClass = classifyFailure(error, attempt);
  const why = error ? `${error.code}: ${error.message}` : 'its operation was lost';
  const stuck = (): Step => ({
    kind: 'stuck',
    loadBalancerId,
    failureClass,
    reason: `it could not be taken back: ${why}`,
  });
  if (failureClass === 'CLOUD') {
    noteCloudFault(draft, loadBalancerId, isNoRoom(error));
    return waitForCloud(draft, now, 'failed', why, stuck);
  }
  if (attempt >= spec.policy.tries) return stuck();
  const reason = `${why}; taken back again in ${pauseMs(attempt) / 60_000} min (${attempt} of ${spec.policy.tries} tries)`;
  return {
    kind: 'later',
    loadBalancerId,
    to: 'failed',
    attempt,
    waits: target.waits,
    notBeforeMs: nowMs + pauseMs(attempt),
    failureClass,
    reason,
  };
}
