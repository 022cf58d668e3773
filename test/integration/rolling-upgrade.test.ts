import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeRollingUpgrade } from '../kit/rolling-upgrade.ts';

describeRollingUpgrade('SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-rolling-'));
  return {
    connection: `sqlite:///${folder}/kiln.sqlite`,
    close: async () => rmSync(folder, { recursive: true }),
  };
});
