import { endedPhases, type ReleasePhase } from '../../model/release.ts';
import { bakedAtMs, type Draft, decisionOf, hold, isHeld, noteComparison } from './draft.ts';
import { hearIntent, isStopped, limitFailures, raiseHolds } from './holds.ts';
import { isNobodyAhead, isNobodyBehind } from './late.ts';
import { tagFormer, tagLeft, tagNew, tagWhole } from './move-tag.ts';
import { runProbes } from './probe.ts';
import { worseThanRest } from './request-errors.ts';
import { settleBusy } from './settle-busy.ts';
import { startMoves, startReversals } from './start-moves.ts';
import { notYetBack } from './tallies.ts';
import type { InferNextSteps } from './window.ts';

/**
 * What a release does next. The same window at the same time gives the same decision; nothing is remembered but what is in
 * the window. There is always a step, a hold or a time to look again, until the release has ended.
 */
export const inferNextSteps: InferNextSteps = (window, spec, nowMs) => {
  const draft: Draft = { window, spec, nowMs, progress: window.progress, steps: [], because: [], dueMs: [] };
  if (endedPhases.includes(window.progress.phase)) return decisionOf(draft, true);
  hearIntent(draft);
  settleBusy(draft);
  limitFailures(draft);
  raiseHolds(draft);
  if (window.intent.want === 'abort') stop(draft);
  else runPhase(draft);
  tellHolds(draft);
  return decisionOf(draft, endedPhases.includes(draft.progress.phase));
};

function runPhase(draft: Draft): void {
  switch (draft.progress.phase) {
    case 'planned':
      if (!isStopped(draft)) {
        enter(draft, 'probing', 'started');
        sample(draft, 0);
      }
      return;
    case 'probing':
      probe(draft);
      return;
    case 'canary':
    case 'rolling':
      startMoves(draft, { isEnding: false });
      goOn(draft);
      return;
    case 'tagging':
      // Nobody of the canary is pending: what of it is worse than before goes back meanwhile.
      startMoves(draft, { isEnding: false });
      moveTag(draft);
      return;
    case 'rolling-back':
      goBack(draft);
      return;
    case 'completed':
    case 'rolled-back':
    case 'aborted':
    case 'rejected':
      return;
  }
}

function probe(draft: Draft): void {
  const result = runProbes(draft);
  if (result === 'rejected') {
    const { hashAlgo, hash } = draft.spec.image;
    draft.steps.push({ kind: 'reject', hashAlgo, hash, reason: 'it failed its probe' });
    finish(draft, 'rejected', withTagLeft(draft, 'the image failed its probe; no load balancer was touched'));
  } else if (result === 'passed' && !isStopped(draft)) {
    enter(draft, 'canary', 'the image boots and serves in each flavor and zone in use');
  }
}

/** What stands between one wave and the next: all judged, baked, no worse than the rest, and nobody who says stop. */
function goOn(draft: Draft): void {
  const { window, spec, nowMs } = draft;
  const { wave: result } = window;
  if (result.open > 0 || draft.steps.some(({ kind }) => kind === 'move')) return;
  const isCanary = draft.progress.phase === 'canary';
  const { wave } = draft.progress;
  if (draft.progress.bakedSinceMs === null) {
    draft.progress = { ...draft.progress, bakedSinceMs: nowMs };
    draft.because.push(`${nameOf(wave)} is judged: ${result.pass} pass, ${result.fail} fail, ${result.noData} no data`);
    if (wave < spec.lastWave) sample(draft, wave + 1);
  }
  const bakedMs = bakedAtMs(draft.progress, spec, result, nowMs);
  draft.dueMs.push(bakedMs);
  if (nowMs < bakedMs) return;
  // An operator who has seen it and said "go on" is not asked again.
  const comparison = noteComparison(draft);
  const worse = draft.progress.accepted.worseWave === wave ? null : worseThanRest(comparison);
  if (worse) limitFailures(draft, worse);
  if (draft.progress.phase === 'rolling-back') return;
  raiseGates(draft, isCanary);
  if (isStopped(draft)) return;
  if (isCanary) {
    draft.progress = { ...draft.progress, failures: 0, accepted: { ...draft.progress.accepted, failures: 0 } };
    enter(draft, 'tagging', 'the canary is well');
  } else if (wave < spec.lastWave) nextWave(draft);
  else if (!isGoingBack(draft) && isNobodyBehind(draft)) {
    finish(draft, 'completed', 'all load balancers have the image, or a reason why not');
  }
}

/** A load balancer that is worse than before is on its way back, or waits for that. */
function isGoingBack({ window, steps }: Draft): boolean {
  const { counts, next, nextDueMs } = window;
  const waits = next.some(({ target }) => target.state === 'failed') || (nextDueMs !== null && counts.failed > 0);
  return counts.reverting > 0 || waits || steps.some(({ kind }) => kind === 'revert');
}

function raiseGates(draft: Draft, isCanary: boolean): void {
  const { window, spec, progress } = draft;
  const { pass, fail, noData } = window.wave;
  if (isCanary && pass === 0 && spec.targets > 0 && !progress.accepted.isInconclusive) {
    const what =
      fail + noData === 0
        ? 'all of the canary were skipped'
        : `none of the canary's ${fail + noData} could be judged well`;
    hold(draft, 'INCONCLUSIVE', what, 'Look at them; then `kiln release resume` or `kiln release rollback`.');
  }
  if (spec.policy.gatesAfterWaves.includes(progress.wave) && progress.accepted.gate !== progress.wave) {
    hold(
      draft,
      'GATE',
      `${nameOf(progress.wave)} is done: the policy asks for an operator's word`,
      '`kiln release resume` goes on.',
    );
  }
}

function moveTag(draft: Draft): void {
  const { window, spec } = draft;
  const tagged = window.taggedImageIds ?? [];
  const isHalfWay = tagged.includes(spec.image.id) && tagged.length > 1;
  if (isStopped(draft) && !isHalfWay) return;
  if (!tagNew(draft)) return;
  draft.progress = { ...draft.progress, taggedSinceMs: draft.progress.taggedSinceMs ?? draft.nowMs };
  if (spec.lastWave === 0) {
    if (!isGoingBack(draft) && isNobodyBehind(draft)) finish(draft, 'completed', 'the canary was all there is');
  } else {
    enter(draft, 'rolling', `the tag ${spec.tag} is on the new image alone`);
    nextWave(draft);
  }
}

function goBack(draft: Draft): void {
  startReversals(draft);
  if (isHeld(draft, 'OPERATOR', 'NO_WAY_BACK', 'CLOUD_UNWELL')) return;
  if (tagFormer(draft) && notYetBack(draft.window.counts) === 0 && isNobodyAhead(draft))
    finish(draft, 'rolled-back', withTagLeft(draft, 'each load balancer has its former image, or a reason why not'));
}

function withTagLeft(draft: Draft, reason: string): string {
  const left = tagLeft(draft);
  return left === null ? reason : `${reason}; ${left}`;
}

/** Abort: what moved stays, what is under way ends, no pair and no tag stays half way. */
function stop(draft: Draft): void {
  const { window, progress } = draft;
  startMoves(draft, { isEnding: true });
  const isHalf = window.next.some(({ target }) => target.state === 'failed' && target.mixedSinceMs !== null);
  const isHalfBack = isHalf || (window.nextDueMs !== null && window.counts.failed > 0);
  const isUnderWay = window.counts.moving + window.counts.watching + window.counts.reverting > 0 || isHalfBack;
  const isTagWhole =
    !['tagging', 'rolling-back'].includes(progress.phase) || isHeld(draft, 'TAG_MOVED') || tagWhole(draft);
  if (!isUnderWay && isTagWhole) finish(draft, 'aborted', `${window.intent.by}: ${window.intent.reason}`);
}

function nextWave(draft: Draft): void {
  const wave = draft.progress.wave + 1;
  draft.progress = { ...draft.progress, wave, bakedSinceMs: null };
  draft.because.push(`${nameOf(wave)} of ${draft.spec.lastWave} begins`);
}

/** Minute samples are kept of the wave that moves next from now on. */
function sample(draft: Draft, wave: number): void {
  draft.progress = { ...draft.progress, sampledSinceMs: draft.nowMs };
  draft.steps.push({ kind: 'sample', wave, reason: `${nameOf(wave)} is next` });
}

function enter(draft: Draft, phase: ReleasePhase, why: string): void {
  draft.progress = { ...draft.progress, phase, bakedSinceMs: null };
  draft.because.push(`${phase}: ${why}`);
}

function finish(draft: Draft, phase: ReleasePhase, why: string): void {
  draft.progress = { ...draft.progress, holds: [] };
  enter(draft, phase, why);
  draft.steps.push({ kind: 'finish', phase, reason: why });
}

function tellHolds(draft: Draft): void {
  const former = draft.window.progress.holds;
  const { holds } = draft.progress;
  for (const { code, message } of holds) {
    if (!former.some((one) => one.code === code)) draft.because.push(`${code}: ${message}`);
  }
  for (const { code } of former) if (!holds.some((one) => one.code === code)) draft.because.push(`${code} is over`);
}

function nameOf(wave: number): string {
  return wave === 0 ? 'the canary' : `wave ${wave}`;
}
