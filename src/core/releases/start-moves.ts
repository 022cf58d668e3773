import type { AmphoraNow, TargetNow } from '../../model/release-view.ts';
import { type Draft, isHeld, nextAmphora, putOff } from './draft.ts';
import type { Step } from './window.ts';
import { windowLimits } from './window.ts';

/** How many operations may begin now, and how many load balancers may be begun with. */
interface Room {
  operations: number;
  unproven: number;
}

/** Second halves of pairs, then what has to go back, then new ones: as many as there is room for. */
export function startMoves(draft: Draft, { isEnding }: { isEnding: boolean }): void {
  const { window, spec, progress, nowMs } = draft;
  const room = roomOf(draft);
  for (const now of free(draft, window.busy)) {
    const { state, watchUntilMs, verdict, notBeforeMs } = now.target;
    const isJudged = state === 'watching' && watchUntilMs === null && (verdict === 'pass' || verdict === 'no data');
    if (isJudged && notBeforeMs <= nowMs) {
      push(draft, room, moveSecondHalf(draft, now));
    }
  }
  for (const now of free(draft, window.next)) {
    // Half a pair is whole again whatever the operator wants; the rest stays as it is when it is to stop.
    const isWanted = now.target.mixedSinceMs !== null || !(isEnding || isHeld(draft, 'OPERATOR'));
    if (now.target.state === 'failed' && isWanted) push(draft, room, takeBack(draft, now));
  }
  if (isEnding || progress.holds.length > 0 || progress.bakedSinceMs !== null) return;
  const sampledMs = (progress.sampledSinceMs ?? nowMs) + spec.policy.beforeSeconds * 1000;
  draft.dueMs.push(sampledMs);
  if (progress.sampledSinceMs === null || nowMs < sampledMs) return;
  for (const now of free(draft, window.next)) {
    if (now.target.state !== 'pending') continue;
    const step = moveNew(draft, now);
    if (step.kind === 'move' && room.unproven < 1) continue;
    if (push(draft, room, step) && step.kind === 'move') room.unproven--;
  }
  if (window.nextDueMs !== null) draft.dueMs.push(window.nextDueMs);
}

/** The worst first: each load balancer to the image that it had. */
export function startReversals(draft: Draft): void {
  const { window } = draft;
  if (isHeld(draft, 'OPERATOR', 'NO_WAY_BACK')) return;
  const room = roomOf(draft);
  const watched = window.busy.filter(({ target }) => target.state === 'watching');
  const settled = window.next.filter(({ target }) => target.state === 'moved' || target.state === 'failed');
  const worstFirst = [...free(draft, watched), ...free(draft, settled)].sort(
    (one, other) => other.target.badness - one.target.badness,
  );
  for (const now of worstFirst) push(draft, room, takeBack(draft, now));
  if (window.nextDueMs !== null) draft.dueMs.push(window.nextDueMs);
}

/** Those of which nothing was decided yet. */
function free({ steps }: Draft, all: readonly TargetNow[]): TargetNow[] {
  const decided = new Set(steps.map((step) => ('loadBalancerId' in step ? step.loadBalancerId : null)));
  return all.filter(({ target }) => !decided.has(target.loadBalancerId));
}

/** @returns whether it was taken: a step that begins an operation needs room, and a cloud that works. */
function push(draft: Draft, room: Room, step: Step | null): boolean {
  if (step === null) return false;
  if (step.kind === 'move' || step.kind === 'revert') {
    if (room.operations < 1 || isHeld(draft, 'CLOUD_UNWELL', 'NO_ROOM')) return false;
    if (step.kind === 'move' && isHeld(draft, 'IMAGE_UNUSABLE')) return false;
    room.operations--;
  }
  draft.steps.push(step);
  return true;
}

function roomOf({ window, spec, progress }: Draft): Room {
  const { maxParallel } = spec.policy;
  const { busy, unendedOperations, workerSlots } = window;
  // After trouble of the cloud, one tries whether it is over.
  const isTrial = progress.cloud.loadBalancerIds.length > 1;
  const atOnce = progress.phase === 'canary' || isTrial ? 1 : maxParallel;
  // One worker's place is kept for repairs.
  const workers = Math.max(1, workerSlots.total - 1) - workerSlots.busy;
  const begun = busy.filter(({ target }) => target.state === 'moving' || target.state === 'watching').length;
  const unproven = progress.phase === 'canary' ? 1 : windowLimits(spec.policy).unproven;
  return { operations: Math.min(atOnce - unendedOperations, workers), unproven: unproven - begun };
}

function moveNew(draft: Draft, now: TargetNow): Step {
  const { spec } = draft;
  const { target, loadBalancer } = now;
  const { loadBalancerId } = target;
  const skip = (reason: string, failureClass: 'TENANT' | 'BASELINE' | 'CONTROL' | null): Step => ({
    kind: 'skip',
    loadBalancerId,
    failureClass,
    reason,
  });
  if (loadBalancer === null || loadBalancer.provisioningStatus === 'DELETED') return skip('it was deleted', 'TENANT');
  const { provisioningStatus, amphorae } = loadBalancer;
  if (
    target.fromHash !== null &&
    target.fromHash === spec.image.hash &&
    amphorae.every(({ imageId }) => imageId === target.fromImageId)
  ) {
    return skip('it runs the same bits already', null);
  }
  if (amphorae.length > 0 && nextAmphora(amphorae, spec.image.id) === 'none')
    return skip('it runs the image already', null);
  if (provisioningStatus.startsWith('PENDING')) {
    const why = `its tenant or a repair changes it (${provisioningStatus})`;
    return putOff(draft, now, 'pending', 'TENANT', why, () => skip(`${why}, all the time`, 'TENANT'));
  }
  const isFirstTry = target.attempt === 0 && target.waits === 0;
  if (amphorae.length === 0 || (provisioningStatus === 'ERROR' && isFirstTry))
    return skip('it was in ERROR before', 'BASELINE');
  const amphora = nextAmphora(amphorae, spec.image.id);
  if (
    !isPair(amphorae, target.topology) ||
    amphora === 'alone' ||
    amphorae.some(({ isServing }) => !isServing && amphorae.length > 1)
  ) {
    const why = 'one amphora of its pair does not serve: its repair goes first';
    return putOff(draft, now, 'pending', 'BASELINE', why, () => skip(why, 'BASELINE'));
  }
  return moveStep(draft, now, amphora as AmphoraNow);
}

function isPair(amphorae: readonly AmphoraNow[], topology: string): boolean {
  return topology === 'SINGLE' || amphorae.length > 1;
}

/** Half a pair is worse than either end: no hold keeps it from being finished, but where nothing can be built. */
function moveSecondHalf(draft: Draft, now: TargetNow): Step | null {
  const { loadBalancer } = now;
  const amphora = nextAmphora(loadBalancer?.amphorae ?? [], draft.spec.image.id);
  if (amphora === 'none') return null;
  const status = loadBalancer?.provisioningStatus ?? '';
  const why = status.startsWith('PENDING')
    ? `it is being changed (${status})`
    : amphora === 'alone'
      ? 'its other amphora does not serve'
      : null;
  if (why === null) return moveStep(draft, now, amphora as AmphoraNow);
  const { loadBalancerId } = now.target;
  return putOff(draft, now, 'watching', 'TENANT', why, () => ({
    kind: 'fail',
    loadBalancerId,
    failureClass: 'TENANT',
    badness: 5,
    reason: why,
  }));
}

function moveStep({ spec }: Draft, { target, sample }: TargetNow, amphora: AmphoraNow): Step {
  const { loadBalancerId, attempt } = target;
  const amphoraId = amphora.role === 'STANDALONE' ? null : amphora.id;
  const reason =
    attempt === 0 ? `wave ${target.wave}` : `wave ${target.wave}, try ${attempt + 1} of ${spec.policy.tries}`;
  return {
    kind: 'move',
    loadBalancerId,
    amphoraId,
    imageId: spec.image.id,
    attempt: attempt + 1,
    before: sample,
    reason,
  };
}

/** One step of the way back of one load balancer; null: it can't be made now. */
function takeBack(draft: Draft, now: TargetNow): Step | null {
  const { target, loadBalancer, operation } = now;
  const { loadBalancerId, fromImageId, state } = target;
  const stuck = (failureClass: 'CONTROL' | 'INTERFERENCE' | 'TENANT', reason: string): Step => ({
    kind: 'stuck',
    loadBalancerId,
    failureClass,
    reason,
  });
  const waitsIn = state === 'moved' ? 'moved' : state === 'watching' ? 'watching' : 'failed';
  if (operation?.status === 'unended') {
    const why = `operation ${target.operationId} has not ended`;
    return putOff(draft, now, waitsIn, 'CONTROL', why, () => stuck('CONTROL', why));
  }
  if (loadBalancer === null || loadBalancer.provisioningStatus === 'DELETED') {
    return { kind: 'skip', loadBalancerId, failureClass: 'TENANT', reason: 'it was deleted' };
  }
  const amphora = nextAmphora(loadBalancer.amphorae, fromImageId);
  if (amphora === 'none') return { kind: 'reverted', loadBalancerId, reason: `it has image ${fromImageId}` };
  const { unusableFormerImageIds } = draft.window;
  if (unusableFormerImageIds === null) return null;
  if (unusableFormerImageIds.includes(fromImageId))
    return stuck('INTERFERENCE', `its former image ${fromImageId} can't be booted any more`);
  const status = loadBalancer.provisioningStatus;
  const why = status.startsWith('PENDING') ? `it is being changed (${status})` : null;
  if (amphora === 'alone' || why !== null) {
    const cause = why ?? 'its other amphora does not serve';
    return putOff(draft, now, waitsIn, 'TENANT', cause, () => stuck('TENANT', cause));
  }
  return {
    kind: 'revert',
    loadBalancerId,
    amphoraId: amphora.role === 'STANDALONE' ? null : amphora.id,
    imageId: fromImageId,
    attempt: state === 'watching' ? 1 : target.attempt + 1,
    before: null,
    reason:
      target.verdict === 'fail'
        ? `it is worse than before: ${target.reason}`
        : `back to its former image ${fromImageId}`,
  };
}
