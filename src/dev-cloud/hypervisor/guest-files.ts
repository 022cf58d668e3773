import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'yaml';

/** A file that a server finds in its file system when it starts. */
export interface GuestFile {
  /** Absolute, as seen from inside the server. */
  path: string;
  contents: Buffer;
  /** Permission bits; cloud-init's default where none are given. */
  mode?: number;
}

const defaultMode = 0o644;

/** Writes files below a server's root. The path is taken as absolute inside it, so that `..` can't lead out. */
export async function writeGuestFiles(root: string, files: readonly GuestFile[]): Promise<void> {
  for (const file of files) {
    const target = join(root, posix.normalize(`/${file.path}`));
    await mkdir(dirname(target), { recursive: true });
    // Removed first: the mode of writeFile counts only for a file that it creates.
    await rm(target, { force: true });
    await writeFile(target, file.contents, { mode: file.mode ?? defaultMode });
  }
}

/** Upper bound of one decompressed `gz+b64` file, so that a small user data can't fill the memory. */
const maxFileBytes = 16 * 1024 * 1024;

/**
 * The files that cloud-init would write: `write_files` of a `#cloud-config` document
 * (https://cloudinit.readthedocs.io/en/latest/reference/modules.html#write-files). Anything else that user data can
 * say is ignored, as is user data that is not a cloud-config or can't be read: cloud-init only logs that too.
 */
export function filesOfUserData(userData: string): GuestFile[] {
  if (!userData.startsWith('#cloud-config')) return [];
  let document: unknown;
  try {
    document = parse(userData);
  } catch {
    return [];
  }
  const list = (document as { write_files?: unknown } | null)?.write_files;
  if (!Array.isArray(list)) return [];
  return list.flatMap(
    (item: { path?: unknown; content?: unknown; encoding?: unknown; permissions?: unknown } | null) => {
      if (typeof item?.path !== 'string') return [];
      const mode = Number.parseInt(String(item.permissions ?? ''), 8);
      const contents = decode(String(item.content ?? ''), String(item.encoding ?? ''));
      return contents ? [{ path: item.path, contents, ...(Number.isNaN(mode) ? {} : { mode }) }] : [];
    },
  );
}

function decode(content: string, encoding: string): Buffer | null {
  const parts = encoding.toLowerCase().split('+');
  const base64 = parts.some((part) => part === 'b64' || part === 'base64');
  const gzip = parts.some((part) => part === 'gz' || part === 'gzip');
  const bytes = Buffer.from(content, base64 ? 'base64' : 'utf8');
  try {
    return gzip ? gunzipSync(bytes, { maxOutputLength: maxFileBytes }) : bytes;
  } catch {
    return null;
  }
}
