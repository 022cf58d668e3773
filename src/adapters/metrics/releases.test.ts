import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { aRelease, aTarget } from '../../../test/kit/releases.ts';
import { tallyOf } from '../../core/releases/tallies.ts';
import type { ReleaseProgress, TargetState } from '../../model/release.ts';
import { releaseFailureMetric, releaseMetrics } from './releases.ts';

const active = (states: TargetState[], codes: ReleaseProgress['holds'][number]['code'][]) => ({
  tallies: tallyOf(states.map((state, n) => aTarget('r', String(n), { state }))),
  progress: {
    ...aRelease('r').progress,
    holds: codes.map((code) => ({ code, message: '', advice: '', sinceMs: 0, clears: 'operator' as const })),
  },
});

it('has all states and holds of the releases that have not ended, by one look in ten seconds', async () => {
  const registry = new Registry();
  let looks = 0;
  let found = [active(['moved', 'moved', 'pending'], ['GATE']), active(['moved'], ['GATE', 'WINDOW'])];
  const look = async () => {
    looks++;
    return found;
  };
  let nowMs = 0;
  releaseMetrics(registry, look, () => nowMs);
  const text = await registry.metrics();
  for (const line of [
    'kiln_release_targets{state="moved"} 3',
    'kiln_release_targets{state="pending"} 1',
    'kiln_release_targets{state="stuck"} 0',
    'kiln_release_hold{code="GATE"} 2',
    'kiln_release_hold{code="WINDOW"} 1',
    'kiln_release_hold{code="FAILURES"} 0',
  ]) {
    expect(text).toContain(line);
  }
  expect(looks).toBe(1);
  found = [];
  nowMs = 10_000;
  expect(await registry.metrics()).toContain('kiln_release_targets{state="moved"} 0');
  expect(looks).toBe(2);
});

it('counts failures by whose fault they were', async () => {
  const registry = new Registry();
  const failed = releaseFailureMetric(registry);
  failed('IMAGE');
  failed('IMAGE');
  failed(null);
  const text = await registry.metrics();
  expect(text).toContain('kiln_release_failures_total{class="IMAGE"} 2');
  expect(text).toContain('kiln_release_failures_total{class="CONTROL"} 1');
  expect(text).toContain('kiln_release_failures_total{class="PLACE"} 0');
});
