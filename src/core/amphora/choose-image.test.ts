import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ComputeFlavor } from '../../model/compute.ts';
import { KilnError } from '../../model/errors.ts';
import type { Image } from '../../model/image.ts';
import { ANY_OWNER, chooseImage, type ImageSearch, type ImageSettings, refusals, whatToBoot } from './choose-image.ts';

const own = '77aa';
const now = new Date('2026-11-23T12:00:00Z');
const search: ImageSearch = { tag: 'amphora', tagSource: 'configuration', owner: own };
const settings: ImageSettings = {
  ampImageId: '',
  ampImageTag: 'amphora',
  ampImageOwnerId: '',
  ampImageTagPolicy: 'newest',
};
const flavor: ComputeFlavor = { id: '65', name: 'amphora', vcpus: 1, ramMiB: 1024, diskGiB: 2, extraSpecs: {} };

function image(over: Partial<Image> = {}): Image {
  return {
    id: 'a1',
    name: 'amp',
    status: 'active',
    tags: ['amphora'],
    owner: own,
    visibility: 'private',
    osHidden: false,
    protected: false,
    sizeBytes: 1000,
    minDiskGiB: 0,
    minRamMiB: 0,
    architecture: null,
    diskFormat: 'raw',
    containerFormat: 'bare',
    hashAlgorithm: 'sha512',
    hashValue: 'ff',
    createdAt: '2026-11-22T21:49:31Z',
    updatedAt: '2026-11-22T21:49:31Z',
    ...over,
  };
}

function failure(act: () => unknown): KilnError {
  try {
    act();
  } catch (error) {
    if (error instanceof KilnError) return error;
    throw error;
  }
  throw new Error('expected a KilnError');
}

describe('whatToBoot', () => {
  const flavorTag = (value: string) => ({ value, source: 'flavor' as const });

  it("prefers the flavor's tag to the configured one", () => {
    expect(whatToBoot(settings, flavorTag('big'), own)).toEqual({
      by: 'tag',
      search: { tag: 'big', tagSource: 'flavor', owner: own },
    });
  });
  it('takes an empty tag for "not set"', () => {
    expect(whatToBoot(settings, flavorTag(''), own)).toMatchObject({ search: { tag: 'amphora' } });
    const error = failure(() => whatToBoot({ ...settings, ampImageTag: '' }, flavorTag(''), own));
    expect(error.code).toBe('IMAGE_NOT_CONFIGURED');
    expect(error.exitCode).toBe(3);
  });
  it('lets amp_image_id win over every tag, and says which tag is ignored', () => {
    const both = { ...settings, ampImageId: 'id-1' };
    expect(whatToBoot(both, null, own)).toEqual({ by: 'id', imageId: 'id-1', ignoredTag: 'amphora' });
    expect(whatToBoot(both, flavorTag('big'), own)).toEqual({ by: 'id', imageId: 'id-1', ignoredTag: 'big' });
    expect(whatToBoot({ ...both, ampImageTag: '' }, null, own)).toEqual({
      by: 'id',
      imageId: 'id-1',
      ignoredTag: null,
    });
  });
  it('answers what the caller asks, even where amp_image_id is set', () => {
    const both = { ...settings, ampImageId: 'id-1' };
    expect(whatToBoot(both, { value: 't', source: 'request' }, own)).toMatchObject({ search: { tag: 't' } });
  });
  it('trusts the own project, the configured one, or any', () => {
    expect(whatToBoot(settings, null, own)).toMatchObject({ search: { owner: own } });
    expect(whatToBoot({ ...settings, ampImageOwnerId: 'f3' }, null, own)).toMatchObject({ search: { owner: 'f3' } });
    expect(whatToBoot({ ...settings, ampImageOwnerId: 'any' }, null, own)).toMatchObject({
      search: { owner: ANY_OWNER },
    });
  });
});

describe('chooseImage', () => {
  const older = image({ id: 'old', createdAt: '2026-11-20T00:00:00Z' });
  const newer = image({ id: 'new', createdAt: '2026-11-21T00:00:00Z' });

  it('takes the only candidate and records why', () => {
    expect(chooseImage(search, [older], flavor, 'newest', now)).toEqual({
      imageId: 'old',
      rule: 'only-candidate',
      tag: 'amphora',
      tagSource: 'configuration',
      ownerRequired: own,
      image: older,
      candidates: [{ id: 'old', name: 'amp', createdAt: older.createdAt }],
      chosenAt: '2026-11-23T12:00:00.000Z',
    });
  });
  it('takes the newest of several and lists all of them', () => {
    const choice = chooseImage(search, [older, newer], flavor, 'newest', now);
    expect(choice.rule).toBe('newest-of-several');
    expect(choice.candidates.map((candidate) => candidate.id)).toEqual(['new', 'old']);
  });
  it('breaks a tie by ID, descending', () => {
    const twins = ['b', 'c', 'a'].map((id) => image({ id }));
    expect(chooseImage(search, twins, null, 'newest', now).imageId).toBe('c');
  });
  it('refuses several under the policy unique, naming each', () => {
    const error = failure(() => chooseImage(search, [older, newer], flavor, 'unique', now));
    expect(error.code).toBe('IMAGE_AMBIGUOUS');
    expect(error.exitCode).toBe(4);
    expect(error.message).toContain('new (amp)');
    expect(error.message).toContain('old (amp)');
  });
  it('counts an image that was listed twice once', () => {
    expect(chooseImage(search, [older, { ...older }], flavor, 'unique', now).imageId).toBe('old');
  });
  it("never boots a tenant's image, and says whose it is", () => {
    const planted = image({ id: '9d0', owner: 'f3', createdAt: '2026-11-23T00:00:00Z' });
    expect(chooseImage(search, [planted, older], flavor, 'newest', now).imageId).toBe('old');
    const error = failure(() => chooseImage(search, [planted], flavor, 'newest', now));
    expect(error.code).toBe('IMAGE_NOT_FOUND');
    expect(error.message).toContain('9d0 belongs to project f3, not 77aa');
    expect(error.advice).toContain('amp_image_owner_id');
    expect(chooseImage({ ...search, owner: ANY_OWNER }, [planted], flavor, 'newest', now).imageId).toBe('9d0');
  });
  it('explains each near miss when none is left', () => {
    const listed = [
      image({ id: '5c1', status: 'queued' }),
      image({ id: '6c1', status: 'deactivated', owner: null }),
      image({ id: '7c1', osHidden: true }),
      image({ id: '8c1', tags: ['Amphora'] }),
    ];
    const { message } = failure(() => chooseImage(search, listed, flavor, 'newest', now));
    expect(message).toContain('4 images carry it and were refused');
    expect(message).toContain('5c1 is queued');
    expect(message).toContain('6c1 is deactivated and belongs to no project, not 77aa');
    expect(message).toContain('7c1 is hidden');
    expect(message).toContain('8c1 does not carry exactly `amphora`');
  });
  it('says what to do when nothing carries the tag at all', () => {
    const error = failure(() => chooseImage(search, [], flavor, 'newest', now));
    expect(error.message).toContain('no other image that Kiln can see carries it');
    expect(error.advice).toContain('openstack image set --tag amphora IMAGE');
  });
  it('names a bounded number of near misses', () => {
    const many = Array.from({ length: 40 }, (_, n) => image({ id: `id-${n}`, status: 'queued' }));
    const { message, details } = failure(() => chooseImage(search, many, flavor, 'newest', now));
    expect(message).toContain('and 35 more');
    expect(details.refused).toHaveLength(40);
  });

  describe('fit', () => {
    const refused = (over: Partial<Image>, size: ComputeFlavor = flavor) =>
      failure(() => chooseImage(search, [image(over), older], size, 'newest', now));

    it.each([
      [{ minRamMiB: 2048 }, 'min_ram'],
      [{ minDiskGiB: 3 }, 'min_disk'],
      [{ sizeBytes: 3 * 1024 ** 3 }, '3.0 GiB large'],
    ])('refuses %o before Nova is asked, rather than take an older one', (over, words) => {
      const error = refused(over);
      expect(error.code).toBe('IMAGE_DOES_NOT_FIT');
      expect(error.message).toContain(words);
    });
    it('takes exactly the size of the flavor', () => {
      const exact = image({ minRamMiB: 1024, minDiskGiB: 2, sizeBytes: 2 * 1024 ** 3 });
      expect(chooseImage(search, [exact], flavor, 'newest', now).imageId).toBe('a1');
    });
    it('finds no disk of 0 too small, as Nova does', () => {
      const big = image({ minDiskGiB: 99, sizeBytes: 99 * 1024 ** 3 });
      expect(chooseImage(search, [big], { ...flavor, diskGiB: 0 }, 'newest', now).imageId).toBe('a1');
    });
    it('passes over images of another architecture, whatever it is called', () => {
      const arm = image({ id: 'arm', architecture: 'aarch64', createdAt: '2026-11-23T00:00:00Z' });
      const intel = image({ id: 'intel', architecture: 'x86_64' });
      const armFlavor = { ...flavor, extraSpecs: { 'hw:architecture': 'arm64' } };
      const intelFlavor = { ...flavor, extraSpecs: { 'capabilities:cpu_info:arch': 's== x86_64' } };
      expect(chooseImage(search, [arm, intel], armFlavor, 'unique', now).imageId).toBe('arm');
      expect(chooseImage(search, [arm, intel], intelFlavor, 'unique', now).imageId).toBe('intel');
      expect(chooseImage(search, [arm, intel], flavor, 'newest', now).imageId).toBe('arm');
      const error = failure(() => chooseImage(search, [arm], intelFlavor, 'newest', now));
      expect(error.message).toContain('is for aarch64, the flavor for x86_64');
    });
  });

  describe('as a property', () => {
    const anyImage = fc.record({
      id: fc.stringMatching(/^[0-9a-c]{1,3}$/),
      status: fc.constantFrom('active', 'queued', 'deactivated', 'saving', 'surprise'),
      tags: fc.subarray(['amphora', 'Amphora', 'amphora ', 'ämphora', 'other']),
      owner: fc.constantFrom(own, 'f3', null),
      osHidden: fc.boolean(),
      createdAt: fc.constantFrom('2026-11-20T00:00:00Z', '2026-11-20T00:00:01Z', '2026-11-21T00:00:00Z', 'nonsense'),
    });
    const listing = fc.array(anyImage, { maxLength: 8 }).map((overs) => {
      const unique = new Map(overs.map((over) => [over.id, image(over)]));
      return [...unique.values()];
    });
    const mayBoot = (candidate: Image) =>
      candidate.status === 'active' &&
      !candidate.osHidden &&
      candidate.owner === own &&
      candidate.tags.includes('amphora');

    it('boots only an active, visible image of the right owner with the exact tag, and never an older one', () => {
      fc.assert(
        fc.property(listing, (listed) => {
          const good = listed.filter(mayBoot);
          if (good.length === 0) {
            expect(failure(() => chooseImage(search, listed, null, 'newest', now)).code).toBe('IMAGE_NOT_FOUND');
            return;
          }
          const choice = chooseImage(search, listed, null, 'newest', now);
          const chosen = good.find((candidate) => candidate.id === choice.imageId);
          expect(chosen).toBeDefined();
          const time = (of: Image) => Date.parse(of.createdAt) || -1;
          for (const other of good) expect(time(other)).toBeLessThanOrEqual(time(chosen as Image));
          expect(choice.candidates.map((candidate) => candidate.id).sort()).toEqual(good.map((of) => of.id).sort());
        }),
      );
    });
    it('does not depend on the order of the listing', () => {
      fc.assert(
        fc.property(listing, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (listed, random) => {
          const key = new Map(listed.map((of) => [of.id, random.next().value as number]));
          const shuffled = [...listed].sort((a, b) => (key.get(a.id) ?? 0) - (key.get(b.id) ?? 0));
          const outcome = (images: Image[]) => {
            try {
              return chooseImage(search, images, null, 'newest', now);
            } catch (error) {
              return (error as KilnError).message;
            }
          };
          expect(outcome(shuffled)).toEqual(outcome(listed));
        }),
      );
    });
    it('accounts for every listed image: candidate or refused with a reason', () => {
      fc.assert(
        fc.property(listing, (listed) => {
          const refused = refusals(search, listed, null);
          const good = listed.filter(mayBoot);
          expect(refused.length + good.length).toBe(listed.length);
          for (const miss of refused) expect(miss.reason.length).toBeGreaterThan(0);
        }),
      );
    });
    it('under `unique`, boots only when there is exactly one', () => {
      fc.assert(
        fc.property(listing, (listed) => {
          const good = listed.filter(mayBoot).length;
          if (good === 1) expect(chooseImage(search, listed, null, 'unique', now).rule).toBe('only-candidate');
          else expect(() => chooseImage(search, listed, null, 'unique', now)).toThrow(KilnError);
        }),
      );
    });
  });
});
