import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { UiFile, UiFiles } from '../../ports/ui-files.ts';

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
    [...contents].map(([name, content]) => {
      const hash = createHash('sha256').update(content).digest('base64url').slice(0, 22);
      return [name, { content, type: types[extname(name)] ?? 'application/octet-stream', etag: `"${hash}"` }];
    }),
  );
}

async function readBuilt(): Promise<ReadonlyMap<string, Buffer>> {
  const names = await readdir(built);
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(built, name))] as const)));
}
