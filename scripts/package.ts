/**
 * `npm run package`: what an operator installs, into `packages/` or `--output FOLDER`: a Debian package, a tarball, an OCI image archive,
 * a software bill of materials and SHA256SUMS. The same commit gives the same bytes. `--only deb,tarball,sbom,container` makes a part;
 * `--fast` compresses less.
 */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureDebianPackages } from './debian-packages.ts';
import { packContainer } from './package/container.ts';
import { packDebian } from './package/debian.ts';
import { billOfMaterials } from './package/inventory.ts';
import { programs, projectRoot, stageUsr } from './package/stage.ts';
import { archive, sha256, Tree } from './package/tree.ts';

const kinds = ['deb', 'tarball', 'sbom', 'container'] as const;
const { values } = parseArgs({
  options: { output: { type: 'string' }, only: { type: 'string' }, fast: { type: 'boolean' } },
});
const wanted = new Set(values.only?.split(',') ?? kinds);
const unknown = [...wanted].filter((kind) => !kinds.some((one) => one === kind));
if (unknown.length > 0) {
  console.error(`--only: unknown: ${unknown.join(', ')}. Allowed: ${kinds.join(', ')}, with commas between them.`);
  process.exit(2);
}
if (process.arch !== 'x64') {
  console.error(
    `packages are made for amd64, on amd64; this machine is ${process.arch}. From the sources Kiln runs here: see docs/install.md.`,
  );
  process.exit(2);
}
ensureDebianPackages(['dpkg', 'xz-utils', ...(wanted.has('container') ? ['mmdebstrap'] : [])]);

const output = resolve(values.output ?? join(projectRoot, 'packages'));
const work = mkdtempSync(join(tmpdir(), 'kiln-package-'));
const started = Date.now();
try {
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  const dist = join(work, 'dist');
  say('build');
  execFileSync(process.execPath, [join(projectRoot, 'scripts/build.ts'), '--quiet', '--output', dist], {
    stdio: 'inherit',
  });
  const usr = new Tree(join(work, 'usr'));
  const build = stageUsr(usr.root, dist);
  usr.seal(programs, build.epochSeconds);
  const deb = join(output, `kiln_${build.version}_amd64.deb`);
  if (wanted.has('sbom')) writeFileSync(join(output, `kiln-${build.version}.cdx.json`), billOfMaterials(build, dist));
  if (wanted.has('tarball')) {
    say('tarball');
    const name = `kiln-${build.version}-linux-x64`;
    await archive(usr, join(output, `${name}.tar.gz`), { epochSeconds: build.epochSeconds, gzip: true, prefix: name });
  }
  if (wanted.has('deb') || wanted.has('container')) {
    say('Debian package');
    packDebian(build, join(work, 'deb'), usr.root, deb, values.fast ? 0 : 3);
  }
  if (wanted.has('container')) {
    say('container image (Debian 12 is fetched)');
    await packContainer(build, join(work, 'container'), deb, join(output, `kiln-${build.version}.oci.tar`));
    copyFileSync(join(projectRoot, 'packaging/container/Containerfile'), join(output, 'Containerfile'));
  }
  if (!wanted.has('deb')) rmSync(deb, { force: true });
  const files = readdirSync(output).sort();
  const sum = (file: string) => sha256(readFileSync(join(output, file)));
  const lines = files.map((file) => `${sum(file)}  ${file}\n`);
  writeFileSync(join(output, 'SHA256SUMS'), lines.join(''));
  for (const file of files)
    console.log(`${(statSync(join(output, file)).size / 2 ** 20).toFixed(1).padStart(7)} MiB  ${join(output, file)}`);
} finally {
  rmSync(work, { recursive: true, force: true });
}

function say(what: string): void {
  console.error(`${((Date.now() - started) / 1000).toFixed(1).padStart(6)}s  ${what}`);
}
