import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import SqliteDriver from 'better-sqlite3';
import { type Dialect, SqliteDialect } from 'kysely';

/** How long a writer waits for another process that writes. */
const BUSY_TIMEOUT_MS = 10_000;

/** The embedded engine. Makes the file, and the folders above it, when they are missing. */
export function sqliteDialect(file: string): Dialect {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const driver = new SqliteDriver(file, { timeout: BUSY_TIMEOUT_MS });
  driver.pragma('journal_mode = WAL');
  driver.pragma('synchronous = FULL'); // A step that was journalled survives the loss of power.
  return new SqliteDialect({ database: driver });
}
