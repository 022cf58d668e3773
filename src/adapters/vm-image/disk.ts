import { open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KilnError } from '../../model/errors.ts';
import type { BuildReport } from '../../ports/build-report.ts';
import { bootCodeFile } from './host.ts';
import { runTool } from './run-tool.ts';
import { epochSeconds } from './tree.ts';

const mebibyte = 2 ** 20;
const sectorBytes = 512;

/** As Octavia's images: fits the smallest disk that amphorae's flavors have. The root file system grows with the flavor's disk. */
export const diskBytes = 2 * 2 ** 30;

/** A boot partition that syslinux can read, then the root file system up to the last MiB. In bytes. */
export const layout = {
  bootStart: mebibyte,
  bootSize: 95 * mebibyte,
  rootStart: 96 * mebibyte,
  rootSize: diskBytes - 97 * mebibyte,
} as const;

/** Every image has the same: a disk is never looked for by these beside another amphora's. */
const identifiers = {
  disk: '0x6b696c6e',
  bootSerial: '6b696c6e',
  root: '6b696c6e-0000-4000-8000-000000000001',
  hashSeed: '6b696c6e-0000-4000-8000-000000000002',
} as const;

const rootLabel = 'amphora-root';
/** Named one by one, so that the build machine's mke2fs.conf has no say. */
const rootFeatures =
  'none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,large_file,huge_file,dir_nlink,extra_isize,metadata_csum';

/** sfdisk's script. */
export function partitionTable(): string {
  const sectors = (bytes: number) => bytes / sectorBytes;
  return [
    'label: dos',
    `label-id: ${identifiers.disk}`,
    'unit: sectors',
    `1 : start=${sectors(layout.bootStart)}, size=${sectors(layout.bootSize)}, type=c, bootable`,
    `2 : start=${sectors(layout.rootStart)}, size=${sectors(layout.rootSize)}, type=83`,
    '',
  ].join('\n');
}

/** The kernel writes to both consoles; Nova's console log is of the serial one, which is named last and gets systemd's words. */
export function bootConfiguration(): string {
  return [
    'DEFAULT amphora',
    'PROMPT 0',
    'TIMEOUT 0',
    'LABEL amphora',
    '  KERNEL vmlinuz',
    `  APPEND initrd=initrd.img root=LABEL=${rootLabel} ro net.ifnames=0 loglevel=4 console=tty0 console=ttyS0,115200`,
    '',
  ].join('\n');
}

/**
 * debugfs's script that gives the first `count` inodes one time: mke2fs copies the times at which files were read and unpacked, which
 * differ from build to build. The time of a file's last change (mtime) is the archive's, and stays.
 */
export function fixedTimes(count: number): string {
  const lines: string[] = [];
  for (let inode = 1; inode <= count; inode++) {
    for (const field of ['atime', 'ctime', 'crtime']) lines.push(`sif <${inode}> ${field} @${epochSeconds}`);
  }
  return `${lines.join('\n')}\n`;
}

/**
 * Writes a raw disk that boots from `tree`, with neither a loop device nor a mount: the partition table, a FAT file system with
 * kernel and boot loader, and an ext4 file system made from the folder.
 */
export async function makeDisk(
  tree: string,
  disk: string,
  { workFolder, signal, report }: { workFolder: string; signal: AbortSignal; report: BuildReport },
): Promise<void> {
  const step = report.step('disk');
  const environment = {
    SOURCE_DATE_EPOCH: String(epochSeconds),
    E2FSPROGS_FAKE_TIME: String(epochSeconds),
    // Files of the build machine that would change what is made.
    MKE2FS_CONFIG: '/dev/null',
    MTOOLSRC: '/dev/null',
    MTOOLS_SKIP_CHECK: '1',
    TMPDIR: workFolder,
  };
  const run = (command: string, arguments_: readonly string[], input?: string) =>
    runTool(command, arguments_, { signal, environment, ...(input !== undefined && { input }) });
  try {
    await writeFile(disk, '');
    await withFile(disk, 'r+', (file) => file.truncate(diskBytes));
    await run('sfdisk', ['--quiet', disk], partitionTable());
    await makeRoot(tree, disk, run, workFolder);
    await makeBoot(tree, disk, run, workFolder);
  } catch (error) {
    step.fail();
    throw error;
  }
  step.done(`${diskBytes / 2 ** 30} GiB, ext4 and boot loader`);
}

type Run = (command: string, arguments_: readonly string[], input?: string) => Promise<string>;

async function makeRoot(tree: string, disk: string, run: Run, workFolder: string): Promise<void> {
  const blockBytes = 4096;
  await run('mke2fs', [
    ...['-q', '-F', '-t', 'ext4', '-b', String(blockBytes), '-I', '256', '-i', '16384', '-m', '1'],
    ...['-O', rootFeatures, '-L', rootLabel, '-U', identifiers.root],
    ...[
      '-E',
      `offset=${layout.rootStart},hash_seed=${identifiers.hashSeed},root_owner=0:0,lazy_itable_init=0,nodiscard`,
    ],
    ...['-d', tree, disk, String(layout.rootSize / blockBytes)],
  ]);
  const device = `${disk}?offset=${layout.rootStart}`;
  const header = await run('dumpe2fs', ['-h', device]);
  const script = join(workFolder, 'times');
  await writeFile(script, fixedTimes(numberIn(header, 'Inode count') - numberIn(header, 'Free inodes')));
  await run('debugfs', ['-w', '-f', script, device]);
}

function numberIn(header: string, name: string): number {
  const found = new RegExp(`^${name}:\\s+(\\d+)$`, 'm').exec(header)?.[1];
  if (found === undefined) throw new KilnError('IMAGE_BUILD_FAILED', `dumpe2fs shows no "${name}"`);
  return Number(found);
}

async function makeBoot(tree: string, disk: string, run: Run, workFolder: string): Promise<void> {
  const kernel = (await readdir(join(tree, 'boot')))
    .filter((name) => name.startsWith('vmlinuz-'))
    .sort()
    .at(-1);
  if (kernel === undefined) throw new KilnError('IMAGE_BUILD_FAILED', 'the tree has no kernel in /boot');
  const initialRoot = kernel.replace('vmlinuz', 'initrd.img');
  const configuration = join(workFolder, 'syslinux.cfg');
  await writeFile(configuration, bootConfiguration());
  const at = `${disk}@@${layout.bootStart}`;
  const sectors = layout.bootSize / sectorBytes;
  await run('mformat', [
    ...['-i', at, '-T', String(sectors), '-h', '64', '-s', '32', '-H', String(layout.bootStart / sectorBytes)],
    ...['-N', identifiers.bootSerial, '-v', 'KILN-BOOT', '::'],
  ]);
  await run('mcopy', ['-i', at, join(tree, 'boot', kernel), '::vmlinuz']);
  await run('mcopy', ['-i', at, join(tree, 'boot', initialRoot), '::initrd.img']);
  await run('mcopy', ['-i', at, configuration, '::syslinux.cfg']);
  await run('syslinux', ['--install', '--offset', String(layout.bootStart), disk]);
  // The first sector's code: it starts what is in the partition that is marked as bootable. The table behind it is sfdisk's.
  const code = await readFile(bootCodeFile);
  await withFile(disk, 'r+', (file) => file.write(code, 0, Math.min(code.length, 440), 0));
}

async function withFile(
  path: string,
  flags: string,
  use: (file: Awaited<ReturnType<typeof open>>) => Promise<unknown>,
) {
  const file = await open(path, flags);
  try {
    await use(file);
  } finally {
    await file.close();
  }
}

/** The disk as qcow2, compressed. */
export async function convertDisk(
  disk: string,
  output: string,
  { signal, report }: { signal: AbortSignal; report: BuildReport },
): Promise<void> {
  const transfer = report.transfer('qcow2', diskBytes);
  try {
    await runTool('qemu-img', ['convert', '-p', '-c', '-f', 'raw', '-O', 'qcow2', '-o', 'compat=1.1', disk, output], {
      signal,
      onOutput: (text) => {
        const percent = /.*\((\d+(?:\.\d+)?)\/100%\)/s.exec(text)?.[1];
        if (percent !== undefined) transfer.update(Math.round((Number(percent) / 100) * diskBytes));
      },
    });
  } catch (error) {
    transfer.fail();
    throw error;
  }
  transfer.done();
}
