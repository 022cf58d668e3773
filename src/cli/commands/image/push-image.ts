/**
 * Brings a file into Glance so that nothing can go half way: record, data, size and hash, active, and the tag last.
 * When anything fails the record is removed again, and the error says so.
 */
import { createHash, getHashes, type Hash, randomUUID } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { propertiesFileOf } from '../../../core/amphora/image-properties.ts';
import { KilnError, ServiceError, toKilnError } from '../../../model/errors.ts';
import type { Image } from '../../../model/image.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { ImageService, NewImage } from '../../../ports/images.ts';
import { formatSpan } from '../../format/duration.ts';
import type { Progress } from '../../output/progress.ts';

/** What Glance hashes with unless configured otherwise: it is made while the data goes out, in the same pass. */
const usualAlgorithm = 'sha512';
const chunkBytes = 1024 * 1024;
const pollMs = 1000;
/** Glance uses Python's names; most differ from OpenSSL's by a dash at most, and these by more. */
const opensslNames: Readonly<Record<string, string>> = { blake2b: 'blake2b512', blake2s: 'blake2s256' };

export interface PushRequest {
  file: string;
  image: Omit<NewImage, 'diskFormat' | 'tags'>;
  /** Null: detected from the file's first bytes. */
  diskFormat: string | null;
  /** What the file's description says its hash is; null where there is none. */
  describedSha512: string | null;
  /** Null: no tag is set. */
  tag: string | null;
  activeWithinSeconds: number;
}

export interface PushTools {
  images: ImageService;
  progress: Progress;
  clock: Clock;
  signal: AbortSignal;
}

/** @returns the image, active, checked and tagged. */
export async function pushImage(request: PushRequest, tools: PushTools): Promise<Image> {
  const file = await openImageFile(request.file);
  try {
    const { size } = await file.stat();
    const diskFormat = request.diskFormat ?? (await detectDiskFormat(file));
    tools.signal.throwIfAborted();
    const record = { ...request.image, id: randomUUID(), diskFormat };
    const image = await create(record, tools.images);
    try {
      return await fill(image, file, size, request, tools);
    } catch (error) {
      throw await withdrawn(record, interrupted(error, tools.signal), tools.images);
    }
  } finally {
    await file.close();
  }
}

/** A record whose creation was never answered may be there all the same; its ID is ours, so it can be taken back. */
async function create(record: NewImage & { id: string }, images: ImageService): Promise<Image> {
  try {
    return await images.create(record);
  } catch (error) {
    if (error instanceof ServiceError && error.call.outcomeUnknown) throw await withdrawn(record, error, images);
    throw error;
  }
}

async function openImageFile(path: string): Promise<FileHandle> {
  let file: FileHandle;
  try {
    file = await open(path);
  } catch (cause) {
    throw new KilnError('USAGE', `${path} can't be read: ${(cause as Error).message}`, {
      advice: 'Name a file that holds an image; `kiln image build` makes one.',
      cause,
    });
  }
  const stat = await file.stat();
  if (stat.isFile() && stat.size > 0) return file;
  await file.close();
  throw new KilnError('USAGE', `${path} is ${stat.isFile() ? 'empty' : 'not a file'}`, {
    advice: 'Name a file that holds an image.',
  });
}

async function detectDiskFormat(file: FileHandle): Promise<string> {
  const { buffer } = await file.read({ buffer: Buffer.alloc(8), position: 0 });
  const start = buffer.toString('latin1');
  if (start.startsWith('QFI\xfb')) return 'qcow2';
  if (start.startsWith('KDMV')) return 'vmdk';
  if (start.startsWith('vhdxfile')) return 'vhdx';
  return 'raw';
}

async function fill(
  image: Image,
  file: FileHandle,
  sizeBytes: number,
  request: PushRequest,
  { images, progress, clock, signal }: PushTools,
): Promise<Image> {
  const hash = createHash(usualAlgorithm);
  const transfer = progress.transfer('upload', sizeBytes);
  try {
    await images.upload(image.id, hashed(chunks(file, sizeBytes, signal), hash), sizeBytes, transfer.update);
  } catch (error) {
    transfer.fail();
    throw error;
  }
  transfer.done();

  const waiting = progress.step('active');
  let stored: Image;
  try {
    stored = await untilActive(image.id, request.activeWithinSeconds, { images, clock, signal });
  } catch (error) {
    waiting.fail();
    throw error;
  }
  waiting.done(image.id);

  const checking = progress.step('check');
  try {
    const sent = hash.digest('hex');
    requireDescribed(sent, request);
    await check(stored, file, sizeBytes, sent, signal);
  } catch (error) {
    checking.fail();
    throw error;
  }
  checking.done(`${sizeBytes} bytes, ${stored.hashAlgorithm} equal`);

  if (request.tag === null) return stored;
  signal.throwIfAborted();
  const tagging = progress.step('tag');
  try {
    await images.addTag(image.id, request.tag);
    stored = await images.get(image.id, signal);
    if (!stored.tags.includes(request.tag)) {
      throw new KilnError('SERVICE_RESPONSE_INVALID', `Glance took the tag \`${request.tag}\` and does not show it`);
    }
  } catch (error) {
    tagging.fail();
    throw error;
  }
  tagging.done(request.tag);
  return stored;
}

async function untilActive(
  imageId: string,
  withinSeconds: number,
  { images, clock, signal }: Pick<PushTools, 'images' | 'clock' | 'signal'>,
): Promise<Image> {
  const deadline = clock.monotonicMs() + withinSeconds * 1000;
  for (;;) {
    const image = await images.get(imageId, signal);
    if (image.status === 'active') return image;
    if (!['queued', 'saving', 'uploading', 'importing'].includes(image.status)) {
      throw new KilnError('IMAGE_BROKEN', `after the upload Glance says that image ${imageId} is ${image.status}`);
    }
    if (clock.monotonicMs() >= deadline) {
      throw new KilnError(
        'IMAGE_BROKEN',
        `image ${imageId} is still ${image.status}, ${formatSpan(withinSeconds * 1000)} after the upload`,
        { advice: 'Look into the log of Glance; for a slow store, give more time with --active-within SECONDS.' },
      );
    }
    await clock.sleep(pollMs, signal);
  }
}

/** What Glance stored is what the file holds: by size, and by the hash that Glance made of what it received. */
async function check(
  stored: Image,
  file: FileHandle,
  sizeBytes: number,
  sentSha512: string,
  signal: AbortSignal,
): Promise<void> {
  if (stored.sizeBytes !== sizeBytes) {
    throw new KilnError(
      'IMAGE_BROKEN',
      `the file has ${sizeBytes} bytes, and Glance stored ${stored.sizeBytes ?? 'none'}`,
    );
  }
  const { hashAlgorithm, hashValue } = stored;
  if (hashAlgorithm === null || hashValue === null) {
    throw new KilnError('IMAGE_BROKEN', 'Glance gives no hash of what it stored, so that the upload can’t be checked', {
      advice: 'Glance makes one since its release Rocky (os_hash_value): see why this one does not.',
    });
  }
  const ours = hashAlgorithm === usualAlgorithm ? sentSha512 : await hashAgain(file, sizeBytes, hashAlgorithm, signal);
  if (ours.toLowerCase() !== hashValue.toLowerCase()) {
    throw new KilnError(
      'IMAGE_BROKEN',
      `the ${hashAlgorithm} of what Glance stored is ${hashValue}, and the file's is ${ours}`,
      {
        advice: 'The data was changed on its way, or the file while it was read. Upload it again; the tag was not set.',
      },
    );
  }
}

/** Properties of another build would tell operators of packages that are not in this image. */
function requireDescribed(sentSha512: string, { file, describedSha512 }: PushRequest): void {
  if (describedSha512 === null || describedSha512 === sentSha512) return;
  throw new KilnError(
    'IMAGE_BROKEN',
    `${propertiesFileOf(file)} describes another image than ${file}: the SHA-512 differ`,
    {
      advice: 'Build the image again, or remove the description and name the properties with --property.',
    },
  );
}

async function hashAgain(file: FileHandle, sizeBytes: number, algorithm: string, signal: AbortSignal): Promise<string> {
  const wanted = opensslNames[algorithm] ?? algorithm.replaceAll('_', '-');
  const name = getHashes().find((known) => known.toLowerCase() === wanted);
  if (name === undefined) {
    throw new KilnError('IMAGE_BROKEN', `Glance hashes with ${algorithm}, which can't be computed here to compare`, {
      advice: 'Set [DEFAULT] hashing_algorithm = sha512 in glance-api.conf, as it is by default.',
    });
  }
  const hash = createHash(name);
  for await (const chunk of chunks(file, sizeBytes, signal)) hash.update(chunk);
  return hash.digest('hex');
}

/** The first `sizeBytes` of the file from its start. Ends with an error when the file is shorter or ctrl-C was pressed. */
async function* chunks(file: FileHandle, sizeBytes: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let position = 0;
  while (position < sizeBytes) {
    signal.throwIfAborted();
    const length = Math.min(chunkBytes, sizeBytes - position);
    const { bytesRead, buffer } = await file.read({ buffer: Buffer.allocUnsafe(length), position });
    if (bytesRead === 0) {
      throw new KilnError(
        'IMAGE_BROKEN',
        `the file became shorter while it was read: ${position} of ${sizeBytes} bytes`,
      );
    }
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

async function* hashed(data: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array> {
  for await (const chunk of data) {
    hash.update(chunk);
    yield chunk;
  }
}

/** A client may wrap what the data source threw; after ctrl-C it is the interruption that ended the upload. */
function interrupted(error: unknown, signal: AbortSignal): KilnError {
  return signal.aborted
    ? new KilnError('CANCELLED', 'the upload was interrupted', { cause: error })
    : toKilnError(error);
}

/** Removes the record, and returns the error with what became of it. */
async function withdrawn(
  image: { id: string; name: string },
  error: KilnError,
  images: ImageService,
): Promise<KilnError> {
  const record = `image ${image.id} (${image.name})`;
  let fate: string;
  let advice = error.advice;
  let removed = true;
  try {
    await images.delete(image.id);
    fate = `${record} was removed again`;
  } catch (cause) {
    removed = false;
    fate = `${record} could not be removed (${toKilnError(cause).message})`;
    advice = `${advice} Remove what is left: \`openstack image delete ${image.id}\`.`;
  }
  return new KilnError(error.code, `${error.message}; ${fate}`, {
    advice,
    retryable: error.retryable,
    details: { ...error.details, imageId: image.id, removed },
    cause: error,
  });
}
