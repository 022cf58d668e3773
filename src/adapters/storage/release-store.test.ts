import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeReleaseStoreContract } from '../../../test/kit/contract/release-store.ts';

describeReleaseStoreContract('SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-store-'));
  return {
    connection: `sqlite:///${folder}/kiln.sqlite`,
    close: async () => rmSync(folder, { recursive: true }),
  };
});
