import { expect, it } from 'vitest';
import { aRelease, aTarget } from '../../test/kit/releases.ts';
import type { HealthMoment } from '../model/release-view.ts';
import type { ReleaseView } from '../ports/release-store.ts';
import { createReleaseHealth } from './release-health.ts';

/** What a database does, in memory; each look finds one heartbeat more. */
function aStore() {
  const kept = new Map<string, HealthMoment[]>();
  const looks: string[][] = [];
  const store: Parameters<typeof createReleaseHealth>[0]['store'] = {
    sampleGroups: async () => ({
      coming: ['next', 'later'],
      moved: [aTarget('r', 'moved')],
      control: ['last', 'later'],
    }),
    healthNow: async (ids, nowMs) => {
      looks.push([...ids]);
      return ids.map((loadBalancerId) => ({
        loadBalancerId,
        atMs: nowMs,
        amphorae: [{ id: 'a', imageId: 'image-2', lastHeardMs: nowMs, beats: looks.length, restarts: 0 }],
        listeners: {},
        members: {},
        operatingStatus: 'ONLINE',
        configuration: '',
        counters: { web: { connections: 50 * looks.length, requestErrors: 0 } },
      }));
    },
    keepSamples: async (_, moments, forgetBeforeMs) => {
      for (const one of moments) {
        const all = [...(kept.get(one.loadBalancerId) ?? []), one];
        kept.set(
          one.loadBalancerId,
          all.filter(({ atMs }) => atMs >= forgetBeforeMs),
        );
      }
    },
    samples: async (_, ids) => new Map([...kept].filter(([id]) => ids.includes(id))),
  };
  return { store, looks, kept };
}

function aView(
  sampledSinceMs: number | null,
  watched = aTarget('r', 'watched'),
): Pick<ReleaseView, 'release' | 'busy' | 'next'> {
  const release = aRelease('r');
  const tallies = { counts: {}, waves: {} } as ReleaseView['release']['tallies'];
  const progress = { ...release.progress, sampledSinceMs };
  const now = { target: watched, loadBalancer: null, operation: null, sample: null };
  return { release: { ...release, progress, tallies, eventCount: 0, formerImageIds: [] }, busy: [now], next: [] };
}

it('looks at nobody until it is to be measured, then at each that is to be compared, once', async () => {
  const { store, looks } = aStore();
  const health = createReleaseHealth({ store, heartbeatIntervalMs: () => 10_000 });
  const observed = await health.observe(aView(null), 0);
  expect([observed.sampleOf(aTarget('r', 'watched')), observed.cohorts, observed.againAtMs]).toEqual([
    null,
    null,
    null,
  ]);
  expect(looks).toEqual([]);
  expect((await health.observe(aView(0), 0)).againAtMs).toBe(15_000);
  expect((await health.observe(aView(0), 14_999)).againAtMs).toBe(15_000);
  expect(looks.map((ids) => ids.toSorted())).toEqual([['last', 'later', 'moved', 'next', 'watched']]);
  expect((await health.observe(aView(0), 15_000)).againAtMs).toBe(30_000);
  expect(looks).toHaveLength(2);
});

it('whoever carries on finds what was seen, and what is old is forgotten', async () => {
  const { store, kept } = aStore();
  for (let atMs = 0; atMs <= 1_200_000; atMs += 15_000) {
    await createReleaseHealth({ store, heartbeatIntervalMs: () => 10_000 }).observe(aView(0), atMs);
  }
  expect(kept.get('next')).toHaveLength(630 / 15 + 1);
  const watched = aTarget('r', 'watched', { state: 'watching', watchUntilMs: 1_200_000 });
  const health = createReleaseHealth({ store, heartbeatIntervalMs: () => 10_000 });
  const observed = await health.observe(aView(0, watched), 1_200_000);
  expect(observed.sampleOf(watched)).toMatchObject({
    fromMs: 1_110_000,
    imageIds: ['image-2'],
    heartbeats: { sequenceRestarts: 0 },
    traffic: { seconds: 90, connections: 350 },
  });
  expect(observed.sampleOf(aTarget('r', 'next'))).toMatchObject({ fromMs: 900_000, traffic: { seconds: 300 } });
  expect(observed.sampleOf(aTarget('r', 'unknown'))).toBeNull();
  expect(observed.cohorts).toMatchObject({ moved: { seconds: 300 }, notMoved: { seconds: 300 } });
});
