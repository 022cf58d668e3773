import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildInfo } from '../model/build.ts';

/** A bundle has `build.json` beside it (`scripts/build.ts` writes it); the sources have package.json. */
export function readBuildInfo(): BuildInfo {
  const built = join(import.meta.dirname, 'build.json');
  if (existsSync(built)) return JSON.parse(readFileSync(built, 'utf8')) as BuildInfo;
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as BuildInfo;
  return { version, commit: null, builtAt: null };
}
