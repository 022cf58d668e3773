import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** An empty MariaDB database of the test bed, for as long as it is used; null where the test bed is not up. */
export async function withMariaDb<Result>(use: (connection: string) => Promise<Result>): Promise<Result | null> {
  if (!existsSync(join(process.env.KILN_TESTBED_DIR || '/var/tmp/kiln-testbed', 'testbed.json'))) return null;
  const { makeDatabase } = await import('../test/kit/testbed-database.ts');
  const database = await makeDatabase().catch(() => null);
  if (!database) return null;
  try {
    return await use(database.connection);
  } finally {
    await database.close();
  }
}
