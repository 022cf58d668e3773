import { describe, expect, it } from 'vitest';
import { anImage } from '../../test/kit/builders.ts';
import { createFakeDeps } from '../../test/kit/fakes/fake-amphora-deps.ts';
import { aServiceError } from '../../test/kit/fault-injection.ts';
import type { FleetSurvey } from '../ports/fleet-store.ts';
import { createFleetView } from './fleet-view.ts';

const amphorae = (imageId: string | null, count: number, more: Partial<FleetSurvey['amphorae'][number]> = {}) => ({
  imageId,
  flavorId: null,
  loadBalancers: count,
  amphorae: count,
  inError: 0,
  silent: 0,
  ...more,
});
const loadBalancers = (
  assignedImageId: string | null,
  count: number,
  more: Partial<FleetSurvey['loadBalancers'][number]> = {},
) => ({ assignedImageId, flavorId: null, loadBalancers: count, pairs: 0, mixedPairs: 0, ...more });

/** Image `image-1` carries the tag and was made on 2026-11-22; it is 2026-11-23 now, unless a test says otherwise. */
function harness(over: Partial<FleetSurvey>, imageMaxAgeDays: number | null = 90) {
  const { resolver, images, clock, settings, compute } = createFakeDeps();
  const survey: FleetSurvey = {
    amphorae: [],
    loadBalancers: [],
    flavorTags: new Map(),
    images: new Map(),
    ...over,
  };
  const asked: string[] = [];
  const look = createFleetView({
    fleet: {
      async survey(silentBefore) {
        asked.push(silentBefore);
        return survey;
      },
    },
    resolver,
    images,
    clock,
    settings: () => ({ heartbeatTimeoutSeconds: 60, imageMaxAgeDays }),
  });
  return { look, images, clock, settings, compute, asked };
}

describe('the fleet', () => {
  it('nothing is there: the tag, and nothing to say', async () => {
    const { look, asked, clock, images } = harness({});
    const fleet = await look();
    expect(fleet.tags).toMatchObject([{ tag: 'amphora', imageId: 'image-1', candidates: 1, error: null }]);
    expect(fleet.images).toMatchObject([{ imageId: 'image-1', amphorae: 0, currentForTags: ['amphora'] }]);
    expect(fleet.warnings).toEqual([]);
    expect(asked).toEqual([new Date(clock.now().getTime() - 60_000).toISOString()]);
    expect(images.calls('list') + images.calls('get')).toBe(1);
  });

  it('counts what is behind, and by how much', async () => {
    const { look, images } = harness({
      amphorae: [amphorae('image-1', 3), amphorae('old', 7, { inError: 2, silent: 1 }), amphorae(null, 1)],
      loadBalancers: [loadBalancers('old', 7, { pairs: 3, mixedPairs: 2 }), loadBalancers('image-1', 2)],
    });
    const current = await images.get('image-1');
    const createdAt = new Date(Date.parse(current.createdAt) - 30 * 86_400_000).toISOString();
    images.put(anImage({ id: 'old', name: 'amphora-0', createdAt, tags: [] }));
    const fleet = await look();
    expect(fleet.images.map(({ imageId }) => imageId)).toEqual(['image-1', 'old', null]);
    expect(fleet.images[1]).toMatchObject({
      name: 'amphora-0',
      presence: 'present',
      currentForTags: [],
      amphorae: 7,
      behind: 7,
      behindSeconds: 30 * 86_400,
      assigned: 7,
    });
    expect(fleet.totals).toEqual({
      loadBalancers: 9,
      pairs: 3,
      mixedPairs: 2,
      amphorae: 11,
      behind: 8,
      inError: 2,
      silent: 1,
      imageGone: 0,
    });
  });

  it('a flavor with a tag of its own is measured by that tag', async () => {
    const { look, images } = harness({
      amphorae: [
        amphorae('image-1', 2),
        amphorae('image-1', 4, { flavorId: 'f' }),
        amphorae('edge-1', 5, { flavorId: 'f' }),
      ],
      loadBalancers: [loadBalancers(null, 2), loadBalancers(null, 9, { flavorId: 'f' })],
      flavorTags: new Map([
        ['f', 'edge'],
        ['unused', 'nobody'],
      ]),
    });
    images.put(anImage({ id: 'edge-1', tags: ['edge'] }));
    const fleet = await look();
    expect(fleet.tags).toMatchObject([
      { tag: 'amphora', imageId: 'image-1', loadBalancers: 2 },
      { tag: 'edge', imageId: 'edge-1', loadBalancers: 9 },
    ]);
    expect(fleet.images.map(({ imageId, behind }) => [imageId, behind])).toEqual(
      expect.arrayContaining([
        ['image-1', 4],
        ['edge-1', 0],
      ]),
    );
  });

  it('amp_image_id wins over every tag, and Glance is asked about it', async () => {
    const { look, settings, images } = harness({
      amphorae: [amphorae('image-1', 2), amphorae('by-id', 1, { flavorId: 'f' })],
      loadBalancers: [loadBalancers(null, 2), loadBalancers(null, 1, { flavorId: 'f' })],
      flavorTags: new Map([['f', 'edge']]),
    });
    settings.image = { ...settings.image, ampImageId: 'by-id' };
    images.put(anImage({ id: 'by-id', name: 'pinned', tags: [] }));
    const fleet = await look();
    expect(fleet.tags).toMatchObject([{ tag: null, imageId: 'by-id', imageName: 'pinned', loadBalancers: 3 }]);
    expect(fleet.totals.behind).toBe(2);
  });

  it('warns of several candidates, of a tagged image that is old, of amphorae whose image is gone', async () => {
    const recorded = { name: 'amphora-0', createdAt: '2026-01-01T00:00:00Z' };
    const { look, images } = harness(
      { amphorae: [amphorae('lost', 47)], loadBalancers: [], images: new Map([['lost', recorded]]) },
      10,
    );
    images.put(anImage({ id: 'image-1', createdAt: '2026-09-01T00:00:00Z' }));
    images.put(anImage({ id: 'image-2', createdAt: '2026-08-01T00:00:00Z' }));
    const fleet = await look();
    expect(fleet.warnings.map(({ code }) => code)).toEqual(['IMAGE_CANDIDATES', 'IMAGE_OLD', 'IMAGE_GONE']);
    expect(fleet.images.find(({ imageId }) => imageId === 'lost')).toMatchObject({
      presence: 'gone',
      name: 'amphora-0',
      behind: 47,
      behindSeconds: expect.any(Number),
    });
    expect(fleet.totals.imageGone).toBe(47);
  });

  it('an image that is gone is no warning once nothing runs it', async () => {
    const { look } = harness({ loadBalancers: [loadBalancers('lost', 1)] });
    expect((await look()).warnings).toEqual([]);
  });

  it('images never count as old when image_max_age_days is 0', async () => {
    const { look, images } = harness({}, null);
    images.put(anImage({ id: 'image-1', createdAt: '2001-01-01T00:00:00Z' }));
    expect((await look()).warnings).toEqual([]);
  });

  it('a tag that gives no image says why, and nothing counts as behind it', async () => {
    const { look, images } = harness({ amphorae: [amphorae('lost', 2)], loadBalancers: [] });
    images.remove('image-1');
    const fleet = await look();
    expect(fleet.tags).toMatchObject([{ tag: 'amphora', imageId: null, error: { code: 'IMAGE_NOT_FOUND' } }]);
    expect(fleet.warnings.map(({ code }) => code)).toEqual(['IMAGE_NONE', 'IMAGE_GONE']);
    expect(fleet.totals.behind).toBe(0);
  });

  it('knows several candidates also where the policy refuses them', async () => {
    const { look, images, settings } = harness({});
    settings.image = { ...settings.image, ampImageTagPolicy: 'unique' };
    images.put(anImage({ id: 'image-2' }));
    expect((await look()).tags).toMatchObject([{ imageId: null, candidates: 2, error: { code: 'IMAGE_AMBIGUOUS' } }]);
  });

  it('shows what the database knows while Glance is down; what it can not know is unknown, not gone', async () => {
    const { look, images } = harness({
      amphorae: [amphorae('old', 2)],
      images: new Map([['old', { name: 'amphora-0', createdAt: null }]]),
    });
    images.failNext('list', aServiceError('SERVICE_UNREACHABLE', { service: 'image' }));
    images.failNext('get', aServiceError('SERVICE_UNREACHABLE', { service: 'image' }));
    const fleet = await look();
    expect(fleet.tags).toMatchObject([{ imageId: null, error: { code: 'SERVICE_UNREACHABLE' } }]);
    expect(fleet.images).toMatchObject([{ imageId: 'old', name: 'amphora-0', presence: 'unknown', amphorae: 2 }]);
  });

  it('asks Glance about no more than a hundred images', async () => {
    const { look, images } = harness({ amphorae: Array.from({ length: 150 }, (_, n) => amphorae(`i-${n}`, 1)) });
    const fleet = await look();
    expect(images.calls('get')).toBe(100);
    expect(fleet.images).toHaveLength(151);
    expect(fleet.images.filter(({ presence }) => presence === 'unknown')).toHaveLength(50);
  });
});
