import { describe, expect, it } from 'vitest';
import { driveCli, makeSettings } from '../../../../test/kit/cli.ts';
import { createRecordingImages, makeImage } from '../../../../test/kit/recording-images.ts';
import { KilnError } from '../../../model/errors.ts';
import type { ImageChoice } from '../../../model/image.ts';
import type { ImageRequest, ImageResolution, ImageResolver } from '../../../ports/image-resolver.ts';

const oldImage = makeImage({ tags: ['amphora', 'production'] });
const newImage = makeImage({
  id: '00000000-0000-4000-8000-000000000002',
  name: 'amphora-2026.2',
  createdAt: '2026-02-28T09:00:00Z',
});
const foreign = makeImage({
  id: '00000000-0000-4000-8000-000000000003',
  name: 'amphora-x64-haproxy-ubuntu-noble-with-a-name-that-does-not-end',
  owner: 'f3000000000000000000000000000000',
  tags: ['amphora'],
  status: 'queued',
  sizeBytes: null,
  createdAt: '2026-03-01T11:59:30Z',
});

describe('image list', () => {
  const images = async () => createRecordingImages(oldImage, newImage, foreign);

  it.each([80, 120])('fits a terminal of %d columns and never cuts an ID', async (columns) => {
    const run = await driveCli('image list', { images }, { columns });
    for (const line of run.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(columns);
    for (const { id } of [oldImage, newImage, foreign]) expect(run.stdout).toContain(id);
    await expect(run.stdout).toMatchFileSnapshot(`../../golden/image-list.${columns}.txt`);
  });

  it('cuts nothing in a pipe', async () => {
    expect((await driveCli('image list', { images })).stdout).toContain(foreign.name);
  });

  it('selects by tag, status, owner and hiddenness', async () => {
    const recording = createRecordingImages(oldImage, foreign, { ...newImage, osHidden: true });
    const ids = async (typed: string) =>
      (
        await driveCli(`image list --quiet ${typed}`, {
          images: async () => recording,
          identity: async () => ({
            authenticatedAs: async () => ({
              projectId: 'project-service',
              projectName: 'service',
              userId: 'u',
              userName: 'kiln',
              roles: [],
              expiresAt: '2026-03-01T13:00:00Z',
            }),
            endpoint: async () => '',
          }),
        })
      ).stdout
        .trim()
        .split('\n');
    expect(await ids('--tag amphora')).toEqual([foreign.id, oldImage.id]);
    expect(await ids('--tag amphora --tag production')).toEqual([oldImage.id]);
    expect(await ids('--tag amphora --status active')).toEqual([oldImage.id]);
    expect(await ids('--owner own')).toEqual([oldImage.id]);
    expect(await ids(`--owner ${foreign.owner}`)).toEqual([foreign.id]);
    expect(await ids('--hidden')).toEqual([newImage.id]);
  });

  it('says when there is none', async () => {
    const run = await driveCli('image list', { images: async () => createRecordingImages() });
    expect(run).toMatchObject({ exitCode: 0, stdout: 'No such image.\n' });
  });
});

describe('image show', () => {
  it('finds by ID and by name, hidden ones too', async () => {
    const recording = createRecordingImages(oldImage, { ...newImage, osHidden: true });
    const images = async () => recording;
    await expect((await driveCli(`image show ${oldImage.id}`, { images }, { columns: 80 })).stdout).toMatchFileSnapshot(
      '../../golden/image-show.80.txt',
    );
    expect((await driveCli('image show amphora-2026.2 --json', { images })).json()).toMatchObject({ id: newImage.id });
  });

  it('refuses a name that several images have, and one that none has', async () => {
    const images = async () => createRecordingImages(oldImage, { ...newImage, name: oldImage.name });
    const several = await driveCli(`image show ${oldImage.name}`, { images });
    expect(several.exitCode).toBe(2);
    expect(several.stderr).toContain(oldImage.id);
    expect(several.stderr).toContain(newImage.id);
    expect((await driveCli('image show nobody', { images })).exitCode).toBe(3);
  });
});

describe('image tag', () => {
  it('--move adds first and takes off afterwards, from images of the same owner alone', async () => {
    const hidden = makeImage({ id: 'hidden', name: 'hidden', osHidden: true, tags: ['amphora'] });
    const recording = createRecordingImages(oldImage, newImage, foreign, hidden);
    const run = await driveCli('image tag amphora-2026.2 amphora --move', { images: async () => recording });
    expect(run.exitCode).toBe(0);
    expect(recording.changes[0]).toBe('tag amphora-2026.2 amphora');
    expect(recording.changes.slice(1).sort()).toEqual(['untag amphora-2026.1 amphora', 'untag hidden amphora']);
    expect((await recording.get(oldImage.id)).tags).toEqual(['production']);
    expect((await recording.get(foreign.id)).tags).toEqual(['amphora']);
    expect(run.stdout).toContain(`Image ${oldImage.id} no longer does.`);
  });

  it('without --move leaves the others as they are', async () => {
    const recording = createRecordingImages(oldImage, newImage);
    const run = await driveCli(`image tag ${newImage.id} amphora --json`, { images: async () => recording });
    expect(run.json()).toMatchObject({ tag: 'amphora', untagged: [], image: { tags: ['amphora'] } });
    expect((await recording.get(oldImage.id)).tags).toContain('amphora');
  });

  it.each([
    ['queued', { status: 'queued' }],
    ['hidden', { osHidden: true }],
  ])('--move to an image that is %s changes nothing: no image could be booted then', async (_what, patch) => {
    const recording = createRecordingImages(oldImage, { ...newImage, ...patch });
    const run = await driveCli('image tag amphora-2026.2 amphora --move', { images: async () => recording });
    expect(run.exitCode).toBe(3);
    expect(recording.changes).toEqual([]);
    // Without --move it is allowed, and said.
    const plain = await driveCli('image tag amphora-2026.2 amphora', { images: async () => recording });
    expect(plain.exitCode).toBe(0);
    expect(plain.stderr).toContain('amphorae will not boot it');
  });

  it('a tag that was not taken off is an error that says what was done', async () => {
    const recording = createRecordingImages(oldImage, newImage);
    recording.failNext('removeTag', new KilnError('SERVICE_FORBIDDEN', 'not yours'));
    const run = await driveCli('image tag amphora-2026.2 amphora --move', { images: async () => recording });
    expect(run.exitCode).toBe(5);
    expect(run.stderr).toContain(`image ${newImage.id} (amphora-2026.2) carries \`amphora\` now, but`);
    expect(run.stderr).toContain('not yours');
  });

  it('believes Glance only when it shows the tag', async () => {
    const recording = createRecordingImages(newImage);
    recording.addTag = async () => undefined;
    expect((await driveCli('image tag amphora-2026.2 amphora', { images: async () => recording })).exitCode).toBe(5);
  });

  it('untag takes it off, and says who still has it', async () => {
    const recording = createRecordingImages(oldImage, foreign);
    const images = async () => recording;
    expect((await driveCli(`image untag ${oldImage.id} amphora`, { images })).stdout).toContain(
      `1 image still carries it: ${foreign.id}.`,
    );
    expect((await driveCli(`image untag ${foreign.id} amphora`, { images })).stdout).toContain(
      'No image carries it now.',
    );
    expect((await driveCli(`image untag ${foreign.id} amphora`, { images })).stdout).toContain('did not carry');
  });

  it('hide and unhide', async () => {
    const recording = createRecordingImages(oldImage);
    const images = async () => recording;
    expect((await driveCli(`image hide ${oldImage.id} --json`, { images })).json()).toMatchObject({ osHidden: true });
    expect((await driveCli('image unhide amphora-2026.1 --json', { images })).json()).toMatchObject({
      osHidden: false,
    });
  });
});

describe('image resolve', () => {
  const choice: ImageChoice = {
    imageId: newImage.id,
    rule: 'newest-of-several',
    tag: 'amphora',
    tagSource: 'configuration',
    ownerRequired: 'project-service',
    image: newImage,
    candidates: [newImage, oldImage].map(({ id, name, createdAt }) => ({ id, name, createdAt })),
    chosenAt: '2026-03-01T12:00:00.000Z',
  };
  const refused = [
    {
      imageId: foreign.id,
      name: foreign.name,
      reason: 'is queued and belongs to project f3000000000000000000000000000000, not project-service',
    },
  ];

  function stand(answer: ImageResolution | KilnError) {
    const asked: (ImageRequest & { explained: boolean })[] = [];
    const say = (request: ImageRequest, explained: boolean): ImageResolution => {
      asked.push({ ...request, explained });
      if (answer instanceof KilnError) throw answer;
      return answer;
    };
    const resolver: ImageResolver = {
      resolve: async (request) => say(request, false).choice,
      resolveAssigned: async () => ({ refused: 'is not asked for' }),
      explain: async (request) => say(request, true),
      releasable: async () => [],
      trustedOwner: async () => null,
      status: () => [],
    };
    return { asked, parts: { resolver: async () => resolver, settings: async () => makeSettings() } };
  }

  it.each([80, 120])('--why: the choice, the candidates, the refused ones, in %d columns', async (columns) => {
    const run = await driveCli('image resolve --why', stand({ choice, refused }).parts, { columns });
    expect(run.exitCode).toBe(0);
    await expect(run.stdout).toMatchFileSnapshot(`../../golden/image-resolve-why.${columns}.txt`);
  });

  it('asks for the configured tag and flavor, or for those that are given', async () => {
    const { asked, parts } = stand({ choice, refused });
    await driveCli('image resolve', parts);
    await driveCli('image resolve --tag next --flavor 7 --why', parts);
    expect(asked).toMatchObject([
      { tag: null, flavorId: '65', explained: false },
      { tag: { value: 'next', source: 'request' }, flavorId: '7', explained: true },
    ]);
  });

  it('--json holds the choice, and what was refused when that was asked for', async () => {
    const { parts } = stand({ choice, refused });
    expect((await driveCli('image resolve --json', parts)).json()).toEqual({ choice, flavorId: '65' });
    expect((await driveCli('image resolve --why --json', parts)).json()).toEqual({ choice, flavorId: '65', refused });
    expect((await driveCli('image resolve --quiet', parts)).stdout).toBe(`${newImage.id}\n`);
  });

  it('says when an ID is configured and nothing was checked', async () => {
    const byId: ImageChoice = {
      ...choice,
      rule: 'configured-id',
      tag: null,
      tagSource: null,
      ownerRequired: null,
      image: null,
      candidates: [],
    };
    const run = await driveCli('image resolve', stand({ choice: byId, refused: [] }).parts);
    expect(run.stdout).toContain('amp_image_id names it (deprecated)');
    expect(run.stdout).toContain('not checked: Glance was not asked');
  });

  it.each([
    ['IMAGE_NOT_CONFIGURED', 3],
    ['IMAGE_NOT_FOUND', 3],
    ['IMAGE_DOES_NOT_FIT', 3],
    ['IMAGE_AMBIGUOUS', 4],
    ['SERVICE_UNREACHABLE', 5],
  ] as const)('%s ends it with %d', async (code, exitCode) => {
    const error = new KilnError(code, 'no image', { details: { refused } });
    expect((await driveCli('image resolve', stand(error).parts)).exitCode).toBe(exitCode);
    expect((await driveCli('image resolve --why --json', stand(error).parts)).json()).toMatchObject({
      error: { code, exitCode, details: { refused } },
    });
  });
});
