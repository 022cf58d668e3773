import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where the page's sources are, in a checkout. */
const sources = join(import.meta.dirname, '..', '..', 'ui');

/** Served as they are. */
const plainFiles = ['index.html', 'app.css', 'icon.svg'];

/** What the page is made of, and which modules are in it. */
export interface UiBundle {
  files: ReadonlyMap<string, Buffer>;
  moduleIds: readonly string[];
}

/** Puts the page together: one script, one style sheet, no file of anybody else's. The same sources give the same bytes. */
export async function bundleUi(): Promise<UiBundle> {
  const { rolldown } = await import('rolldown');
  await using build = await rolldown({
    input: join(sources, 'main.tsx'),
    platform: 'browser',
    cwd: sources,
    logLevel: 'warn',
    // Said here, so that the sources are all that is needed.
    tsconfig: false,
    transform: { target: 'es2022', jsx: { runtime: 'automatic', importSource: 'preact' } },
  });
  const { output } = await build.generate({ format: 'esm', codeSplitting: false, minify: true });
  const [script] = output;
  const plain = await Promise.all(plainFiles.map(async (name) => [name, await readFile(join(sources, name))] as const));
  return { files: new Map([...plain, ['app.js', Buffer.from(script.code)]]), moduleIds: script.moduleIds };
}
