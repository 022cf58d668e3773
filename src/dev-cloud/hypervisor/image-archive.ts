import { createReadStream } from 'node:fs';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Unpack } from 'tar';

/** `amphora.json` at the root of an image: what the image is and which file of it the server runs. */
export interface ImageManifest {
  format: typeof imageFormat;
  name: string;
  version: string;
  /** The program that is started, relative to the image's root. */
  entry: string;
  createdAt: string;
}

const imageFormat = 'kiln-amphora-1';

/** What an image may hold at most, unpacked. Far more than an amphora needs; small enough for a laptop. */
const maxImageBytes = 512 * 1024 * 1024;
const maxImageEntries = 5_000;

/** The image is not an amphora that the embedded cloud can run. The message is a clause: "is not a gzip'ed tar …". */
export class UnusableImageError extends Error {}

/**
 * Unpacks an image (a gzip'ed tar) into a folder, which is created, and reads its manifest.
 * Nothing is written outside the folder: absolute paths, `..` and links of either kind refuse the whole image.
 * @throws UnusableImageError; what the file system refuses comes as it is.
 */
export async function unpackImage(imageFile: string, directory: string): Promise<ImageManifest> {
  await mkdir(directory, { recursive: true });
  const refusal = new AbortController();
  const refuse = (reason: string) => refusal.abort(new UnusableImageError(reason));
  let bytes = 0;
  let entries = 0;
  const unpacker = new Unpack({
    cwd: directory,
    strict: true,
    noMtime: true,
    preserveOwner: false,
    filter: (path, entry) => {
      const type = 'type' in entry ? entry.type : 'File';
      bytes += entry.size ?? 0;
      entries += 1;
      if (isAbsolute(path) || path.split('/').includes('..')) refuse(`holds the path ${path}, which leads out of it`);
      else if (type !== 'File' && type !== 'OldFile' && type !== 'Directory') {
        refuse(`holds ${path} of type ${type}; only files and folders are allowed`);
      } else if (bytes > maxImageBytes) refuse(`holds more than ${maxImageBytes} bytes`);
      else if (entries > maxImageEntries) refuse(`holds more than ${maxImageEntries} files`);
      return !refusal.signal.aborted;
    },
  });
  try {
    await pipeline(createReadStream(imageFile), unpacker as unknown as NodeJS.WritableStream, {
      signal: refusal.signal,
    });
  } catch (error) {
    if (refusal.signal.aborted) throw refusal.signal.reason;
    // What tar and zlib complain about lies in the image; a full disk or a file that is gone does not.
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (/^(TAR|Z)_/.test(code)) throw new UnusableImageError(`is not a gzip'ed tar archive: ${message}`);
    throw error;
  }
  if (refusal.signal.aborted) throw refusal.signal.reason;
  return readManifest(directory);
}

async function readManifest(directory: string): Promise<ImageManifest> {
  let manifest: unknown;
  try {
    manifest = JSON.parse(await readFile(join(directory, 'amphora.json'), 'utf8'));
  } catch (error) {
    throw new UnusableImageError(`has no readable amphora.json at its root: ${(error as Error).message}`);
  }
  if (!isManifest(manifest)) {
    throw new UnusableImageError(
      `has an amphora.json that does not say format "${imageFormat}", name, version and entry`,
    );
  }
  const entry = normalize(manifest.entry);
  if (isAbsolute(entry) || entry.startsWith('..')) {
    throw new UnusableImageError(`names the entry ${manifest.entry}, which lies outside of it`);
  }
  const found = await stat(join(directory, entry)).catch(() => null);
  if (!found?.isFile())
    throw new UnusableImageError(`has no file ${manifest.entry}, which its amphora.json names as entry`);
  return { ...manifest, entry };
}

function isManifest(value: unknown): value is ImageManifest {
  if (typeof value !== 'object' || value === null) return false;
  const manifest = value as Partial<Record<keyof ImageManifest, unknown>>;
  return (
    manifest.format === imageFormat &&
    typeof manifest.name === 'string' &&
    typeof manifest.version === 'string' &&
    typeof manifest.entry === 'string'
  );
}
