import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { createFakeClock } from '../../../test/kit/fakes/fake-clock.ts';
import type { Fleet } from '../../model/fleet.ts';
import { fleetMetrics } from './fleet.ts';

const fleet = (behind: number): Fleet => ({
  at: '2026-03-02T00:00:00.000Z',
  tags: [
    {
      tag: 'amphora',
      imageId: 'new',
      imageName: null,
      imageCreatedAt: '2026-03-01T00:00:00Z',
      candidates: 2,
      loadBalancers: 3,
      error: null,
    },
  ],
  images: [
    {
      imageId: 'new',
      name: null,
      createdAt: null,
      presence: 'present',
      currentForTags: ['amphora'],
      loadBalancers: 1,
      assigned: 1,
      amphorae: 4,
      inError: 0,
      silent: 0,
      behind: 0,
      behindSeconds: null,
    },
  ],
  totals: { loadBalancers: 3, pairs: 1, mixedPairs: 1, amphorae: 4, behind, inError: 2, silent: 0, imageGone: 5 },
  warnings: [
    { code: 'IMAGE_GONE', message: 'm', advice: 'a' },
    { code: 'IMAGE_GONE', message: 'n', advice: 'a' },
  ],
});

const settled = () => new Promise((resolve) => setImmediate(resolve));

it('never waits for Glance: it has what the last look found, and looks again after a minute', async () => {
  const registry = new Registry();
  const clock = createFakeClock({ autoAdvance: true });
  let looks = 0;
  let end: (found: Fleet) => void = () => {};
  const look = () => {
    looks++;
    return new Promise<Fleet>((resolve) => {
      end = resolve;
    });
  };
  fleetMetrics(registry, look, clock);
  expect(await registry.metrics()).not.toMatch(/^kiln_fleet/m);
  expect(await registry.metrics()).not.toMatch(/^kiln_fleet/m);
  expect(looks).toBe(1);
  end(fleet(7));
  await settled();
  const text = await registry.metrics();
  for (const line of [
    'kiln_fleet_amphorae{image="new",tagged="true"} 4',
    'kiln_fleet_amphorae_behind 7',
    'kiln_fleet_amphorae_image_gone 5',
    'kiln_fleet_amphorae_error 2',
    'kiln_fleet_mixed_pairs 1',
    'kiln_image_candidates{tag="amphora"} 2',
    'kiln_tagged_image_age_seconds{tag="amphora"} 86400',
    'kiln_fleet_warnings{code="IMAGE_GONE"} 2',
    'kiln_fleet_warnings{code="IMAGE_OLD"} 0',
  ]) {
    expect(text.split('\n')).toContain(line);
  }
  await clock.sleep(59_000);
  await registry.metrics();
  expect(looks).toBe(1);
  await clock.sleep(1_000);
  expect(await registry.metrics()).toContain('kiln_fleet_amphorae_behind 7');
  end(fleet(0));
  await settled();
  expect(await registry.metrics()).toContain('kiln_fleet_amphorae_behind 0');
  expect(looks).toBe(2);
});

it('is absent after a look that failed, and comes back', async () => {
  const registry = new Registry();
  const clock = createFakeClock({ autoAdvance: true });
  const outcomes = [async () => fleet(1), () => Promise.reject(new Error('no database')), async () => fleet(2)];
  fleetMetrics(registry, () => outcomes.shift()?.() ?? Promise.reject(new Error('enough')), clock);
  const next = async () => {
    await registry.metrics();
    await settled();
    const text = await registry.metrics();
    await clock.sleep(60_000);
    return /^kiln_fleet_amphorae_behind (\d+)/m.exec(text)?.[1] ?? null;
  };
  expect([await next(), await next(), await next()]).toEqual(['1', null, '2']);
});
