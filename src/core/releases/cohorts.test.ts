import { expect, it } from 'vitest';
import { aTarget } from '../../../test/kit/releases.ts';
import { defaultReleasePolicy } from '../../model/release.ts';
import type { HealthMoment } from '../../model/release-view.ts';
import { compareCohorts, keepSamplesMs, measuredFromMs, sampleLimits, samplePauseMs } from './cohorts.ts';

const policy = defaultReleasePolicy;
const nowMs = 1_000_000;

/** One look each minute, at a load balancer with so many connections a minute up to a moment, and then others. */
function samplesOf(id: string, perMinute: number, later = perMinute, changesAtMs = nowMs): [string, HealthMoment[]] {
  let connections = 0;
  const moments: HealthMoment[] = [];
  for (let atMs = nowMs - 600_000; atMs <= nowMs; atMs += 60_000) {
    const counters = { web: { connections, requestErrors: 0 } };
    const still = { amphorae: [], listeners: {}, members: {}, operatingStatus: 'ONLINE', configuration: '' };
    moments.push({ loadBalancerId: id, atMs, ...still, counters });
    connections += atMs < changesAtMs ? perMinute : later;
  }
  return [id, moments];
}
const moved = (id: string, sinceMs: number, over = {}) =>
  aTarget('r', id, { state: 'moved', stateSinceMs: sinceMs + policy.watchSeconds * 1000, ...over });

it('compares those that have moved, since they have, with those that have not', () => {
  const samples = new Map([
    samplesOf('m', 1, 100, nowMs - 180_000),
    samplesOf('half', 1_000),
    samplesOf('c1', 60, 30, nowMs - 300_000),
    samplesOf('c2', 60, 30, nowMs - 300_000),
  ]);
  const targets = [moved('m', nowMs - 180_000), moved('half', 0, { mixedSinceMs: 1 }), moved('unseen', 0)];
  expect(compareCohorts(samples, targets, ['c1', 'c2', 'unseen'], policy, nowMs)).toEqual({
    moved: { seconds: 180, connections: 300, requestErrors: 0 },
    notMoved: { seconds: 300, connections: 300, requestErrors: 0 },
    notMovedBefore: { seconds: 300, connections: 600, requestErrors: 0 },
  });
});

it('counts one that is watched from where it has settled', () => {
  const samples = new Map([samplesOf('w', 60), samplesOf('c', 60)]);
  const target = aTarget('r', 'w', { state: 'watching', watchUntilMs: nowMs - 30_000, stateSinceMs: nowMs - 500_000 });
  expect(compareCohorts(samples, [target], ['c'], policy, nowMs)?.moved).toMatchObject({ seconds: 120 });
  expect(measuredFromMs(target, policy, nowMs)).toBe(nowMs - 120_000);
  expect(measuredFromMs(aTarget('r', 'p'), policy, nowMs)).toBe(nowMs - 300_000);
});

it('says nothing where there are no two groups', () => {
  const samples = new Map([samplesOf('m', 60), samplesOf('c', 60)]);
  expect(compareCohorts(samples, [], ['c'], policy, nowMs)).toBeNull();
  expect(compareCohorts(samples, [moved('m', 0)], [], policy, nowMs)).toBeNull();
  const [, late] = samplesOf('late', 60);
  const recent = new Map([...samples, ['late', late.slice(-3)] as const]);
  const both = compareCohorts(recent, [moved('m', 0)], ['late'], policy, nowMs);
  expect(both).toMatchObject({ notMoved: { seconds: 120 }, notMovedBefore: { seconds: 0 } });
  expect(compareCohorts(recent, [moved('m', 0)], ['late', 'c'], policy, nowMs)?.notMoved.connections).toBe(300);
});

it('looks at few, whatever the fleet, and as often as heartbeats need it', () => {
  expect(sampleLimits(policy, 60)).toEqual({ coming: 30, moved: 20, control: 20 });
  expect(sampleLimits({ ...policy, maxParallel: 50 }, 1).coming).toBe(100);
  expect(sampleLimits({ ...policy, canary: 40, beforeSeconds: 0 }, 60)).toEqual({ coming: 40, moved: 40, control: 40 });
  expect(samplePauseMs(policy, 10_000)).toBe(15_000);
  expect(samplePauseMs({ ...policy, watchSeconds: 3_600 }, 10_000)).toBe(15_000);
  expect(samplePauseMs({ ...policy, watchSeconds: 0 }, 10_000)).toBe(500);
  expect(keepSamplesMs(policy)).toBe(630_000);
});
