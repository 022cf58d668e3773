import { createHash } from 'node:crypto';

export interface DebianPackage {
  name: string;
  version: string;
  architecture: string;
}

/** What `apt-get --simulate` would install: lines such as "Inst tar (1.34 Debian:12.1/stable [amd64]) []". Sorted by name. */
export function parseSimulation(output: string): DebianPackage[] {
  const found = output.matchAll(/^Inst (\S+) (?:\[\S+\] )?\((\S+) .*?\[(\w+)\]\)/gm);
  const packages = new Map<string, DebianPackage>();
  for (const [, name = '', version = '', architecture = ''] of found)
    packages.set(name, { name, version, architecture });
  return [...packages.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The lines of recipe/packages that name one. */
export function parsePackageList(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

/** One hash for a set of packages and their versions, whatever the order. Hexadecimal SHA-256. */
export function hashPackages(packages: readonly DebianPackage[]): string {
  const lines = packages.map(({ name, version, architecture }) => `${name} ${version} ${architecture}\n`).sort();
  return createHash('sha256').update(lines.join('')).digest('hex');
}
