/**
 * `sh scripts/node24.sh scripts/complete-lockfile.ts`: names in package-lock.json the packages of other platforms that npm left out.
 * npm leaves out an optional package that its registry doesn't have (a mirror that keeps Linux alone, say); `npm ci` of
 * npm 11 then calls the lockfile out of step and installs nothing. What is added here is never installed on Linux, so
 * version and platform are enough. Run it after a change of dependencies; test/lockfile.test.ts tells when it is due.
 */
import { readFileSync, writeFileSync } from 'node:fs';

interface LockedPackage {
  version?: string;
  dev?: boolean;
  optionalDependencies?: Record<string, string>;
}

/** The part of package-lock.json (version 3) that matters here: packages by path, the project itself under "". */
export interface Lockfile {
  packages: Record<string, LockedPackage>;
}

interface MissingPackage {
  path: string;
  name: string;
  version: string;
  dev: boolean;
}

/** Optional packages with an exact version that the lockfile has no entry for, with the path each would have. */
export function missingPackages({ packages }: Lockfile): MissingPackage[] {
  const missing = new Map<string, MissingPackage>();
  for (const [parent, { optionalDependencies = {}, dev = false }] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      if (!/^\d/.test(version)) continue;
      const versionAt = (path: string) => packages[path]?.version ?? missing.get(path)?.version;
      const found = placesOf(parent, name).map(versionAt).find(Boolean);
      if (found === version) continue;
      // Of another version above: its own goes below the package that wants it.
      const path = found === undefined ? `node_modules/${name}` : `${parent}/node_modules/${name}`;
      missing.set(path, { path, name, version, dev });
    }
  }
  return [...missing.values()];
}

/** Where Node.js looks for a package, nearest first. */
function placesOf(parent: string, name: string): string[] {
  const folders = [parent];
  for (let at = parent; at !== ''; folders.push(at)) at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1));
  return folders.map((folder) => `${folder === '' ? '' : `${folder}/`}node_modules/${name}`);
}

const systems = ['android', 'darwin', 'linux', 'win32', 'freebsd', 'openharmony', 'netbsd', 'openbsd', 'sunos', 'aix'];
const processors = ['arm64', 'x64', 'ia32', 'riscv64', 's390x', 'ppc64', 'loong64', 'wasm32', 'arm'];

/** A package of this kind has its platform in its name: `binding-linux-arm64-musl`. */
function entryOf({ name, version, dev }: MissingPackage): object {
  const words = name.split(/[/-]/);
  const os = systems.filter((word) => words.includes(word));
  const cpu = processors.filter((word) => words.includes(word));
  if (cpu.length === 0) throw new Error(`${name} does not name a platform: it has to be installable`);
  const libc = os[0] !== 'linux' ? [] : /musl/.test(name) ? ['musl'] : /gnu/.test(name) ? ['glibc'] : [];
  return {
    version,
    cpu,
    ...(dev ? { dev } : {}),
    ...(libc.length > 0 ? { libc } : {}),
    optional: true,
    ...(os.length > 0 ? { os } : {}),
  };
}

if (import.meta.main) {
  const lockfile = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lockfile;
  const missing = missingPackages(lockfile);
  const added = missing.map((one): [string, LockedPackage] => [one.path, entryOf(one) as LockedPackage]);
  const inOrder = [...Object.entries(lockfile.packages), ...added].sort(([a], [b]) => a.localeCompare(b, 'en'));
  writeFileSync(
    'package-lock.json',
    `${JSON.stringify({ ...lockfile, packages: Object.fromEntries(inOrder) }, null, 2)}\n`,
  );
  console.log(`${added.length} packages of other platforms added to package-lock.json`);
}
