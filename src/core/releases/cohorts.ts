import type { ReleasePolicy, Target } from '../../model/release.ts';
import type { HealthMoment } from '../../model/release-view.ts';
import { addTraffic, trafficBetween } from './traffic-between.ts';
import type { Window } from './window.ts';

type Samples = ReadonlyMap<string, readonly HealthMoment[]>;

/** Load balancers are looked at so many times while they are watched. */
const LOOKS = 6;
const none = { seconds: 0, connections: 0, requestErrors: 0 };
const SHORTEST_PAUSE_MS = 500;
/** More than so many that move next are not looked at, whatever the policy. */
const MOST_COMING = 100;

/** How many load balancers are looked at: whatever the size of the fleet. */
export interface SampleLimits {
  /** That move next: each of them for `beforeSeconds`, if moves take as long as is expected. */
  coming: number;
  /** That have moved, the latest. */
  moved: number;
  /** That move last: the control group. */
  control: number;
}

export function sampleLimits(policy: ReleasePolicy, expectedMoveSeconds: number): SampleLimits {
  const { canary, maxParallel, beforeSeconds } = policy;
  const meanwhile = maxParallel * (1 + Math.ceil(beforeSeconds / Math.max(1, expectedMoveSeconds)));
  const group = Math.max(canary, 4 * maxParallel);
  return { coming: Math.min(MOST_COMING, Math.max(canary, meanwhile)), moved: group, control: group };
}

/** Often enough to tell gaps between heartbeats, and for a judgement at the end of the watching. */
export function samplePauseMs({ watchSeconds }: ReleasePolicy, heartbeatIntervalMs: number): number {
  return Math.max(SHORTEST_PAUSE_MS, Math.min((watchSeconds * 1000) / LOOKS, 1.5 * heartbeatIntervalMs));
}

/** How long what was seen is needed: twice the while that is compared, and the settling between. */
export function keepSamplesMs(policy: ReleasePolicy): number {
  return 2 * comparedMs(policy) + policy.settleSeconds * 1000;
}

/** A target's measured while begins: before a move `beforeSeconds` ago, after it when it has settled. */
export function measuredFromMs({ state, watchUntilMs }: Target, policy: ReleasePolicy, nowMs: number): number {
  return state === 'watching' && watchUntilMs !== null
    ? watchUntilMs - policy.watchSeconds * 1000
    : nowMs - policy.beforeSeconds * 1000;
}

/**
 * Those that have moved beside those that have not, at the same time; null: there are no two to compare. A pair of which half has moved is
 * in neither.
 * @param moved watched, or moved.
 */
export function compareCohorts(
  samples: Samples,
  moved: readonly Target[],
  control: readonly string[],
  policy: ReleasePolicy,
  nowMs: number,
): Window['cohorts'] {
  const sinceMs = nowMs - comparedMs(policy);
  const between = (id: string, fromMs: number, toMs: number) =>
    trafficBetween((samples.get(id) ?? []).filter(({ atMs }) => atMs >= fromMs && atMs <= toMs));
  const movedTraffic = moved
    .filter(({ mixedSinceMs }) => mixedSinceMs === null)
    .map((target) => between(target.loadBalancerId, Math.max(sinceMs, settledAtMs(target, policy)), nowMs));
  const movedSum = addTraffic(movedTraffic);
  const notMoved = control
    .map((id) => ({ now: between(id, sinceMs, nowMs), before: between(id, 0, sinceMs) }))
    .filter(({ now }) => now !== null);
  // The same ones then and now, where there are any.
  const alike = notMoved.filter(({ before }) => before !== null);
  const now = addTraffic((alike.length > 0 ? alike : notMoved).map((one) => one.now));
  if (movedSum === null || now === null) return null;
  return { moved: movedSum, notMoved: now, notMovedBefore: addTraffic(alike.map(({ before }) => before)) ?? none };
}

/** One that has moved was judged at the end of its watching. */
function settledAtMs({ state, stateSinceMs, watchUntilMs }: Target, { watchSeconds }: ReleasePolicy): number {
  return (state === 'watching' && watchUntilMs !== null ? watchUntilMs : stateSinceMs) - watchSeconds * 1000;
}

function comparedMs({ beforeSeconds, watchSeconds }: ReleasePolicy): number {
  return Math.max(beforeSeconds, watchSeconds) * 1000;
}
