import {
  compareCohorts,
  keepSamplesMs,
  measuredFromMs,
  sampleLimits,
  samplePauseMs,
} from '../core/releases/cohorts.ts';
import { hearingsOf, summarizeHealth } from '../core/releases/summarize-health.ts';
import type { Window } from '../core/releases/window.ts';
import type { HealthSample, Target } from '../model/release.ts';
import type { HealthMoment } from '../model/release-view.ts';
import type { ReleaseStore, ReleaseView, SampleGroups } from '../ports/release-store.ts';

/** The health of a release's load balancers, as far as its next decision depends on it. */
export interface ReleaseHealth {
  /** Looks at them, unless it has just done so. Whoever carries a release on after another one finds what that one has seen. */
  observe(view: Pick<ReleaseView, 'release' | 'busy' | 'next'>, nowMs: number): Promise<ObservedHealth>;
}

export interface ObservedHealth {
  /** Before a move: of the last while. While it is watched: since it has settled. Null: nothing was seen. */
  sampleOf(target: Target): HealthSample | null;
  cohorts: Window['cohorts'];
  /** When to look again; null: nothing is to be measured yet. */
  againAtMs: number | null;
}

/** Of a release that nobody looks at any more. */
const FORGET_AFTER_MS = 600_000;

const nothing: ObservedHealth = { sampleOf: () => null, cohorts: null, againAtMs: null };

/** @param deps.heartbeatIntervalMs [health_manager] heartbeat_interval. */
export function createReleaseHealth(deps: {
  store: Pick<ReleaseStore, 'healthNow' | 'keepSamples' | 'sampleGroups' | 'samples'>;
  heartbeatIntervalMs: () => number;
}): ReleaseHealth {
  const { store } = deps;
  /** By release: what was seen when it was looked at last. */
  const last = new Map<string, { lookedAtMs: number; groups: SampleGroups; samples: Samples }>();

  async function look(view: Parameters<ReleaseHealth['observe']>[0], nowMs: number) {
    const { id, policy, expectedMoveSeconds } = view.release.spec;
    const groups = await store.sampleGroups(id, sampleLimits(policy, expectedMoveSeconds));
    const targets = [...view.busy, ...view.next].map(({ target }) => target);
    const ids = new Set([...targets, ...groups.moved].map(({ loadBalancerId }) => loadBalancerId));
    for (const one of [...groups.coming, ...groups.control]) ids.add(one);
    await store.keepSamples(id, await store.healthNow([...ids], nowMs), nowMs - keepSamplesMs(policy));
    for (const [other, { lookedAtMs }] of last) if (lookedAtMs < nowMs - FORGET_AFTER_MS) last.delete(other);
    const seen = { lookedAtMs: nowMs, groups, samples: await store.samples(id, [...ids]) };
    last.set(id, seen);
    return seen;
  }

  return {
    async observe(view, nowMs) {
      const { spec, progress } = view.release;
      const { id, policy } = spec;
      if (progress.sampledSinceMs === null) {
        last.delete(id);
        return nothing;
      }
      const heartbeatIntervalMs = deps.heartbeatIntervalMs();
      const pauseMs = samplePauseMs(policy, heartbeatIntervalMs);
      const former = last.get(id);
      const isFresh = former && nowMs >= former.lookedAtMs && nowMs < former.lookedAtMs + pauseMs;
      const { lookedAtMs, groups, samples } = isFresh ? former : await look(view, nowMs);
      const hearingsMs = samples.size > 1 ? hearingsOf(samples.values()) : null;
      const watched = view.busy.filter(({ target }) => target.state === 'watching').map(({ target }) => target);
      return {
        sampleOf: (target) =>
          summarizeHealth(samples.get(target.loadBalancerId) ?? [], {
            fromMs: measuredFromMs(target, policy, nowMs),
            toMs: nowMs,
            heartbeatIntervalMs,
            hearingsMs,
          }),
        cohorts: compareCohorts(samples, [...watched, ...groups.moved], groups.control, policy, nowMs),
        againAtMs: lookedAtMs + pauseMs,
      };
    },
  };
}

type Samples = ReadonlyMap<string, readonly HealthMoment[]>;
