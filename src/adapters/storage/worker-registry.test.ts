import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeWorkerRegistryContract } from '../../../test/kit/contract/worker-registry.ts';

describeWorkerRegistryContract('SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-workers-'));
  return { connection: `sqlite:///${folder}/kiln.sqlite`, close: async () => rmSync(folder, { recursive: true }) };
});
