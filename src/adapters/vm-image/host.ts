import { accessSync, constants, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { KilnError } from '../../model/errors.ts';
import { formatMebibytes } from './format.ts';
import { toolPath } from './run-tool.ts';

/** The code of the first sector, as Debian's syslinux has it. */
export const bootCodeFile = '/usr/lib/SYSLINUX/mbr.bin';

/** Which Debian package has each program that a build runs, and the one file that it reads. */
const buildTools: Readonly<Record<string, string>> = {
  mmdebstrap: 'mmdebstrap',
  'apt-get': 'apt',
  'dpkg-query': 'dpkg',
  tar: 'tar',
  sfdisk: 'fdisk',
  mke2fs: 'e2fsprogs',
  debugfs: 'e2fsprogs',
  dumpe2fs: 'e2fsprogs',
  mformat: 'mtools',
  mcopy: 'mtools',
  syslinux: 'syslinux',
  [bootCodeFile]: 'syslinux',
  'qemu-img': 'qemu-utils',
};
const checkTools: Readonly<Record<string, string>> = {
  'qemu-system-x86_64': 'qemu-system-x86',
  genisoimage: 'genisoimage',
};

/** What there is of the machine, as `unsuitable` judges it. */
export interface BuildHost {
  isRoot: boolean;
  /** `ID` of /etc/os-release; null where there is none. */
  system: string | null;
  /** As Node names it. */
  architecture: string;
  missingTools: readonly string[];
}

/** @returns why the machine can't build, with what to do; null if it can. */
export function unsuitable(host: BuildHost): { message: string; advice: string } | null {
  if (host.architecture !== 'x64') {
    return {
      message: `images are built for amd64, on amd64; this machine is ${host.architecture}`,
      advice: 'Build on an amd64 machine; the image is a file that can be copied.',
    };
  }
  if (host.system !== 'debian') {
    return {
      message: `images are built on Debian, with its tools and keys; this machine runs ${host.system ?? 'something else'}`,
      advice: 'Build on Debian 12, in a virtual machine or a privileged container if need be.',
    };
  }
  if (!host.isRoot) {
    return {
      message: 'building a virtual machine image needs root: the files in it have owners of their own',
      advice: 'Run the same command as root: `sudo kiln image build --type vm …`.',
    };
  }
  if (host.missingTools.length === 0) return null;
  const packages = [...new Set(host.missingTools.map((tool) => buildTools[tool] ?? checkTools[tool] ?? tool))];
  return {
    message: `these are missing: ${host.missingTools.join(', ')}`,
    advice: `Install them: \`apt-get install --no-install-recommends ${packages.sort().join(' ')}\`.`,
  };
}

/** @param check whether the image shall be booted. @throws BUILD_HOST_UNSUITABLE */
export function requireBuildHost(check: boolean): void {
  const tools = [...Object.keys(buildTools), ...(check ? Object.keys(checkTools) : [])];
  const fault = unsuitable({
    isRoot: process.getuid?.() === 0,
    system: systemId(),
    architecture: process.arch,
    missingTools: tools.filter((tool) => !hasTool(tool)),
  });
  if (fault) throw new KilnError('BUILD_HOST_UNSUITABLE', fault.message, { advice: fault.advice });
}

/** Before minutes are spent: a disk that will be full. */
export async function requireRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= bytes) return;
  throw new KilnError(
    'BUILD_HOST_UNSUITABLE',
    `${folder} has ${formatMebibytes(bavail * bsize)} free, and the build needs ${formatMebibytes(bytes)} there`,
    { advice: 'Make room, or name another folder.' },
  );
}

function systemId(): string | null {
  try {
    return /^ID="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? null;
  } catch {
    return null;
  }
}

const hasTool = (name: string) =>
  name.startsWith('/')
    ? mayUse(name, constants.R_OK)
    : toolPath.split(':').some((folder) => mayUse(join(folder, name), constants.X_OK));

function mayUse(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
