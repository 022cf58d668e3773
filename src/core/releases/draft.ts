import { growingPauseMs } from '../../lib/growing-pause.ts';
import {
  type ErrorComparison,
  type FailureClass,
  type HoldCode,
  holdCodes,
  type ReleaseProgress,
  type ReleaseSpec,
} from '../../model/release.ts';
import type { AmphoraNow, TargetNow, WaveTally } from '../../model/release-view.ts';
import { compareErrors } from './request-errors.ts';
import type { Decision, Step, Window } from './window.ts';

export const SECOND_MS = 1000;
/** What was just decided is looked at again at once: often the next thing follows from it. */
const AT_ONCE_MS = 200;
/** While something is under way outside; what ends is reported sooner. */
const SOON_MS = 5 * SECOND_MS;
const LATEST_MS = 60 * SECOND_MS;

/** How often in a row a load balancer is put off; then it is left out. */
export const MOST_WAITS = 5;
/** An operation that takes longer has failed, as far as the release goes. */
export const OPERATION_DEADLINE_MS = 30 * 60 * SECOND_MS;

/** A decision while it is being made. */
export interface Draft {
  readonly window: Window;
  readonly spec: ReleaseSpec;
  readonly nowMs: number;
  /** Replaced, not changed: it was the window's. */
  progress: ReleaseProgress;
  steps: Step[];
  because: string[];
  /** Times at which something is due. */
  dueMs: number[];
}

/** 1, 2, 4 … 10 minutes. @param tries so far, from 1. */
export function pauseMs(tries: number): number {
  return growingPauseMs(tries, { firstMs: 60 * SECOND_MS, longestMs: 600 * SECOND_MS });
}

/** Keeps what those that have moved and those that have not tell at this moment; once there is nobody left to compare with, the last. */
export function noteComparison(draft: Draft): ErrorComparison | null {
  const { window, progress, nowMs } = draft;
  const comparison = compareErrors(window.cohorts, progress.wave, nowMs);
  if (comparison) draft.progress = { ...progress, comparison };
  return comparison;
}

/** When a wave that is judged has been looked at for long enough; one in which nobody moved at once. */
export function bakedAtMs(
  { phase, bakedSinceMs }: ReleaseProgress,
  { policy }: ReleaseSpec,
  { pass, fail, noData }: WaveTally,
  nowMs: number,
): number {
  const bakeSeconds = phase === 'canary' ? policy.canaryBakeSeconds : policy.waveBakeSeconds;
  const hasMoved = pass + fail + noData > 0;
  return (bakedSinceMs ?? nowMs) + (hasMoved ? bakeSeconds * SECOND_MS : 0);
}

/** Ends a draft. */
export function decisionOf(draft: Draft, hasEnded: boolean): Decision {
  const { nowMs, progress, steps, because, window } = draft;
  const isUnderWay = window.unendedOperations > 0 || progress.phase === 'tagging' || progress.phase === 'rolling-back';
  const quietMs = steps.length > 0 ? AT_ONCE_MS : isUnderWay ? SOON_MS : LATEST_MS;
  const dueMs = draft.dueMs.filter((ms) => ms > nowMs);
  return { progress, steps, because, wakeAtMs: hasEnded ? null : Math.min(nowMs + quietMs, ...dueMs) };
}

/** Adds a hold; one that was there before keeps its beginning. */
export function hold(draft: Draft, code: HoldCode, message: string, advice: string): void {
  if (isHeld(draft, code)) return;
  const former = draft.window.progress.holds.find((one) => one.code === code);
  const sinceMs = former?.sinceMs ?? draft.nowMs;
  const holds = [...draft.progress.holds, { code, message, advice, sinceMs, clears: holdCodes[code] }];
  draft.progress = { ...draft.progress, holds };
}

export function isHeld(draft: Draft, ...codes: HoldCode[]): boolean {
  return draft.progress.holds.some(({ code }) => codes.includes(code));
}

/** Puts a load balancer off; where it was put off too often, `giveUp` says what becomes of it. */
export function putOff(
  draft: Draft,
  { target }: TargetNow,
  to: 'pending' | 'watching' | 'failed' | 'moved',
  failureClass: FailureClass,
  why: string,
  giveUp: () => Step,
): Step {
  const waits = target.waits + 1;
  if (waits > MOST_WAITS) return giveUp();
  const ms = pauseMs(waits);
  const { loadBalancerId, attempt } = target;
  const reason = `${why}; again in ${Math.round(ms / 60_000)} min (put off ${waits} of ${MOST_WAITS} times)`;
  return { kind: 'later', loadBalancerId, to, attempt, waits, notBeforeMs: draft.nowMs + ms, failureClass, reason };
}

/**
 * Which amphora is replaced next, so that all have the wanted image: of a pair one that does not serve, then the BACKUP, then the MASTER, and
 * only while the other one serves. Follows from what is there alone.
 */
export function nextAmphora(amphorae: readonly AmphoraNow[], wantedImageId: string): AmphoraNow | 'none' | 'alone' {
  const [next] = amphorae
    .filter(({ imageId }) => imageId !== wantedImageId)
    .sort((one, other) => rank(one) - rank(other));
  if (!next) return 'none';
  if (next.role === 'STANDALONE' || !next.isServing) return next;
  return amphorae.some((other) => other !== next && other.isServing) ? next : 'alone';
}

function rank({ role, isServing }: AmphoraNow): number {
  return isServing ? (role === 'MASTER' ? 2 : 1) : 0;
}
