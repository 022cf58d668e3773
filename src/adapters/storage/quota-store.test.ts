import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeQuotaStoreContract } from '../../../test/kit/contract/quota-store.ts';

describeQuotaStoreContract('SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-store-'));
  return {
    connection: `sqlite:///${folder}/kiln.sqlite`,
    close: async () => rmSync(folder, { recursive: true }),
  };
});
