import { allowedFailures } from '../../../core/releases/holds.ts';
import { errorPercent } from '../../../core/releases/request-errors.ts';
import { extentOf } from '../../../core/releases/tallies.ts';
import {
  type ErrorComparison,
  type ErrorCount,
  endedPhases,
  type ReleaseEvent,
  type ReleaseImage,
  type ReleasePolicy,
  type Target,
} from '../../../model/release.ts';
import type { ReleasePlan } from '../../../model/release-plan.ts';
import type { StoredRelease } from '../../../ports/release-store.ts';
import type { WayBack } from '../../../ports/releases.ts';

export function planToWire(plan: ReleasePlan) {
  return {
    digest: plan.digest,
    tag: plan.tag,
    image: imageToWire(plan.image),
    tagged_image_ids: plan.baseline.taggedImageIds,
    policy: policyToWire(plan.policy),
    load_balancers: plan.targets.length,
    probes: plan.probes.map(placeToWire),
    waves: plan.waves.map(({ wave, loadBalancers, pairs, seconds }) => ({
      wave,
      load_balancers: loadBalancers,
      pairs,
      seconds,
    })),
    skipped: plan.skipped.map(({ reason, loadBalancers, examples }) => ({
      reason,
      load_balancers: loadBalancers,
      examples,
    })),
    expected_move_seconds: plan.expectedMoveSeconds,
    expected_seconds: plan.expectedSeconds,
  };
}

/** As it is in lists. */
export function summaryToWire(release: StoredRelease) {
  const { spec, progress, intent, tallies, createdAtMs, updatedAtMs, endedAtMs } = release;
  const { lastWave, loadBalancers } = extentOf(tallies);
  const { want, by, atMs, reason, revision } = intent;
  return {
    id: spec.id,
    tag: spec.tag,
    image: imageToWire(spec.image),
    phase: progress.phase,
    has_ended: endedPhases.includes(progress.phase),
    intent: { want, by, at: time(atMs), reason, revision },
    holds: progress.holds.map(({ code, message, advice, sinceMs, clears }) => ({
      code,
      message,
      advice,
      since: time(sinceMs),
      clears,
    })),
    wave: progress.wave,
    last_wave: lastWave,
    load_balancers: loadBalancers,
    counts: tallies.counts,
    failures: progress.failures,
    allowed_failures: allowedFailures(progress, spec),
    created_at: time(createdAtMs),
    updated_at: time(updatedAtMs),
    ended_at: timeOrNull(endedAtMs),
  };
}

/** @param start who started it, and why; null: not known any more. */
export function releaseToWire(release: StoredRelease, start: Pick<ReleaseEvent, 'actor' | 'reason'> | null) {
  const { spec, progress, tallies, eventCount } = release;
  return {
    ...summaryToWire(release),
    started_by: start?.actor ?? null,
    start_reason: start?.reason ?? null,
    waves: Object.entries(tallies.waves).map(([wave, { open, pass, fail, noData }]) => ({
      wave: Number(wave),
      open,
      passed: pass,
      failed: fail,
      no_data: noData,
    })),
    error_comparison: comparisonToWire(progress.comparison),
    tagged_image_ids: spec.baseline.taggedImageIds,
    policy: policyToWire(spec.policy),
    probes: spec.probes.map(placeToWire),
    plan_digest: spec.planDigest,
    expected_move_seconds: spec.expectedMoveSeconds,
    events: eventCount,
  };
}

export function targetToWire(target: Target) {
  return {
    load_balancer_id: target.loadBalancerId,
    wave: target.wave,
    position: target.position,
    topology: target.topology,
    state: target.state,
    state_since: time(target.stateSinceMs),
    reason: target.reason,
    verdict: target.verdict,
    failure_class: target.failureClass,
    from_image_id: target.fromImageId,
    operation_id: target.operationId,
    attempt: target.attempt,
    waits: target.waits,
    not_before: timeOrNull(target.notBeforeMs || null),
    watched_until: timeOrNull(target.watchUntilMs),
    mixed_since: timeOrNull(target.mixedSinceMs),
  };
}

function comparisonToWire(comparison: ErrorComparison | null) {
  if (comparison === null) return null;
  const { atMs, wave, moved, notMoved, chance } = comparison;
  return { at: time(atMs), wave, moved: errorsToWire(moved), not_moved: errorsToWire(notMoved), p: chance };
}

function errorsToWire(count: ErrorCount) {
  const { seconds, connections, errors } = count;
  return { seconds, connections, errors, error_percent: errorPercent(count) };
}

export function eventToWire({ n, atMs, actor, kind, loadBalancerId, reason, data }: ReleaseEvent) {
  return { n, at: time(atMs), actor, kind, load_balancer_id: loadBalancerId, reason, data };
}

export function wayBackToWire({ loadBalancers, images, taggedImageIds }: WayBack) {
  return {
    load_balancers: loadBalancers,
    images: images.map((image) => ({
      image_id: image.imageId,
      load_balancers: image.loadBalancers,
      problem: image.problem,
    })),
    tagged_image_ids: taggedImageIds,
  };
}

const time = (ms: number) => new Date(ms).toISOString();
const timeOrNull = (ms: number | null) => (ms === null ? null : time(ms));

function placeToWire({ flavorId, zone }: { flavorId: string | null; zone: string | null }) {
  return { flavor_id: flavorId, availability_zone: zone };
}

function imageToWire({ id, name, hashAlgo, hash, ownerId }: ReleaseImage) {
  return { id, name, hash_algo: hashAlgo, hash, owner_id: ownerId };
}

function policyToWire(policy: ReleasePolicy) {
  return {
    canary: policy.canary,
    wave_percents: policy.wavePercents,
    max_parallel: policy.maxParallel,
    before_seconds: policy.beforeSeconds,
    settle_seconds: policy.settleSeconds,
    watch_seconds: policy.watchSeconds,
    canary_bake_seconds: policy.canaryBakeSeconds,
    wave_bake_seconds: policy.waveBakeSeconds,
    canary_max_failures: policy.canaryMaxFailures,
    max_failures: policy.maxFailures,
    on_canary_failure: policy.onCanaryFailure,
    on_failure: policy.onFailure,
    max_unwell_percent: policy.maxUnwellPercent,
    tries: policy.tries,
    probe_seconds: policy.probeSeconds,
    mixed_seconds: policy.mixedSeconds,
    windows: policy.windows.map(({ cron, zone, durationMinutes }) => ({
      cron,
      zone,
      duration_minutes: durationMinutes,
    })),
    gates_after_waves: policy.gatesAfterWaves,
    again: policy.isAgain,
  };
}
