import { ServiceError } from '../../model/errors.ts';
import type { Image } from '../../model/image.ts';
import type { ImageQuery, ImageService, NewImage } from '../../ports/images.ts';
import { invalidAnswer } from './failures.ts';
import { createImageClient, imagePatchType, imagePath } from './glance-client.ts';
import { imageOf, readImage, readImagePage } from './glance-image.ts';
import type { Http } from './http.ts';
import type { OpenStackSession } from './keystone.ts';
import { segment } from './service-client.ts';

/** Glance caps `limit` at this (`api_limit_max`) and says nothing. */
const largestPage = 1000;
/** A listing that takes more pages than this does not end. */
const mostPages = 1000;
/** How often a listing starts again when its marker has been deleted. */
const mostRestarts = 5;
const longestTag = 255;

/**
 * Glance v2.
 * @param options.pageSize images per request; for tests of paging.
 */
export function createGlance(options: { session: OpenStackSession; http: Http; pageSize?: number }): ImageService {
  const { pageSize = largestPage } = options;
  const client = createImageClient(options);

  const get = async (imageId: string, signal?: AbortSignal): Promise<Image> =>
    imageOf(await client.call({ method: 'GET', path: imagePath(imageId), signal }, readImage));

  /** One page after another, each from a URL of our own: Glance's `next` drops all but the last of several tags. */
  async function listOnce(query: ImageQuery, signal?: AbortSignal): Promise<Image[]> {
    const found = new Map<string, Image>();
    const markers = new Set<string>();
    let marker: string | null = null;
    for (let page = 1; ; page++) {
      const asked = queryOf(query, pageSize, marker);
      const { call, images, next } = await client.call(
        { method: 'GET', path: '/images', query: asked, signal },
        readImagePage,
      );
      for (const image of images) {
        if (!found.has(image.id) && matches(image, query)) found.set(image.id, image);
      }
      const last: Image | undefined = images.at(-1);
      if (!last || (!next && images.length < pageSize)) return [...found.values()].sort(newestFirst);
      if (markers.has(last.id) || page === mostPages) {
        throw invalidAnswer(call, `its pages do not end: after ${page} of them image ${last.id} came last again`);
      }
      markers.add(last.id);
      marker = last.id;
    }
  }

  /** Replaces the whole list of tags: the only way for what PUT and DELETE can't take. */
  async function changeTags(
    imageId: string,
    change: (tags: readonly string[]) => readonly string[] | null,
  ): Promise<void> {
    const tags = change((await get(imageId)).tags);
    if (tags === null) return;
    await client.send({
      method: 'PATCH',
      path: imagePath(imageId),
      headers: imagePatchType,
      json: replace('tags', tags),
    });
  }

  const act = (imageId: string, action: string) =>
    client.send({ method: 'POST', path: `${imagePath(imageId)}/actions/${action}`, repeatable: true });

  return {
    get,

    async list(query, signal) {
      for (let restart = 0; ; restart++) {
        try {
          return await listOnce(query, signal);
        } catch (error) {
          if (restart >= mostRestarts || !isLostMarker(error)) throw error;
        }
      }
    },

    create: async (image) =>
      imageOf(await client.call({ method: 'POST', path: '/images', json: creation(image) }, readImage)),

    upload: (imageId, data, sizeBytes, onProgress) =>
      client.send({
        method: 'PUT',
        path: `${imagePath(imageId)}/file`,
        stream: { data: onProgress ? watched(data, onProgress) : data, sizeBytes },
      }),

    async addTag(imageId, tag) {
      checkTag(tag, `${imagePath(imageId)}/tags`);
      if (fitsIntoPath(tag)) {
        return client.send({ method: 'PUT', path: `${imagePath(imageId)}/tags/${segment('The tag', tag)}` });
      }
      return changeTags(imageId, (tags) => (tags.includes(tag) ? null : [...tags, tag]));
    },

    async removeTag(imageId, tag) {
      if (!fitsIntoPath(tag)) {
        return changeTags(imageId, (tags) => (tags.includes(tag) ? tags.filter((one) => one !== tag) : null));
      }
      try {
        await client.send({ method: 'DELETE', path: `${imagePath(imageId)}/tags/${segment('The tag', tag)}` });
      } catch (error) {
        if (!isNotFound(error)) throw error;
        // The tag or the image: an image that is gone is the caller's to know.
        await get(imageId);
      }
    },

    async delete(imageId) {
      try {
        await client.send({ method: 'DELETE', path: imagePath(imageId) });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    },

    setHidden: (imageId, hidden) =>
      client.send({
        method: 'PATCH',
        path: imagePath(imageId),
        headers: imagePatchType,
        json: replace('os_hidden', hidden),
        repeatable: true,
      }),
    deactivate: (imageId) => act(imageId, 'deactivate'),
    reactivate: (imageId) => act(imageId, 'reactivate'),
  };
}

function queryOf(query: ImageQuery, limit: number, marker: string | null): [string, string][] {
  const asked: [string, string][] = [];
  // Glance strips white space at the ends of the value, so such a tag can't be asked for: it is looked for on this side.
  for (const tag of query.tags ?? []) if (tag !== '' && tag === tag.trim()) asked.push(['tag', tag]);
  if (query.status !== undefined) asked.push(['status', query.status]);
  if (query.owner !== undefined) asked.push(['owner', query.owner]);
  if (query.name !== undefined) asked.push(['name', query.name]);
  if (query.visibility !== undefined) asked.push(['visibility', query.visibility]);
  if (query.hidden !== undefined) asked.push(['os_hidden', String(query.hidden)]);
  asked.push(['sort', 'created_at:desc,id:desc'], ['limit', String(limit)]);
  if (marker !== null) asked.push(['marker', marker]);
  return asked;
}

/** Checked again because databases compare without case, accents and trailing blanks, and Glance loses filters. */
function matches(image: Image, query: ImageQuery): boolean {
  return (
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

/** Glance answers 400 to a marker that it can't find; the image was deleted, or hidden from us, between two pages. */
function isLostMarker(error: unknown): boolean {
  if (!(error instanceof ServiceError)) return false;
  const { status, path } = error.call;
  return (status === 400 || status === 404) && /[?&]marker=/.test(path);
}

function isNotFound(error: unknown): boolean {
  return error instanceof ServiceError && error.code === 'SERVICE_NOT_FOUND';
}

/**
 * Only plain ASCII: under eventlet Glance reads the path as Latin-1, so that `PUT …/tags/grö` stores `grÃ¶`. A slash, or
 * a tag that means "here" or "up", would make another path.
 */
function fitsIntoPath(tag: string): boolean {
  return /^[ -.0-~]+$/.test(tag) && tag !== '.' && tag !== '..';
}

function checkTag(tag: string, path: string): void {
  const length = [...tag].length;
  if (length <= longestTag) return;
  const call = { service: 'image', method: 'PUT', path, status: null, serviceMessage: null, requestId: null };
  throw new ServiceError(
    'SERVICE_REJECTED_REQUEST',
    `image: a tag has at most ${longestTag} characters, this one has ${length} (Glance was not asked)`,
    { ...call, retryAfterSeconds: null, outcomeUnknown: false },
    { advice: 'Choose a shorter tag.' },
  );
}

function replace(field: string, value: unknown): object[] {
  return [{ op: 'replace', path: `/${field}`, value }];
}

function creation(image: NewImage): object {
  return {
    ...image.properties,
    ...(image.id === undefined ? {} : { id: image.id }),
    name: image.name,
    disk_format: image.diskFormat,
    container_format: image.containerFormat,
    ...(image.visibility === undefined ? {} : { visibility: image.visibility }),
    ...(image.minDiskGiB === undefined ? {} : { min_disk: image.minDiskGiB }),
    ...(image.minRamMiB === undefined ? {} : { min_ram: image.minRamMiB }),
    ...(image.tags === undefined ? {} : { tags: image.tags }),
  };
}

async function* watched(
  data: AsyncIterable<Uint8Array>,
  onProgress: (bytesSent: number) => void,
): AsyncGenerator<Uint8Array> {
  let sent = 0;
  for await (const chunk of data) {
    yield chunk;
    sent += chunk.byteLength;
    onProgress(sent);
  }
}
