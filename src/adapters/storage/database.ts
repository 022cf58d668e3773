import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import SqliteDriver from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { KilnError } from '../../model/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import * as amphora from './migrations/0001-amphora.ts';
import type { KilnDatabase, Schema } from './schema.ts';

/** In order of name; a migration that has landed is never changed. */
const migrations: Record<string, Migration> = { '0001-amphora': amphora };

/** How long a writer waits for another process that writes. */
const BUSY_TIMEOUT_MS = 10_000;

/**
 * Opens the database and brings its tables up to date. Two processes may do so at once.
 * @param connection `sqlite:///absolute/path`, as SQLAlchemy writes it.
 * @throws STATE_UNUSABLE when it can't be opened, or is of an engine that this version doesn't speak.
 */
export async function openDatabase(connection: string, clock: Clock): Promise<KilnDatabase> {
  const file = /^sqlite:\/\/(\/.+)$/.exec(connection)?.[1];
  if (!file) {
    const scheme = /^[\w+]+/.exec(connection)?.[0] ?? '(none)';
    throw new KilnError('STATE_UNUSABLE', `[database] connection: the engine ${scheme} is not supported yet`, {
      advice:
        'Use sqlite:////absolute/path/kiln.sqlite, or leave [database] connection out of the file that Kiln reads.',
    });
  }
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const driver = new SqliteDriver(file, { timeout: BUSY_TIMEOUT_MS });
    driver.pragma('journal_mode = WAL');
    driver.pragma('synchronous = FULL'); // A step that was journalled survives the loss of power.
    const database = new Kysely<Schema>({ dialect: new SqliteDialect({ database: driver }) });
    await migrate(database, clock);
    return database;
  } catch (cause) {
    if (cause instanceof KilnError) throw cause;
    throw new KilnError('STATE_UNUSABLE', `cannot open the state file ${file}: ${(cause as Error).message}`, { cause });
  }
}

/** Another process that migrates at the same moment makes ours fail; the next try finds its work done. */
const MIGRATION_TRIES = 20;
const MIGRATION_PAUSE_MS = 100;

async function migrate(database: KilnDatabase, clock: Clock): Promise<void> {
  const migrator = new Migrator({
    db: database,
    provider: { getMigrations: async () => migrations },
    migrationTableName: 'kiln_migration',
    migrationLockTableName: 'kiln_migration_lock',
  });
  for (let tries = 1; ; tries++) {
    const { error } = await migrator.migrateToLatest();
    if (!error) return;
    if (tries === MIGRATION_TRIES) throw error;
    await clock.sleep(MIGRATION_PAUSE_MS);
  }
}
