import { dirname } from 'node:path';
import SqliteDriver from 'better-sqlite3';
import { CompiledQuery, type DatabaseConnection, type Dialect, SqliteDialect, type TransactionSettings } from 'kysely';
import { makeFolder } from '../process/make-folder.ts';
import { withStatementCache } from './statement-cache.ts';

/** How long a writer waits for another process that writes. */
const BUSY_TIMEOUT_MS = 10_000;

/**
 * The embedded engine. Makes the file, and the folders above it, when they are missing.
 * A transaction takes its turn to write at once: one that begins to read, and then wants to write what another process
 * has changed in between, would be refused instead of waiting. One that is read only waits for nobody.
 */
export function sqliteDialect(file: string): Dialect {
  makeFolder(dirname(file));
  const driver = new SqliteDriver(file, { timeout: BUSY_TIMEOUT_MS });
  driver.pragma('journal_mode = WAL');
  driver.pragma('synchronous = FULL'); // A step that was journalled survives the loss of power.
  const dialect = new SqliteDialect({ database: withStatementCache(driver) });
  return {
    createDriver: () =>
      Object.assign(dialect.createDriver(), {
        beginTransaction: async (connection: DatabaseConnection, { accessMode }: TransactionSettings) => {
          await connection.executeQuery(CompiledQuery.raw(accessMode === 'read only' ? 'begin' : 'begin immediate'));
        },
      }),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createIntrospector: (kysely) => dialect.createIntrospector(kysely),
    createAdapter: () => dialect.createAdapter(),
  };
}
