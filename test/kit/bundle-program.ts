import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { rolldown } from 'rolldown';

const root = join(import.meta.dirname, '..', '..');

/**
 * Bundles a program of the test kit, as `npm run build` does Kiln's, so that a process that is started a hundred times loads one file
 * instead of a thousand.
 * @returns the bundle; it lies in the project, where native modules are found.
 */
export async function bundleProgram(source: string): Promise<string> {
  const folder = join(root, 'node_modules', '.cache', 'kiln-tests', String(process.pid));
  const file = join(folder, `${basename(source, '.ts')}.mjs`);
  await mkdir(folder, { recursive: true });
  await using build = await rolldown({
    input: source,
    external: ['better-sqlite3', 'rolldown'],
    platform: 'node',
    cwd: root,
    logLevel: 'warn',
  });
  await build.write({ file, format: 'esm', codeSplitting: false, minify: { compress: false, mangle: false } });
  return file;
}
