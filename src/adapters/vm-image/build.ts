import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { writeFileAtomically } from '../../lib/atomic-files.ts';
import { KilnError } from '../../model/errors.ts';
import type { BuildReport } from '../../ports/build-report.ts';
import { type InstalledPackage, renderBillOfMaterials } from './bill-of-materials.ts';
import { convertDisk, diskBytes, makeDisk } from './disk.ts';
import { requireBuildHost, requireRoom } from './host.ts';
import { installOwnAgent, ownComponents } from './own-agent.ts';
import { hashPackages } from './packages.ts';
import { epochSeconds, installedPackages, provideTree, treeBytes, unpackTree, type VmAgent } from './tree.ts';

export interface VmImageOptions {
  output: string;
  release: string;
  agent: VmAgent;
  cacheFolder: string;
  sourcesFile: string | null;
  kilnVersion: string;
  signal: AbortSignal;
  report: BuildReport;
  /** Boots the finished disk before it takes its place; null: it is not booted. */
  check: ((disk: string) => Promise<void>) | null;
}

export interface BuiltVmImage {
  file: string;
  sizeBytes: number;
  /** Hexadecimal, as Glance's os_hash_value. */
  sha512: string;
  release: string;
  packageCount: number;
  /** Hexadecimal SHA-256 over names and versions of all packages. */
  packagesHash: string;
  agentVersion: string;
  haproxyVersion: string;
  billOfMaterialsFile: string;
  treeFromCache: boolean;
}

/** Neither in memory nor short of room, as /tmp may be. */
const workParent = '/var/tmp';

/**
 * Builds a bootable amphora from Debian's packages into `output`, and its bill of materials beside it. The same packages give the same
 * bytes. What is there already is replaced at once, at the end; when anything fails or `signal` is aborted nothing is left but the
 * cache. BUILD_HOST_UNSUITABLE when this machine can't, IMAGE_BUILD_FAILED when a tool fails.
 */
export async function buildVmImage(options: VmImageOptions): Promise<BuiltVmImage> {
  const { release, agent, cacheFolder, sourcesFile, kilnVersion, signal, report, check } = options;
  requireBuildHost(check !== null);
  const file = resolve(options.output);
  await mkdir(dirname(file), { recursive: true });
  await mkdir(cacheFolder, { recursive: true });
  await Promise.all([requireRoom(workParent, treeBytes + diskBytes), requireRoom(cacheFolder, treeBytes)]);
  const workFolder = await mkdtemp(join(workParent, 'kiln-image-'));
  const partial = `${file}.${process.pid}.partial`;
  try {
    const tools = { workFolder, signal, report };
    const { archive, fromCache } = await provideTree({ release, agent, sourcesFile, cacheFolder, ...tools });
    const tree = join(workFolder, 'tree');
    await unpackTree(archive, tree, signal, report);
    if (agent === 'kiln') await installOwnAgent(tree, signal);
    const packages = await installedPackages(tree, signal);
    const disk = join(workFolder, 'disk.raw');
    await makeDisk(tree, disk, tools);
    await rm(tree, { recursive: true });
    await convertDisk(disk, partial, tools);
    await rm(disk);
    const sha512 = await hashFile(partial, signal);
    if (check) await check(partial);
    const billOfMaterialsFile = `${file}.cdx.json`;
    const image = { name: basename(file), sha512, kilnVersion, release, builtAt };
    await writeFileAtomically(
      billOfMaterialsFile,
      renderBillOfMaterials(image, packages, agent === 'kiln' ? ownComponents(kilnVersion) : []),
    );
    await chmod(billOfMaterialsFile, 0o644);
    await rename(partial, file);
    return {
      file,
      sizeBytes: (await stat(file)).size,
      sha512,
      release,
      packageCount: packages.length,
      packagesHash: hashPackages(packages),
      agentVersion: agent === 'kiln' ? kilnVersion : versionOf(packages, 'octavia-agent'),
      haproxyVersion: versionOf(packages, 'haproxy'),
      billOfMaterialsFile,
      treeFromCache: fromCache,
    };
  } finally {
    report.status(null);
    await rm(partial, { force: true });
    await rm(workFolder, { recursive: true, force: true });
  }
}

const builtAt = new Date(epochSeconds * 1000).toISOString();

function versionOf(packages: readonly InstalledPackage[], name: string): string {
  const found = packages.find((one) => one.name === name);
  if (found) return found.version;
  throw new KilnError('IMAGE_BUILD_FAILED', `the tree has no package ${name}`);
}

async function hashFile(file: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha512');
  await pipeline(createReadStream(file, { highWaterMark: 2 ** 20 }), hash, { signal });
  return hash.digest('hex');
}
