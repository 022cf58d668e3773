import { createHash, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Image } from '../../../src/model/image.ts';
import type { ImageService, NewImage } from '../../../src/ports/images.ts';

export interface ImagesSubject {
  /** A user with role admin, as the controller is in many clouds. */
  service: { images: ImageService; projectId: string };
  /** A plain member of another project. */
  tenant: { images: ImageService; projectId: string };
  /** The service user's view, listed with so many images a page. */
  byPage(pageSize: number): ImageService;
  close?(): Promise<void>;
}

/** What every ImageService does, whatever is behind it. */
export function describeImagesContract(name: string, makeSubject: () => Promise<ImagesSubject>): void {
  describe(`ImageService: ${name}`, () => {
    let subject: ImagesSubject;
    const made: { images: ImageService; id: string }[] = [];

    beforeAll(async () => {
      subject = await makeSubject();
    });
    afterEach(async () => {
      for (const { images, id } of made.splice(0)) await images.delete(id);
    });
    afterAll(async () => subject?.close?.());

    /** No two tests, and no two runs on one cloud, see each other's images. */
    const newTag = (what = 'kiln') => `${what}-${randomUUID()}`;

    async function create(who: 'service' | 'tenant', fields: Partial<NewImage> = {}): Promise<Image> {
      const { images } = subject[who];
      const image = await images.create({
        name: 'contract',
        diskFormat: 'raw',
        containerFormat: 'bare',
        visibility: 'private',
        ...fields,
      });
      made.push({ images, id: image.id });
      return image;
    }
    async function active(who: 'service' | 'tenant', fields: Partial<NewImage> = {}): Promise<Image> {
      const image = await create(who, fields);
      await upload(subject[who].images, image.id, Buffer.from('an image'));
      return image;
    }
    const upload = (images: ImageService, id: string, data: Buffer, onProgress?: (bytes: number) => void) =>
      images.upload(id, inChunks(data), data.byteLength, onProgress);
    const ids = (images: readonly Image[]) => images.map((image) => image.id);

    it('keeps what an image was made with, and is queued until there is data', async () => {
      const tag = newTag();
      const image = await create('service', {
        name: 'amphora-x64',
        minDiskGiB: 2,
        minRamMiB: 512,
        tags: [tag],
        properties: { hw_architecture: 'x86_64' },
      });
      expect(image).toMatchObject({
        name: 'amphora-x64',
        status: 'queued',
        tags: [tag],
        owner: subject.service.projectId,
        visibility: 'private',
        osHidden: false,
        protected: false,
        sizeBytes: null,
        minDiskGiB: 2,
        minRamMiB: 512,
        architecture: 'x86_64',
        diskFormat: 'raw',
        containerFormat: 'bare',
        hashAlgorithm: null,
        hashValue: null,
      });
      expect(image.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      expect(await subject.service.images.get(image.id)).toEqual(image);
    });

    it('is active after an upload, with size and hash, and reports the progress', async () => {
      const image = await create('service');
      const data = Buffer.alloc(300_000, 'amphora');
      const progress: number[] = [];
      await upload(subject.service.images, image.id, data, (bytes) => progress.push(bytes));
      expect(progress.at(-1)).toBe(data.byteLength);
      expect(progress.length).toBeGreaterThan(1);
      const after = await subject.service.images.get(image.id);
      expect(after).toMatchObject({ status: 'active', sizeBytes: data.byteLength, hashAlgorithm: 'sha512' });
      expect(after.hashValue).toBe(createHash('sha512').update(data).digest('hex'));
    });

    it('refuses data for an image that has some', async () => {
      const image = await active('service');
      const again = upload(subject.service.images, image.id, Buffer.from('other'));
      await expect(again).rejects.toMatchObject({ code: 'SERVICE_CONFLICT' });
    });

    it('says that an image is not there', async () => {
      const get = subject.service.images.get(randomUUID());
      await expect(get).rejects.toMatchObject({
        name: 'ServiceError',
        code: 'SERVICE_NOT_FOUND',
        call: { status: 404 },
      });
    });

    it('deletes, and deletes again', async () => {
      const image = await create('service');
      await subject.service.images.delete(image.id);
      await subject.service.images.delete(image.id);
      await expect(subject.service.images.get(image.id)).rejects.toMatchObject({ code: 'SERVICE_NOT_FOUND' });
    });

    it('lists by status: queued and deactivated images are not active', async () => {
      const { images } = subject.service;
      const tag = newTag();
      const queued = await create('service', { tags: [tag] });
      const off = await active('service', { tags: [tag] });
      const on = await active('service', { tags: [tag] });
      await images.deactivate(off.id);
      await images.deactivate(off.id);
      expect(ids(await images.list({ tags: [tag], status: 'active' }))).toEqual([on.id]);
      expect(ids(await images.list({ tags: [tag], status: 'queued' }))).toEqual([queued.id]);
      expect(ids(await images.list({ tags: [tag], status: 'deactivated' }))).toEqual([off.id]);
      expect((await images.list({ tags: [tag] })).length).toBe(3);
      await images.reactivate(off.id);
      expect((await images.list({ tags: [tag], status: 'active' })).length).toBe(2);
    });

    it('never mixes hidden images with the others', async () => {
      const { images } = subject.service;
      const tag = newTag();
      const seen = await create('service', { tags: [tag] });
      const hidden = await create('service', { tags: [tag] });
      await images.setHidden(hidden.id, true);
      expect(ids(await images.list({ tags: [tag] }))).toEqual([seen.id]);
      expect(ids(await images.list({ tags: [tag], hidden: false }))).toEqual([seen.id]);
      expect(ids(await images.list({ tags: [tag], hidden: true }))).toEqual([hidden.id]);
      expect(await images.get(hidden.id)).toMatchObject({ osHidden: true });
      await images.setHidden(hidden.id, false);
      expect((await images.list({ tags: [tag] })).length).toBe(2);
    });

    it("shows an admin every project's private images, and tells them apart by owner", async () => {
      const tag = newTag();
      const ours = await create('service', { tags: [tag] });
      const planted = await create('tenant', { tags: [tag] });
      const { service, tenant } = subject;
      expect(ids(await service.images.list({ tags: [tag] })).sort()).toEqual([ours.id, planted.id].sort());
      expect(ids(await service.images.list({ tags: [tag], owner: service.projectId }))).toEqual([ours.id]);
      expect(ids(await service.images.list({ tags: [tag], owner: tenant.projectId }))).toEqual([planted.id]);
      expect(await service.images.list({ tags: [tag], owner: service.projectId.toUpperCase() })).toEqual([]);
      expect(planted.owner).toBe(tenant.projectId);
    });

    it("hides other projects' private images from a member, and shows public ones read-only", async () => {
      const tag = newTag();
      const secret = await create('service', { tags: [tag] });
      const open = await create('service', { tags: [tag], visibility: 'public' });
      const { images } = subject.tenant;
      expect(ids(await images.list({ tags: [tag] }))).toEqual([open.id]);
      await expect(images.get(secret.id)).rejects.toMatchObject({ code: 'SERVICE_NOT_FOUND' });
      await expect(images.addTag(open.id, 'mine')).rejects.toMatchObject({ code: 'SERVICE_FORBIDDEN' });
    });

    it('lists community images of others only when asked', async () => {
      const tag = newTag();
      const theirs = await create('tenant', { tags: [tag], visibility: 'community' });
      const { images } = subject.service;
      expect(await images.list({ tags: [tag] })).toEqual([]);
      expect(ids(await images.list({ tags: [tag], visibility: 'community' }))).toEqual([theirs.id]);
      expect(ids(await images.list({ tags: [tag], visibility: 'all' }))).toEqual([theirs.id]);
      expect(ids(await subject.tenant.images.list({ tags: [tag] }))).toEqual([theirs.id]);
    });

    it('asks for all of several tags, over small pages, newest first', async () => {
      const [one, two] = [newTag('one'), newTag('two')];
      const both: string[] = [];
      for (let index = 0; index < 5; index++) {
        both.push((await create('service', { tags: [one, two] })).id);
        await create('service', { tags: [two] });
      }
      for (const pageSize of [1, 2, 5, 1000]) {
        const found = await subject.byPage(pageSize).list({ tags: [one, two] });
        expect(ids(found).sort(), `pages of ${pageSize}`).toEqual([...both].sort());
        expect(ids(found)).toEqual(ids([...found].sort(newestFirst)));
      }
      expect((await subject.byPage(3).list({ tags: [two] })).length).toBe(10);
    });

    it('compares tags exactly: case, accents and blanks count', async () => {
      const tag = newTag('amphora');
      await create('service', { tags: [tag] });
      const upper = await create('service', { tags: [tag.replace('a', 'A')] });
      const accent = await create('service', { tags: [tag.replace('a', 'ä')] });
      const trailing = await create('service', { tags: [`${tag} `] });
      const list = async (wanted: string) => ids(await subject.service.images.list({ tags: [wanted] }));
      expect((await list(tag)).length).toBe(1);
      expect(await list(tag.replace('a', 'A'))).toEqual([upper.id]);
      expect(await list(tag.replace('a', 'ä'))).toEqual([accent.id]);
      expect(await list(`${tag} `)).toEqual([trailing.id]);
      expect(await list(` ${tag}`)).toEqual([]);
    });

    const id = randomUUID();
    const tags: [what: string, tag: string][] = [
      ['plain', `amphora-${id}`],
      ['255 characters', `${id}${'x'.repeat(255 - id.length)}`],
      ['255 characters of Unicode', `${id}${'日'.repeat(255 - id.length)}`],
      ['Unicode', `größe-日本-${id}`],
      ['a comma', `a,b,${id}`],
      ['a trailing blank', `${id} `],
      ['a leading blank', ` ${id}`],
      ['a blank inside', `a b ${id}`],
      ['a slash', `a/b/${id}`],
      ['signs that URLs use', `?a=b&c#d%20+;${id}`],
      ['a quote', `"'\\${id}`],
      ['two dots', '..'],
    ];
    it.each(tags)('adds, finds and removes a tag: %s', async (_what, tag) => {
      const { images } = subject.service;
      const other = newTag('other');
      const image = await create('service', { tags: [other], name: id });
      await images.addTag(image.id, tag);
      await images.addTag(image.id, tag);
      expect([...(await images.get(image.id)).tags].sort()).toEqual([other, tag].sort());
      expect(ids(await images.list({ tags: [tag], name: id }))).toEqual([image.id]);
      expect(ids(await images.list({ tags: [tag, other] }))).toEqual([image.id]);
      await images.removeTag(image.id, tag);
      await images.removeTag(image.id, tag);
      expect((await images.get(image.id)).tags).toEqual([other]);
      expect(await images.list({ tags: [tag], name: id })).toEqual([]);
    });

    it('refuses a tag of 256 characters, naming the limit, and finds nothing by it', async () => {
      const { images } = subject.service;
      const image = await create('service');
      const tag = 'x'.repeat(256);
      await expect(images.addTag(image.id, tag)).rejects.toMatchObject({ code: 'SERVICE_REJECTED_REQUEST' });
      expect((await images.get(image.id)).tags).toEqual([]);
      expect(await images.list({ tags: [tag] })).toEqual([]);
      const creation = create('service', { tags: [tag] });
      await expect(creation).rejects.toMatchObject({ code: 'SERVICE_REJECTED_REQUEST' });
    });

    it('refuses a tag with characters beyond the basic plane, and the image stays as it was', async () => {
      const { images } = subject.service;
      const image = await create('service');
      await expect(images.addTag(image.id, `🐘-${id}`)).rejects.toMatchObject({ code: 'SERVICE_REJECTED_REQUEST' });
      expect((await images.get(image.id)).tags).toEqual([]);
      const creation = create('service', { tags: [`🐘-${id}`] });
      await expect(creation).rejects.toMatchObject({ code: 'SERVICE_REJECTED_REQUEST' });
    });

    it('says that the image is not there when a tag is added or removed', async () => {
      const { images } = subject.service;
      const gone = randomUUID();
      for (const tag of ['plain', 'größe']) {
        await expect(images.addTag(gone, tag)).rejects.toMatchObject({ code: 'SERVICE_NOT_FOUND' });
        await expect(images.removeTag(gone, tag)).rejects.toMatchObject({ code: 'SERVICE_NOT_FOUND' });
      }
    });

    it('finds nothing, without an error, by a status, owner or name that nobody has', async () => {
      const { images } = subject.service;
      const nobody = randomUUID();
      expect(await images.list({ tags: [nobody] })).toEqual([]);
      expect(await images.list({ status: 'actve', name: nobody })).toEqual([]);
      expect(await images.list({ owner: nobody })).toEqual([]);
    });
  });
}

function newestFirst(a: Image, b: Image): number {
  return Date.parse(b.createdAt) - Date.parse(a.createdAt) || (a.id < b.id ? 1 : -1);
}

async function* inChunks(data: Buffer): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < data.byteLength; start += 64 * 1024) yield data.subarray(start, start + 64 * 1024);
}
