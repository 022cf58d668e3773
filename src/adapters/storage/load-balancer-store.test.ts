import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeListContract } from '../../../test/kit/contract/load-balancer-lists.ts';
import { describeLoadBalancerStoreContract } from '../../../test/kit/contract/load-balancer-store.ts';

async function makeDatabase() {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-store-'));
  return {
    connection: `sqlite:///${folder}/kiln.sqlite`,
    close: async () => rmSync(folder, { recursive: true }),
  };
}

describeLoadBalancerStoreContract('SQLite', makeDatabase);
describeListContract('SQLite', makeDatabase);
