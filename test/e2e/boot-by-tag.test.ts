import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildAmphoraImage } from '../../src/adapters/amphora-image/build.ts';
import { startCloud } from '../../src/dev-cloud/cloud.ts';
import { describeBootByTag } from '../kit/boot-by-tag.ts';

describeBootByTag('embedded cloud', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-e2e-'));
  const cloud = await startCloud({ stateDirectory: join(folder, 'cloud') });
  const built = await buildAmphoraImage({ output: join(folder, 'amphora.img'), name: 'amphora', version: '1.0' });
  return {
    configurationFile: cloud.configurationFile,
    imageData: readFileSync(built.file),
    smallFlavorId: '1',
    async close() {
      await cloud.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
});
