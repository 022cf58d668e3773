import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { buildImages } from '../e2e/by-tag/embedded.ts';
import { describeByTag } from '../e2e/by-tag/suite.ts';
import { makeVirtualHost } from '../kit/broker.ts';
import { readTestbed } from '../kit/testbed-access.ts';

describeByTag('test bed, two API and two worker processes', async () => {
  const { files, database } = readTestbed();
  const folder = mkdtempSync(join(tmpdir(), 'kiln-e2e-images-'));
  const broker = await makeVirtualHost();
  vi.stubEnv('OS_CLIENT_CONFIG_FILE', files.cloudsYaml);
  const { user, password, host, port } = database;
  return {
    settings: {
      ...{ cloud: 'testbed', adminCloud: 'testbed-admin', tenantCloud: 'testbed-demo' },
      configurationFile: files.octaviaConf,
      images: await buildImages(folder),
      ...{ vipSubnet: null, playGuests: null },
      shared: { databaseUrl: `mysql+pymysql://${user}:${password}@${host}:${port}`, transportUrl: broker.url() },
    },
    async close() {
      await broker.close();
      vi.unstubAllEnvs();
      rmSync(folder, { recursive: true, force: true });
    },
  };
});
