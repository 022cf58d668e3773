import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeFleetStoreContract } from '../../../test/kit/contract/fleet-store.ts';

describeFleetStoreContract('SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-store-'));
  return {
    connection: `sqlite:///${folder}/kiln.sqlite`,
    close: async () => rmSync(folder, { recursive: true }),
  };
});
