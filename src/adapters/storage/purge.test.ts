import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describePurgeContract } from '../../../test/kit/contract/purge.ts';

describePurgeContract('SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-purge-'));
  return {
    connection: `sqlite:///${folder}/kiln.sqlite`,
    close: async () => rmSync(folder, { recursive: true }),
  };
});
