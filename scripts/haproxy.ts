import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureDebianPackages, mayInstall } from './debian-packages.ts';

const installed = '/usr/sbin/haproxy';
const cache = join(import.meta.dirname, '..', 'node_modules', '.cache', 'haproxy');
/** HAProxy, and of what it needs that which a small Debian lacks. */
const packages = ['haproxy', 'liblua5.3-0', 'libopentracing-c-wrapper0', 'libopentracing1'];

/**
 * Path of a HAProxy that runs: Debian's, installed by root or `sudo -n`; for anybody else Debian's packages are unpacked
 * into a folder of the project, which needs no rights. Ends the process when neither can be done.
 */
export function ensureHaproxy(): string {
  if (existsSync(installed)) return installed;
  if (mayInstall()) {
    ensureDebianPackages(['haproxy']);
    return installed;
  }
  const program = join(cache, 'haproxy');
  if (!runs(program) && !unpack(program)) ensureDebianPackages(['haproxy']); // Says what an administrator has to run.
  return program;
}

const runs = (program: string) => existsSync(program) && spawnSync(program, ['-v']).status === 0;

function unpack(program: string): boolean {
  console.error('unpacking HAProxy into node_modules/.cache (once)');
  const root = join(cache, 'root');
  for (const folder of [root, join(cache, 'lists', 'partial'), join(cache, 'archives', 'partial')]) {
    mkdirSync(folder, { recursive: true });
  }
  const apart = [
    ...['-o', `Dir::State::lists=${join(cache, 'lists')}`, '-o', `Dir::Cache=${cache}`],
    ...['-o', 'Debug::NoLocking=1', '-q'],
  ];
  const apt = (...words: string[]) => spawnSync('apt-get', [...apart, ...words], { cwd: cache }).status === 0;
  if (!apt('update') || !apt('download', ...packages)) return false;
  for (const file of readdirSync(cache).filter((name) => name.endsWith('.deb'))) {
    if (spawnSync('dpkg-deb', ['-x', join(cache, file), root]).status !== 0) return false;
  }
  const libraries = spawnSync('find', [root, '-name', '*.so*', '-printf', '%h\\n'], { encoding: 'utf8' }).stdout;
  const paths = [...new Set(libraries.trim().split('\n'))].join(':');
  writeFileSync(program, `#!/bin/sh\nLD_LIBRARY_PATH='${paths}' exec '${root}${installed}' "$@"\n`);
  chmodSync(program, 0o755);
  return runs(program);
}
