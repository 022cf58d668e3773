import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeAmphoraStoreContract } from '../../../test/kit/contract/amphora-store.ts';

describeAmphoraStoreContract('SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-store-'));
  return {
    connection: `sqlite:///${folder}/deep/kiln.sqlite`,
    close: async () => rmSync(folder, { recursive: true }),
  };
});
