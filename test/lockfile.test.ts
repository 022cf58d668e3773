import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { type Lockfile, missingPackages } from '../scripts/complete-lockfile.ts';

const root = new URL('../', import.meta.url);
const lockfile = JSON.parse(readFileSync(new URL('package-lock.json', root), 'utf8')) as Lockfile;

it('has an entry for every optional package, or npm 11 installs nothing (else: sh scripts/node24.sh scripts/complete-lockfile.ts)', () => {
  expect(missingPackages(lockfile).map(({ path }) => path)).toEqual([]);
});

it('names no host', () => {
  expect(JSON.stringify(lockfile)).not.toContain('"resolved"');
});

it('finds what is missing, below the package that wants another version', () => {
  const packages: Lockfile['packages'] = {
    '': { version: '1.0.0' },
    'node_modules/a': { version: '1.0.0', optionalDependencies: { 'b-linux-x64': '2.0.0', 'b-darwin-x64': '2.0.0' } },
    'node_modules/b-linux-x64': { version: '2.0.0' },
    'node_modules/c/node_modules/a': { version: '3.0.0', dev: true, optionalDependencies: { 'b-linux-x64': '3.0.0' } },
  };
  expect(missingPackages({ packages })).toEqual([
    { path: 'node_modules/b-darwin-x64', name: 'b-darwin-x64', version: '2.0.0', dev: false },
    {
      path: 'node_modules/c/node_modules/a/node_modules/b-linux-x64',
      name: 'b-linux-x64',
      version: '3.0.0',
      dev: true,
    },
  ]);
});
