import { createHash, randomUUID } from 'node:crypto';
import { KilnError } from '../../../src/model/errors.ts';
import type { Image } from '../../../src/model/image.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import type { ImageQuery, ImageService, NewImage } from '../../../src/ports/images.ts';
import { aServiceError, type Switches, withSwitches } from '../fault-injection.ts';

export interface FakeImages extends ImageService, Switches<keyof ImageService> {
  /** The same Glance as someone else sees it. */
  as(caller: ImageCaller): FakeImages;
  /** Puts an image there without asking. */
  put(image: Image): Image;
  /** Deletes without asking. */
  remove(imageId: string): void;
}

export interface ImageCaller {
  projectId: string;
  isAdmin: boolean;
}

/** Glance in memory, with its rules of who sees what and who may change what. */
export function createFakeImages(
  options: Partial<ImageCaller> & { clock?: Pick<Clock, 'now'>; images?: readonly Image[] } = {},
): FakeImages {
  const { projectId = 'service-project', isAdmin = true, clock = { now: () => new Date() } } = options;
  const images = new Map<string, Image>((options.images ?? []).map((image) => [image.id, image]));
  return imagesAs({ images, clock }, { projectId, isAdmin });
}

interface Store {
  images: Map<string, Image>;
  clock: Pick<Clock, 'now'>;
}

function imagesAs(store: Store, caller: ImageCaller): FakeImages {
  const { images, clock } = store;
  const now = () =>
    clock
      .now()
      .toISOString()
      .replace(/\.\d+Z$/, 'Z');
  const fail = (code: Parameters<typeof aServiceError>[0], status: number, serviceMessage: string) =>
    aServiceError(code, { service: 'image', status, serviceMessage });

  const seen = (imageId: string): Image => {
    const image = images.get(imageId);
    if (!image || !mayGet(image, caller)) {
      throw fail('SERVICE_NOT_FOUND', 404, `No image found with ID ${imageId}`);
    }
    return image;
  };
  const own = (imageId: string): Image => {
    const image = seen(imageId);
    if (!caller.isAdmin && image.owner !== caller.projectId) {
      throw fail('SERVICE_FORBIDDEN', 403, 'You are not permitted to modify this image.');
    }
    return image;
  };
  const change = (image: Image, fields: Partial<Image>): void => {
    images.set(image.id, { ...image, ...fields, updatedAt: now() });
  };
  const checkTag = (tag: string): void => {
    if ([...tag].length > 255) throw fail('SERVICE_REJECTED_REQUEST', 400, `'${tag}' is too long`);
    if (/[\u{10000}-\u{10ffff}]/u.test(tag)) {
      throw fail('SERVICE_REJECTED_REQUEST', 400, "Param values can't contain 4 byte unicode.");
    }
  };

  const port: ImageService = {
    list: async (query) => [...images.values()].filter((image) => mayList(image, caller, query)).sort(newestFirst),
    get: async (imageId) => seen(imageId),
    async create(image) {
      for (const tag of image.tags ?? []) checkTag(tag);
      const made = queued(image, caller.projectId, now());
      images.set(made.id, made);
      return made;
    },
    async upload(imageId, data, sizeBytes, onProgress) {
      const image = own(imageId);
      if (image.status !== 'queued')
        throw fail('SERVICE_CONFLICT', 409, `Image status transition from ${image.status}`);
      const hash = createHash('sha512');
      let bytes = 0;
      for await (const chunk of data) {
        hash.update(chunk);
        bytes += chunk.byteLength;
        onProgress?.(bytes);
      }
      if (bytes !== sizeBytes) {
        throw new KilnError('IMAGE_BROKEN', `${bytes} bytes came where ${sizeBytes} were announced`);
      }
      change(image, { status: 'active', sizeBytes: bytes, hashAlgorithm: 'sha512', hashValue: hash.digest('hex') });
    },
    async addTag(imageId, tag) {
      checkTag(tag);
      const image = own(imageId);
      if (!image.tags.includes(tag)) change(image, { tags: [...image.tags, tag] });
    },
    async removeTag(imageId, tag) {
      const image = own(imageId);
      if (image.tags.includes(tag)) change(image, { tags: image.tags.filter((one) => one !== tag) });
    },
    async delete(imageId) {
      const image = images.get(imageId);
      if (!image || !mayGet(image, caller)) return;
      own(imageId);
      if (image.protected) throw fail('SERVICE_FORBIDDEN', 403, `Image ${imageId} is protected and cannot be deleted.`);
      images.delete(imageId);
    },
    setHidden: async (imageId, hidden) => change(own(imageId), { osHidden: hidden }),
    async deactivate(imageId) {
      const image = own(imageId);
      if (image.status === 'queued')
        throw fail('SERVICE_FORBIDDEN', 403, 'Not allowed to deactivate image in status queued');
      change(image, { status: 'deactivated' });
    },
    async reactivate(imageId) {
      const image = own(imageId);
      if (image.status === 'queued')
        throw fail('SERVICE_FORBIDDEN', 403, 'Not allowed to reactivate image in status queued');
      change(image, { status: 'active' });
    },
  };

  return {
    ...withSwitches(port),
    as: (other) => imagesAs(store, other),
    put: (image) => {
      images.set(image.id, image);
      return image;
    },
    remove: (imageId) => {
      images.delete(imageId);
    },
  };
}

function mayGet(image: Image, caller: ImageCaller): boolean {
  return (
    caller.isAdmin ||
    image.owner === caller.projectId ||
    image.visibility === 'public' ||
    image.visibility === 'community'
  );
}

/** Community images of others are listed only when they are asked for, also for an admin. */
function mayList(image: Image, caller: ImageCaller, query: ImageQuery): boolean {
  const othersCommunity = image.visibility === 'community' && image.owner !== caller.projectId;
  const asked = query.visibility === 'community' || query.visibility === 'all';
  return (
    mayGet(image, caller) &&
    (!othersCommunity || asked) &&
    (query.tags ?? []).every((tag) => image.tags.includes(tag)) &&
    (query.status === undefined || image.status === query.status) &&
    (query.owner === undefined || image.owner === query.owner) &&
    (query.name === undefined || image.name === query.name) &&
    (query.visibility === undefined || query.visibility === 'all' || image.visibility === query.visibility) &&
    image.osHidden === (query.hidden ?? false)
  );
}

function newestFirst(a: Image, b: Image): number {
  return Date.parse(b.createdAt) - Date.parse(a.createdAt) || (a.id < b.id ? 1 : -1);
}

function queued(image: NewImage, owner: string, time: string): Image {
  return {
    id: image.id ?? randomUUID(),
    name: image.name,
    status: 'queued',
    tags: [...(image.tags ?? [])],
    owner,
    visibility: image.visibility ?? 'shared',
    osHidden: false,
    protected: false,
    sizeBytes: null,
    minDiskGiB: image.minDiskGiB ?? 0,
    minRamMiB: image.minRamMiB ?? 0,
    architecture: image.properties?.hw_architecture ?? image.properties?.architecture ?? null,
    diskFormat: image.diskFormat,
    containerFormat: image.containerFormat,
    hashAlgorithm: null,
    hashValue: null,
    createdAt: time,
    updatedAt: time,
  };
}
