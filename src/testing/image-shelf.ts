/** A small Glance in memory for tests of the command line, with switches for what can go wrong with an upload. */
import { createHash } from 'node:crypto';
import { KilnError } from '../model/errors.ts';
import type { Image } from '../model/image.ts';
import type { ImageService } from '../ports/images.ts';

export interface ImageShelf extends ImageService {
  readonly images: Map<string, Image>;
  /** Every change that was asked for, in order: "create", "upload img-1", "tag img-1 amphora", "delete img-1" … */
  readonly changes: string[];
  hashAlgorithm: string | null;
  /** Status after an upload, one for each time the image is looked at; the last one stays. */
  statusesAfterUpload: string[];
  /** What is done to the data before it is stored. */
  tamper: (data: Buffer) => Buffer;
  /** The upload breaks after so many bytes. */
  cutAfterBytes: number;
  /** Method name → the error that its next calls throw. */
  readonly faults: Partial<Record<keyof ImageService, KilnError>>;
}

export function makeImage(overrides: Partial<Image> = {}): Image {
  return {
    id: '00000000-0000-4000-8000-000000000001',
    name: 'amphora-2026.1',
    status: 'active',
    tags: [],
    owner: 'project-service',
    visibility: 'private',
    osHidden: false,
    protected: false,
    sizeBytes: 327_155_712,
    minDiskGiB: 2,
    minRamMiB: 1024,
    architecture: 'x86_64',
    diskFormat: 'qcow2',
    containerFormat: 'bare',
    hashAlgorithm: 'sha512',
    hashValue: 'abc123',
    createdAt: '2026-02-20T09:00:00Z',
    updatedAt: '2026-02-20T09:05:00Z',
    ...overrides,
  };
}

export function createImageShelf(...initial: Image[]): ImageShelf {
  const images = new Map(initial.map((image) => [image.id, image]));
  const statusesLeft = new Map<string, string[]>();

  function find(id: string): Image {
    const image = images.get(id);
    if (!image) throw new KilnError('SERVICE_NOT_FOUND', `No image found with ID ${id}`);
    return image;
  }
  function fault(method: keyof ImageService): void {
    const error = shelf.faults[method];
    if (error) throw error;
  }
  function change(id: string, patch: Partial<Image>): void {
    images.set(id, { ...find(id), ...patch });
  }

  const shelf: ImageShelf = {
    images,
    changes: [],
    hashAlgorithm: 'sha512',
    statusesAfterUpload: ['active'],
    tamper: (data) => data,
    cutAfterBytes: Number.POSITIVE_INFINITY,
    faults: {},

    async list(query) {
      fault('list');
      return [...images.values()]
        .filter(
          (image) =>
            image.osHidden === (query.hidden ?? false) &&
            (query.tags ?? []).every((tag) => image.tags.includes(tag)) &&
            (query.status === undefined || image.status === query.status) &&
            (query.owner === undefined || image.owner === query.owner) &&
            (query.name === undefined || image.name === query.name),
        )
        .sort((a, b) => b.createdAt.localeCompare(a.createdAt) || b.id.localeCompare(a.id));
    },
    async get(id) {
      fault('get');
      const left = statusesLeft.get(id) ?? [];
      const status = left.length > 1 ? left.shift() : left[0];
      if (status !== undefined) change(id, { status });
      return find(id);
    },
    async create(image) {
      fault('create');
      const id = `00000000-0000-4000-8000-0000000001${String(images.size).padStart(2, '0')}`;
      shelf.changes.push('create');
      const made = makeImage({
        id,
        name: image.name,
        status: 'queued',
        tags: image.tags ?? [],
        visibility: image.visibility ?? 'shared',
        diskFormat: image.diskFormat,
        containerFormat: image.containerFormat,
        minDiskGiB: image.minDiskGiB ?? 0,
        minRamMiB: image.minRamMiB ?? 0,
        architecture: image.properties?.hw_architecture ?? null,
        sizeBytes: null,
        hashAlgorithm: null,
        hashValue: null,
        createdAt: '2026-03-01T12:00:00Z',
        updatedAt: '2026-03-01T12:00:00Z',
      });
      images.set(id, made);
      return made;
    },
    async upload(id, data, _sizeBytes, onProgress) {
      shelf.changes.push(`upload ${id}`);
      fault('upload');
      const chunks: Uint8Array[] = [];
      let sent = 0;
      for await (const chunk of data) {
        sent += chunk.length;
        if (sent > shelf.cutAfterBytes) throw new KilnError('SERVICE_UNREACHABLE', 'the connection was cut');
        chunks.push(chunk);
        onProgress?.(sent);
      }
      const stored = shelf.tamper(Buffer.concat(chunks));
      const algorithm = shelf.hashAlgorithm;
      statusesLeft.set(id, [...shelf.statusesAfterUpload]);
      change(id, {
        sizeBytes: stored.length,
        hashAlgorithm: algorithm,
        hashValue: algorithm === null ? null : createHash(algorithm).update(stored).digest('hex'),
      });
    },
    async addTag(id, tag) {
      shelf.changes.push(`tag ${id} ${tag}`);
      fault('addTag');
      change(id, { tags: [...new Set([...find(id).tags, tag])] });
    },
    async removeTag(id, tag) {
      shelf.changes.push(`untag ${id} ${tag}`);
      fault('removeTag');
      change(id, { tags: find(id).tags.filter((other) => other !== tag) });
    },
    async delete(id) {
      shelf.changes.push(`delete ${id}`);
      fault('delete');
      images.delete(id);
    },
    async setHidden(id, hidden) {
      shelf.changes.push(`${hidden ? 'hide' : 'unhide'} ${id}`);
      fault('setHidden');
      change(id, { osHidden: hidden });
    },
    async deactivate(id) {
      change(id, { status: 'deactivated' });
    },
    async reactivate(id) {
      change(id, { status: 'active' });
    },
  };
  return shelf;
}
