import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** What was learnt of the data while it was written. */
export interface StoredData {
  sizeBytes: number;
  md5: string;
  sha512: string;
  /** The first bytes, enough to tell what kind of disk it is. */
  head: Buffer;
}

/** Data of images, one file each. A file has its name only when it is whole and on disk. */
export interface ImageData {
  path(imageId: string): string;
  /**
   * Writes a stream to a file beside the image's own. `commit` gives it the image's name; `discard` removes it. A stream
   * that breaks off throws and leaves nothing.
   */
  receive(
    source: Readable,
  ): Promise<{ data: StoredData; commit(imageId: string): Promise<void>; discard(): Promise<void> }>;
  read(imageId: string): Readable;
  remove(imageId: string): Promise<void>;
}

const headBytes = 64;

/** Removes all that belongs to no image in `wholeImageIds`: what a killed process left half written or half deleted. */
export async function openImageData(directory: string, wholeImageIds: ReadonlySet<string>): Promise<ImageData> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  for (const name of await readdir(directory))
    if (!wholeImageIds.has(name)) await rm(join(directory, name), { force: true });

  const path = (imageId: string) => join(directory, imageId);
  return {
    path,

    async receive(source) {
      const file = join(directory, `${randomUUID()}.partial`);
      const discard = () => rm(file, { force: true });
      const md5 = createHash('md5');
      const sha512 = createHash('sha512');
      let sizeBytes = 0;
      let head = Buffer.alloc(0);
      async function* measured(chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          md5.update(chunk);
          sha512.update(chunk);
          sizeBytes += chunk.length;
          if (head.length < headBytes) head = Buffer.concat([head, chunk.subarray(0, headBytes)]);
          yield chunk;
        }
      }
      try {
        const handle = await open(file, 'wx', 0o600);
        await pipeline(source, measured, handle.createWriteStream({ flush: true }));
      } catch (error) {
        await discard();
        throw error;
      }
      return {
        data: { sizeBytes, md5: md5.digest('hex'), sha512: sha512.digest('hex'), head },
        discard,
        async commit(imageId) {
          await rename(file, path(imageId));
          // The new name has to survive a power cut too.
          const folder = await open(directory);
          await folder.sync().finally(() => folder.close());
        },
      };
    },

    read: (imageId) => createReadStream(path(imageId)),
    remove: (imageId) => rm(path(imageId), { force: true }),
  };
}

/** Bytes of the disk inside: a raw one is what it is, qcow2 says it in its header, of others it is not known. */
export function virtualSizeBytes(diskFormat: string | null, data: StoredData): number | null {
  if (diskFormat === 'raw' || diskFormat === 'iso') return data.sizeBytes;
  const isQcow = diskFormat === 'qcow2' && data.head.length >= 32 && data.head.toString('latin1', 0, 4) === 'QFI\xfb';
  return isQcow ? Number(data.head.readBigUInt64BE(24)) : null;
}
