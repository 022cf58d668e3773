import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { buildImages, startOwnCloud } from './by-tag/embedded.ts';
import { describeByTag } from './by-tag/suite.ts';

describeByTag('embedded cloud', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-e2e-images-'));
  const cloud = await startOwnCloud();
  vi.stubEnv('OS_CLIENT_CONFIG_FILE', cloud.cloudsFile);
  return {
    settings: {
      ...{ cloud: 'kiln-dev', adminCloud: 'kiln-dev-admin', tenantCloud: 'kiln-dev-demo' },
      configurationFile: cloud.configurationFile,
      images: await buildImages(folder),
      ...{ vipSubnet: null, playGuests: null, shared: null },
    },
    async close() {
      await cloud.close();
      vi.unstubAllEnvs();
      rmSync(folder, { recursive: true, force: true });
    },
  };
});
