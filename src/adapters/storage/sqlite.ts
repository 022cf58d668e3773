import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import SqliteDriver from 'better-sqlite3';
import { CompiledQuery, type DatabaseConnection, type Dialect, SqliteDialect, type TransactionSettings } from 'kysely';
import { makeFolder } from '../process/make-folder.ts';
import { withStatementCache } from './statement-cache.ts';

/** How long a writer waits for another process that writes. */
const BUSY_TIMEOUT_MS = 10_000;
/** SQLite's own waiting stops the whole process: it waits so long, then everything else has its turn. */
const BLOCKED_MS = 20;
const PAUSE_MS = 20;

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
  driver.pragma(`busy_timeout = ${BLOCKED_MS}`);
  const dialect = new SqliteDialect({ database: withStatementCache(driver) });
  return {
    createDriver() {
      const single = dialect.createDriver();
      const acquire = single.acquireConnection.bind(single);
      let connection: DatabaseConnection | null = null;
      return Object.assign(single, {
        acquireConnection: async () => {
          connection ??= patientConnection(await acquire());
          return connection;
        },
        beginTransaction: async (connection: DatabaseConnection, { accessMode }: TransactionSettings) => {
          await connection.executeQuery(CompiledQuery.raw(accessMode === 'read only' ? 'begin' : 'begin immediate'));
        },
      });
    },
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createIntrospector: (kysely) => dialect.createIntrospector(kysely),
    createAdapter: () => dialect.createAdapter(),
  };
}

/**
 * Repeats a statement that another process's writing has kept from beginning. Of a transaction that is the first one: whoever has
 * begun to write is kept from nothing.
 */
function patientConnection(connection: DatabaseConnection): DatabaseConnection {
  return {
    async executeQuery(query, options) {
      const giveUpAtMs = performance.now() + BUSY_TIMEOUT_MS;
      for (;;) {
        try {
          return await connection.executeQuery(query, options);
        } catch (error) {
          if (!isKeptWaiting(error) || performance.now() >= giveUpAtMs) throw error;
        }
        await sleep(PAUSE_MS);
      }
    },
    streamQuery: (...asked) => connection.streamQuery(...asked),
  };
}

/** Not where a transaction that has read wants to write what has changed since: waiting would not help it. */
const isKeptWaiting = (error: unknown): boolean =>
  ['SQLITE_BUSY', 'SQLITE_BUSY_RECOVERY'].includes((error as { code?: string }).code ?? '');
