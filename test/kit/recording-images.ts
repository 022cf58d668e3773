/** The fake Glance for tests of the command line: it remembers what was changed, and can spoil an upload. */
import { createHash } from 'node:crypto';
import { KilnError } from '../../src/model/errors.ts';
import type { Image } from '../../src/model/image.ts';
import { anImage } from './builders.ts';
import { createFakeImages, type FakeImages } from './fakes/fake-images.ts';

export interface RecordingImages extends FakeImages {
  /** Every change that was asked for, in order, with the images' names: "create a", "tag a amphora", "delete a" … */
  readonly changes: string[];
  /** Everything that is there, hidden or not. */
  all(): Promise<Image[]>;
  hashAlgorithm: string | null;
  /** Status after an upload, one for each time the image is looked at; the last one stays. */
  statusesAfterUpload: string[];
  /** What is done to the data before it is stored. */
  tamper: (data: Buffer) => Buffer;
  /** The upload breaks after so many bytes. */
  cutAfterBytes: number;
}

/** As `anImage`, with the IDs, names and times of the command line's goldens. */
export function makeImage(overrides: Partial<Image> = {}): Image {
  return anImage({
    id: '00000000-0000-4000-8000-000000000001',
    name: 'amphora-2026.1',
    tags: [],
    owner: 'project-service',
    sizeBytes: 327_155_712,
    minDiskGiB: 2,
    minRamMiB: 1024,
    architecture: 'x86_64',
    hashValue: 'abc123',
    createdAt: '2026-02-20T09:00:00Z',
    updatedAt: '2026-02-20T09:05:00Z',
    ...overrides,
  });
}

export function createRecordingImages(...initial: Image[]): RecordingImages {
  const fake = createFakeImages({ projectId: 'project-service', images: initial });
  const names = new Map(initial.map((image) => [image.id, image.name]));
  const statusesLeft = new Map<string, string[]>();
  const say = (verb: string, id: string, tag = ''): void => {
    recording.changes.push(`${verb} ${names.get(id) ?? id} ${tag}`.trimEnd());
  };

  const recording: RecordingImages = {
    ...fake,
    changes: [],
    hashAlgorithm: 'sha512',
    statusesAfterUpload: ['active'],
    tamper: (data) => data,
    cutAfterBytes: Number.POSITIVE_INFINITY,
    all: async () => [
      ...(await fake.list({ visibility: 'all' })),
      ...(await fake.list({ visibility: 'all', hidden: true })),
    ],

    async get(id) {
      const left = statusesLeft.get(id) ?? [];
      const status = left.length > 1 ? left.shift() : left[0];
      const image = await fake.get(id);
      return status === undefined ? image : fake.put({ ...image, status });
    },
    async create(image) {
      const made = await fake.create(image);
      names.set(made.id, made.name);
      say('create', made.id);
      return made;
    },
    async upload(id, data, sizeBytes, onProgress) {
      say('upload', id);
      const received: Uint8Array[] = [];
      await fake.upload(id, cutAfter(data, recording.cutAfterBytes, received), sizeBytes, onProgress);
      const stored = recording.tamper(Buffer.concat(received));
      const algorithm = recording.hashAlgorithm;
      statusesLeft.set(id, [...recording.statusesAfterUpload]);
      fake.put({
        ...(await fake.get(id)),
        sizeBytes: stored.length,
        hashAlgorithm: algorithm,
        hashValue: algorithm === null ? null : createHash(algorithm).update(stored).digest('hex'),
      });
    },
    async addTag(id, tag) {
      say('tag', id, tag);
      await fake.addTag(id, tag);
    },
    async removeTag(id, tag) {
      say('untag', id, tag);
      await fake.removeTag(id, tag);
    },
    async delete(id) {
      say('delete', id);
      await fake.delete(id);
    },
    async setHidden(id, hidden) {
      say(hidden ? 'hide' : 'unhide', id);
      await fake.setHidden(id, hidden);
    },
  };
  return recording;
}

async function* cutAfter(
  data: AsyncIterable<Uint8Array>,
  limitBytes: number,
  received: Uint8Array[],
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of data) {
    bytes += chunk.length;
    if (bytes > limitBytes) throw new KilnError('SERVICE_UNREACHABLE', 'the connection was cut');
    received.push(chunk);
    yield chunk;
  }
}
