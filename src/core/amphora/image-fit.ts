import type { ComputeFlavor } from '../../model/compute.ts';
import type { Image } from '../../model/image.ts';

const BYTES_PER_GIB = 1024 ** 3;

/**
 * Why Nova would refuse to boot the image with this flavor; empty when it fits. The conditions are Nova's own
 * (nova/compute/api.py, checks of image requirements): RAM, and, unless the flavor's root disk is 0, disk and size.
 */
export function imageMisfits(image: Image, flavor: ComputeFlavor): string[] {
  const misfits: string[] = [];
  if (image.minRamMiB > flavor.ramMiB) {
    misfits.push(`the image asks for ${image.minRamMiB} MiB of memory (min_ram), the flavor has ${flavor.ramMiB} MiB`);
  }
  if (flavor.diskGiB > 0) {
    if (image.minDiskGiB > flavor.diskGiB) {
      misfits.push(
        `the image asks for ${image.minDiskGiB} GiB of disk (min_disk), the flavor has ${flavor.diskGiB} GiB`,
      );
    }
    if (image.sizeBytes !== null && image.sizeBytes > flavor.diskGiB * BYTES_PER_GIB) {
      misfits.push(
        `the image is ${(image.sizeBytes / BYTES_PER_GIB).toFixed(1)} GiB large, the flavor's disk ${flavor.diskGiB} GiB`,
      );
    }
  }
  return misfits;
}

/** Extra specs that name the architecture a flavor is meant for, first match wins. */
const architectureSpecs = [
  'hw_architecture',
  'hw:architecture',
  'capabilities:cpu_info:arch',
  'capabilities:architecture',
];

/** The architecture that the flavor demands, in Nova's spelling; null when it demands none or we can't read it. */
export function architectureOf(flavor: ComputeFlavor): string | null {
  for (const spec of architectureSpecs) {
    const value = flavor.extraSpecs[spec];
    // Nova's filters allow operators ("s== x86_64", "<or> x86_64 <or> aarch64"); only plain equality binds an image.
    const plain = value && /^(?:s==\s*)?([\w-]+)$/.exec(value.trim());
    if (plain) return normalArchitecture(plain[1] ?? null);
  }
  return null;
}

const aliases: Readonly<Record<string, string>> = {
  amd64: 'x86_64',
  'x86-64': 'x86_64',
  x64: 'x86_64',
  arm64: 'aarch64',
};

/** One spelling for each architecture: Debian's and Docker's names become Nova's. */
export function normalArchitecture(name: string | null): string | null {
  if (!name) return null;
  const lower = name.toLowerCase();
  return aliases[lower] ?? lower;
}
