import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildAmphoraImage } from '../../../src/adapters/amphora-image/build.ts';
import { startCloud } from '../../../src/dev-cloud/cloud.ts';

/** Two images that differ, for clouds whose servers are processes on this machine. */
export async function buildImages(folder: string): Promise<{ old: string; new: string }> {
  const build = async (version: string) => {
    const output = join(folder, `amphora-${version}.img`);
    return (await buildAmphoraImage({ output, name: 'amphora', version })).file;
  };
  return { old: await build('1.0'), new: await build('2.0') };
}

/** An embedded cloud in this process, with a folder of its own, for one run. */
export async function startOwnCloud(): Promise<{
  cloudsFile: string;
  configurationFile: string;
  close(): Promise<void>;
}> {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-e2e-cloud-'));
  const { cloudsFile, configurationFile, close } = await startCloud({ stateDirectory: folder });
  return {
    cloudsFile,
    configurationFile,
    async close() {
      await close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
