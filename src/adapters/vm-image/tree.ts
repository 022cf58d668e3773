import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { KilnError } from '../../model/errors.ts';
import type { BuildReport } from '../../ports/build-report.ts';
import { type InstalledPackage, installedFormat, parseInstalled } from './bill-of-materials.ts';
import { hashPackages, parsePackageList, parseSimulation } from './packages.ts';
import { interrupted, runTool, toolPath } from './run-tool.ts';

/** Where scripts and files of the image stand: beside the bundle (scripts/build.ts copies them), or beside this source. */
export const recipeFolder = [join(import.meta.dirname, 'vm-image'), join(import.meta.dirname, 'recipe')].find(
  (folder) => existsSync(join(folder, 'prepare.sh')),
);

/** All that is made has this time at most: the same packages give the same bytes, whenever they are put together. */
export const epochSeconds = 1_767_225_600;
/** A tree while it is being made, and as an archive. */
export const treeBytes = 1.5 * 2 ** 30;

/** Folder of the recipe that makes the tree an amphora with one agent or the other. */
export type VmAgent = 'octavia' | 'kiln';

export interface TreeOptions {
  agent: VmAgent;
  release: string;
  /** File with apt's sources, instead of Debian's own; null for those. */
  sourcesFile: string | null;
  cacheFolder: string;
  /** For what lasts only as long as the build. */
  workFolder: string;
  signal: AbortSignal;
  report: BuildReport;
}

export interface Tree {
  /** An archive of the whole tree. */
  archive: string;
  fromCache: boolean;
}

/**
 * Debian's packages as a tree that is an amphora, from the cache where these versions were put together before. Which versions there
 * are is asked each time, so that a security update makes a new tree. Other trees of the release leave the cache.
 */
export async function provideTree(options: TreeOptions): Promise<Tree> {
  const { release, agent, sourcesFile, cacheFolder, workFolder, signal, report } = options;
  const recipe = requireRecipe();
  const included = (
    await Promise.all(['.', join('agents', agent)].map((folder) => readFile(join(recipe, folder, 'packages'), 'utf8')))
  ).flatMap(parsePackageList);
  const arguments_ = [
    '--mode=root',
    '--variant=minbase',
    '--verbose',
    '--aptopt=APT::Install-Recommends "false"',
    '--dpkgopt=force-unsafe-io',
    // Copyright files stay: they have to go with every copy.
    '--dpkgopt=path-exclude=/usr/share/doc/*',
    '--dpkgopt=path-include=/usr/share/doc/*/copyright',
    '--dpkgopt=path-exclude=/usr/share/man/*',
    '--dpkgopt=path-exclude=/usr/share/info/*',
    '--dpkgopt=path-exclude=/usr/share/locale/*',
    `--include=${included.join(',')}`,
    `--customize-hook=sh '${join(recipe, 'prepare.sh').replaceAll("'", "'\\''")}' "$1" ${agent}`,
  ];
  const sources = sourcesFile === null ? [] : [sourcesFile];
  const environment = { SOURCE_DATE_EPOCH: String(epochSeconds), TMPDIR: workFolder };

  const asking = report.step('versions');
  let simulation = '';
  await runTool('mmdebstrap', ['--simulate', ...arguments_, release, '/dev/null', ...sources], {
    signal,
    environment,
    // apt's words come on standard error, among mmdebstrap's own.
    onOutput: (text) => {
      simulation += text;
    },
  }).catch((error: unknown) => {
    asking.fail();
    throw error;
  });
  const packages = parseSimulation(simulation);
  if (packages.length === 0) {
    asking.fail();
    throw new KilnError('IMAGE_BUILD_FAILED', 'mmdebstrap named no packages that it would install');
  }
  const key = createHash('sha256')
    .update(
      `${release}\n${arguments_.slice(0, -1).join('\n')}\n${hashPackages(packages)}\n${await hashFolder(recipe)}\n${agent}`,
    )
    .digest('hex')
    .slice(0, 16);
  asking.done(`${packages.length} packages of ${release}`);

  await mkdir(cacheFolder, { recursive: true });
  const prefix = agent === 'octavia' ? `tree-${release}-` : `tree-${agent}-${release}-`;
  const archive = join(cacheFolder, `${prefix}${key}.tar`);
  if (existsSync(archive)) return { archive, fromCache: true };

  const building = report.step('tree');
  const partial = `${archive}.${process.pid}.partial.tar`;
  let unpacked = 0;
  try {
    await runTool('mmdebstrap', [...arguments_, release, partial, ...sources], {
      signal,
      environment,
      onOutput: (text) => {
        unpacked += text.match(/^Setting up /gm)?.length ?? 0;
        if (unpacked > 0) report.status(`  ${unpacked} of ${packages.length} packages set up`);
      },
    });
    report.status(null);
    await rename(partial, archive);
  } catch (error) {
    building.fail();
    await rm(partial, { force: true });
    throw error;
  }
  building.done(archive);
  const others = (await readdir(cacheFolder)).filter(
    (name) => name.startsWith(prefix) && join(cacheFolder, name) !== archive,
  );
  await Promise.all(others.map((name) => rm(join(cacheFolder, name), { force: true })));
  return { archive, fromCache: false };
}

/** Unpacks the archive with owners, modes and capabilities as they are. */
export async function unpackTree(
  archive: string,
  folder: string,
  signal: AbortSignal,
  report: BuildReport,
): Promise<void> {
  await mkdir(folder);
  const { size } = await stat(archive);
  const transfer = report.transfer('unpack', size);
  const arguments_ = [
    '--extract',
    '--numeric-owner',
    '--same-owner',
    '--same-permissions',
    '--xattrs',
    '--xattrs-include=*',
  ];
  const tar = spawn('tar', [...arguments_, '--directory', folder], {
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { PATH: toolPath, LC_ALL: 'C.UTF-8' },
    signal,
  });
  let complaint = '';
  tar.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-2000);
  });
  const ended = new Promise<void>((resolve, reject) => {
    tar.once('error', reject);
    tar.once('close', (status) =>
      status === 0 ? resolve() : reject(new Error(`tar ended with status ${status}: ${complaint.trim()}`)),
    );
  });
  let read = 0;
  try {
    const source = createReadStream(archive, { highWaterMark: 2 ** 20 });
    source.on('data', (chunk) => {
      read += chunk.length;
      transfer.update(read);
    });
    // tar's own words say more than a broken pipe does.
    await Promise.all([ended, pipeline(source, tar.stdin, { signal }).catch(() => undefined)]);
  } catch (cause) {
    transfer.fail();
    if (signal.aborted) throw interrupted();
    throw new KilnError('IMAGE_BUILD_FAILED', `the tree can't be unpacked: ${(cause as Error).message}`, { cause });
  }
  transfer.done();
}

/** What dpkg knows of in the tree. */
export async function installedPackages(folder: string, signal: AbortSignal): Promise<InstalledPackage[]> {
  const admin = `--admindir=${join(folder, 'var/lib/dpkg')}`;
  return parseInstalled(await runTool('dpkg-query', [admin, '--show', `--showformat=${installedFormat}`], { signal }));
}

function requireRecipe(): string {
  if (recipeFolder !== undefined) return recipeFolder;
  throw new KilnError('INTERNAL', 'the scripts of the image are not where this Kiln is installed');
}

/** Of all files' paths and contents. */
async function hashFolder(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const hash = createHash('sha256');
  for (const path of paths.sort())
    hash
      .update(`${path.slice(folder.length)}\n`)
      .update(await readFile(path))
      .update('\n');
  return hash.digest('hex');
}
