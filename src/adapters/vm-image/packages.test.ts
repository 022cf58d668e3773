import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hashPackages, parsePackageList, parseSimulation } from './packages.ts';
import { recipeFolder } from './tree.ts';

const simulation = `Reading package lists...
Inst gcc-12-base (12.2.0-14+deb12u1 Debian:12.15/oldstable [amd64])
Conf gcc-12-base (12.2.0-14+deb12u1 Debian:12.15/oldstable [amd64])
Inst tar [1.33-1] (1.34+dfsg-1.2 Debian:12.15/oldstable, Debian-Security:12/oldstable-security [amd64]) [dpkg:amd64 ]
Inst adduser (3.134 Debian:12.15/oldstable [all]) []
Inst adduser (3.134 Debian:12.15/oldstable [all]) []
`;

it('reads what apt would install', () => {
  expect(parseSimulation(simulation)).toEqual([
    { name: 'adduser', version: '3.134', architecture: 'all' },
    { name: 'gcc-12-base', version: '12.2.0-14+deb12u1', architecture: 'amd64' },
    { name: 'tar', version: '1.34+dfsg-1.2', architecture: 'amd64' },
  ]);
  expect(parseSimulation('E: Unable to locate package octavia-agent')).toEqual([]);
});

it('has one hash for a set of versions, in any order', () => {
  const packages = parseSimulation(simulation);
  expect(hashPackages([...packages].reverse())).toBe(hashPackages(packages));
  const [first, ...others] = packages;
  expect(hashPackages(others)).not.toBe(hashPackages(packages));
  expect(hashPackages([{ name: 'adduser', version: '3.135', architecture: 'all' }, ...others])).not.toBe(
    hashPackages(packages),
  );
  expect(first?.name).toBe('adduser');
});

it.each([
  ['.', 'nftables'],
  ['agents/octavia', 'octavia-agent'],
  ['agents/kiln', 'keepalived'],
])('finds the recipe, whose list in %s names packages and nothing else', (folder, one) => {
  const packages = parsePackageList(readFileSync(join(recipeFolder ?? '', folder, 'packages'), 'utf8'));
  expect(packages).toContain(one);
  for (const name of packages) expect(name).toMatch(/^[a-z0-9][a-z0-9+.-]+$/);
});
