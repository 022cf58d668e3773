import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzip as gzipWithCallback } from 'node:zlib';
import type { UiFile, UiFiles } from '../../ports/ui-files.ts';

/** Less fits into one packet as it is. */
const LEAST_GZIPPED = 1400;
const gzip = promisify(gzipWithCallback);

/** Beside the bundle; not there where sources run. */
const built = join(import.meta.dirname, 'ui');

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Read once, when they are first asked for: from what `npm run build` made, else bundled from the sources that run. */
export function createUiFiles(): UiFiles {
  let read: Promise<ReadonlyMap<string, UiFile>> | null = null;
  return () => {
    read ??= readFiles().catch((error: unknown) => {
      read = null;
      throw error;
    });
    return read;
  };
}

async function readFiles(): Promise<ReadonlyMap<string, UiFile>> {
  const contents = existsSync(built) ? await readBuilt() : (await (await import('./bundle.ts')).bundleUi()).files;
  return new Map(
    await Promise.all(
      [...contents].map(async ([name, content]) => {
        const hash = createHash('sha256').update(content).digest('base64url').slice(0, 22);
        const type = types[extname(name)] ?? 'application/octet-stream';
        const gzipped = content.length < LEAST_GZIPPED ? null : await gzip(content, { level: 9 });
        return [name, { content, gzipped, type, etag: `"${hash}"` }] as const;
      }),
    ),
  );
}

async function readBuilt(): Promise<ReadonlyMap<string, Buffer>> {
  const names = await readdir(built);
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(built, name))] as const)));
}
