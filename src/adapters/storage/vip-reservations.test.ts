import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeVipReservationsContract } from '../../../test/kit/contract/vip-reservations.ts';

describeVipReservationsContract('SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-vips-'));
  return { connection: `sqlite:///${folder}/kiln.sqlite`, close: async () => rmSync(folder, { recursive: true }) };
});
