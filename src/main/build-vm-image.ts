import { chmod } from 'node:fs/promises';
import { resolve } from 'node:path';
import { buildVmImage } from '../adapters/vm-image/build.ts';
import type { BuildVmImageOptions, BuiltVmImageView } from '../cli/context.ts';
import { propertiesFileOf, renderImageProperties } from '../core/amphora/image-properties.ts';
import { writeFileAtomically } from '../lib/atomic-files.ts';
import type { BuildReport } from '../ports/build-report.ts';
import type { Clock } from '../ports/clock.ts';
import { checkImage, type ImageCheck } from './check-image.ts';

/** What the smallest flavor of an amphora has to have. */
const minimum = { minDiskGiB: 2, minRamMiB: 512 };

/** Builds a virtual machine image, boots it where that is asked for, and writes beside it what Glance shall know of it. */
export async function buildAndCheckVmImage(
  options: BuildVmImageOptions,
  tools: { clock: Clock; signal: AbortSignal; report: BuildReport; kilnVersion: string },
): Promise<BuiltVmImageView> {
  const { clock, signal, report, kilnVersion } = tools;
  const { outputFile, release, agent, cacheFolder, sourcesFile, checkWithinSeconds } = options;
  let checked: ImageCheck | null = null;
  const built = await buildVmImage({
    output: outputFile,
    release,
    agent,
    cacheFolder,
    sourcesFile,
    kilnVersion,
    signal,
    report,
    check:
      checkWithinSeconds === null
        ? null
        : async (disk) => {
            const consoleFile = `${resolve(outputFile)}.console.log`;
            const withinSeconds = checkWithinSeconds;
            checked = await checkImage({ disk, withinSeconds, consoleFile, memoryMiB: 1024, clock, signal, report });
          },
  });
  const propertiesFile = propertiesFileOf(built.file);
  const properties = {
    hw_architecture: 'x86_64',
    // Nova would attach the config drive over SATA where machines are q35, for which Debian's cloud kernel has no driver.
    hw_cdrom_bus: 'scsi',
    hw_scsi_model: 'virtio-scsi',
    kiln_agent: agent,
    kiln_packages_sha256: built.packagesHash,
    kiln_version: kilnVersion,
    ...(agent === 'octavia'
      ? { octavia_agent_version: built.agentVersion }
      : { kiln_node_version: process.versions.node }),
    os_distro: 'debian',
    os_type: 'linux',
    os_version: release,
  };
  await writeFileAtomically(propertiesFile, renderImageProperties({ sha512: built.sha512, ...minimum, properties }));
  // As the image itself: whoever pushes it need not be root.
  await chmod(propertiesFile, 0o644);
  return { ...built, agent, propertiesFile, properties, check: checked };
}
