import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anImage } from '../../../test/kit/builders.ts';
import type { Image } from '../../model/image.ts';
import { knownImages } from './image-use.ts';
import { planPrune, whyNeeded } from './plan-prune.ts';

const settings = { owner: 'service', tag: 'amphora', imageId: null };
const nothing = { amphorae: [], loadBalancers: [], flavorTags: new Map<string, string>(), images: new Map() };
const booted = (...ids: string[]) => knownImages({ ...nothing, images: new Map(ids.map((id) => [id, null])) }, []);
const image = (id: string, day: number, more: Partial<Image> = {}) =>
  anImage({ id, owner: 'service', tags: [], createdAt: `2026-01-${String(day).padStart(2, '0')}T00:00:00Z`, ...more });

describe('pruning', () => {
  it('deletes the oldest of what booted amphorae once and nothing needs, and nothing else', () => {
    const listed = [
      image('a', 1),
      image('b', 2),
      image('c', 3),
      image('never-booted', 4),
      image('d', 5, { owner: 'x' }),
    ];
    const plan = planPrune(listed, booted('a', 'b', 'c', 'd'), settings, 1);
    expect(plan.deletions.map(({ id }) => id)).toEqual(['b', 'a']);
    expect(plan.kept).toMatchObject([{ image: { id: 'c' }, reason: 'one of the newest 1 that nothing needs' }]);
  });

  it.each([
    ['1 amphora runs it', {}, { amphorae: [{ imageId: 'a', amphorae: 1 }] }],
    ['2 load balancers are assigned it', {}, { loadBalancers: [{ assignedImageId: 'a', loadBalancers: 2 }] }],
    ['it carries the tag `amphora`', { tags: ['x', 'amphora'] }, {}],
    ['it carries the tag `edge`', { tags: ['edge'] }, { flavorTags: new Map([['f', 'edge']]) }],
    ['it is protected', { protected: true }, {}],
    ['it is queued', { status: 'queued' }, {}],
    ['it belongs to other', { owner: 'other' }, {}],
  ] as const)('never deletes an image because %s', (reason, fields, facts) => {
    const known = knownImages({ ...nothing, images: new Map([['a', null]]), ...facts }, []);
    const needed = image('a', 1, fields);
    expect(whyNeeded(needed, known, settings)).toBe(reason);
    expect(planPrune([needed], known, settings, 0).deletions).toEqual([]);
  });

  it('never deletes what a release needs: one that runs, or the way back of one that has ended', () => {
    const need = (releaseId: string, hasEnded: boolean, ...imageIds: string[]) => ({ releaseId, hasEnded, imageIds });
    const facts = { ...nothing, images: new Map(['a', 'b', 'c'].map((id) => [id, null])) };
    const known = knownImages(facts, [need('r-2', false, 'a'), need('r-1', true, 'a', 'b')]);
    expect(planPrune([image('a', 1), image('b', 2), image('c', 3)], known, settings, 0)).toMatchObject({
      deletions: [{ id: 'c' }],
      kept: [
        { image: { id: 'b' }, reason: 'the way back of release r-1 leads to it' },
        { image: { id: 'a' }, reason: 'release r-2 needs it' },
      ],
    });
  });

  it('never deletes what amp_image_id names', () => {
    expect(planPrune([image('a', 1)], booted('a'), { ...settings, imageId: 'a' }, 0)).toMatchObject({
      deletions: [],
      kept: [{ reason: 'amp_image_id names it' }],
    });
  });

  it('whatever there is: what goes was booted once, is ours, at rest, and needed by nothing; no older one stays unneeded', () => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const anyImage = fc.record({
      id: fc.constantFrom(...ids),
      day: fc.integer({ min: 1, max: 9 }),
      tags: fc.subarray(['amphora', 'edge', 'other']),
      owner: fc.constantFrom('service', 'tenant', null),
      protected: fc.boolean(),
      status: fc.constantFrom('active', 'deactivated', 'queued', 'pending_delete'),
      osHidden: fc.boolean(),
    });
    const group = (key: string, count: string) =>
      fc.array(fc.record({ [key]: fc.constantFrom(...ids, null), [count]: fc.integer({ min: 1, max: 3 }) }));
    fc.assert(
      fc.property(
        fc.uniqueArray(anyImage, { selector: ({ id }) => id }),
        group('imageId', 'amphorae'),
        group('assignedImageId', 'loadBalancers'),
        fc.subarray(ids),
        fc.integer({ min: 0, max: 3 }),
        fc.subarray(ids),
        fc.boolean(),
        (listed, amphorae, loadBalancers, once, keep, released, hasEnded) => {
          const images = listed.map(({ day, ...fields }) => image(fields.id, day, fields));
          const known = knownImages(
            {
              amphorae: amphorae as never,
              loadBalancers: loadBalancers as never,
              flavorTags: new Map([['f', 'edge']]),
              images: new Map(once.map((id) => [id, null])),
            },
            [{ releaseId: 'r', hasEnded, imageIds: released }],
          );
          const { deletions, kept } = planPrune(images, known, settings, keep);
          for (const gone of deletions) {
            expect(once).toContain(gone.id);
            expect(released).not.toContain(gone.id);
            expect([gone.owner, gone.protected]).toEqual(['service', false]);
            expect(['active', 'deactivated']).toContain(gone.status);
            expect(gone.tags.some((tag) => tag !== 'other')).toBe(false);
            expect(amphorae.some(({ imageId }) => imageId === gone.id)).toBe(false);
            expect(loadBalancers.some(({ assignedImageId }) => assignedImageId === gone.id)).toBe(false);
          }
          const spared = kept.filter(({ reason }) => reason.startsWith('one of'));
          expect(spared.length).toBeLessThanOrEqual(keep);
          if (deletions.length > 0) expect(spared.length).toBe(keep);
          const oldestSpared = spared.at(-1)?.image.createdAt ?? '9';
          for (const gone of deletions) expect(gone.createdAt <= oldestSpared).toBe(true);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
