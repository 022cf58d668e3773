import type { ReleaseImage, ReleasePolicy } from '../../../model/release.ts';
import type { ReleasePlan } from '../../../model/release-plan.ts';

export function planToWire(plan: ReleasePlan) {
  return {
    digest: plan.digest,
    tag: plan.tag,
    image: imageToWire(plan.image),
    tagged_image_ids: plan.baseline.taggedImageIds,
    policy: policyToWire(plan.policy),
    load_balancers: plan.targets.length,
    probes: plan.probes.map(({ flavorId, zone }) => ({ flavor_id: flavorId, availability_zone: zone })),
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

function imageToWire({ id, name, hashAlgo, hash, ownerId }: ReleaseImage) {
  return { id, name, hash_algo: hashAlgo, hash, owner_id: ownerId };
}

function policyToWire(policy: ReleasePolicy) {
  return {
    canary: policy.canary,
    wave_percents: policy.wavePercents,
    max_parallel: policy.maxParallel,
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
  };
}
