import { existsSync } from 'node:fs';
import { type Dialect, Kysely, type Logger, sql } from 'kysely';
import { KilnError } from '../../model/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import { type MysqlConnection, readConnection, type SqliteConnection } from './connection.ts';
import { mayPass, wordsOf } from './faults.ts';
import { type MigrationStatus, migrate, migrationStatus, ownMigrations } from './migrate.ts';
import type { KilnDatabase, Schema } from './schema.ts';

/**
 * Opens the database and brings its tables up to date. Two processes may do so at once.
 * @param connection as SQLAlchemy writes it; see readConnection.
 * @param watch is called for every statement.
 * @param options.own the changes that this version makes; a test may be a newer version.
 * @param options.stopping aborted when the process is to end: a server that is silent then is given up within seconds.
 * @throws STATE_UNUSABLE when it can't be opened, is of an engine that Kiln doesn't speak, or was changed by a newer version
 * in a way that this one can't work with. Never tells the password.
 */
export async function openDatabase(
  connection: string,
  clock: Clock,
  watch?: Logger,
  {
    own = ownMigrations,
    stopping,
  }: { own?: typeof ownMigrations | undefined; stopping?: AbortSignal | undefined } = {},
): Promise<KilnDatabase> {
  const migrated = async (database: KilnDatabase) => {
    await migrate(database, clock, own);
    return database;
  };
  return await connect(readConnection(connection), migrated, { watch, stopping });
}

/**
 * Which changes of the tables have been made, in order; null for those that have not. Changes nothing.
 * @throws STATE_UNUSABLE as `openDatabase`, but not for changes of a newer version.
 */
export async function databaseStatus(connection: string): Promise<{ database: string; migrations: MigrationStatus[] }> {
  const target = readConnection(connection);
  const database = nameOf(target);
  if (target.engine === 'sqlite' && !existsSync(target.file)) {
    const migrations = Object.keys(ownMigrations).map((name) => ({ name, executedAt: null, newer: null }));
    return { database, migrations };
  }
  return await connect(target, async (opened) => {
    const migrations = await migrationStatus(opened);
    await opened.destroy();
    return { database, migrations };
  });
}

async function connect<Result>(
  target: SqliteConnection | MysqlConnection,
  use: (database: KilnDatabase) => Promise<Result>,
  { watch, stopping }: { watch?: Logger | undefined; stopping?: AbortSignal | undefined } = {},
): Promise<Result> {
  let database: KilnDatabase | null = null;
  try {
    const dialect = await dialectOf(target, stopping);
    database = new Kysely<Schema>({ dialect, ...(watch && { log: watch }) });
    await pingDatabase(database); // A refusal is known at once, without the patience that migrations need.
    return await use(database);
  } catch (cause) {
    await database?.destroy();
    throw cause instanceof KilnError ? cause : cannotOpen(target, cause);
  }
}

/** Loads one engine's driver, and not the other one's. */
async function dialectOf(target: SqliteConnection | MysqlConnection, stopping?: AbortSignal): Promise<Dialect> {
  if (target.engine === 'sqlite') {
    const { sqliteDialect } = await import('./sqlite.ts');
    return sqliteDialect(target.file);
  }
  const { mysqlDialect } = await import('./mysql.ts');
  return mysqlDialect(target, stopping);
}

/** The cheapest statement that needs the server. */
export async function pingDatabase(database: KilnDatabase): Promise<void> {
  await sql`select 1`.execute(database);
}

/** For people, without the password. */
function nameOf(target: SqliteConnection | MysqlConnection): string {
  if (target.engine === 'sqlite') return `SQLite, ${target.file}`;
  const { user, database, host, port, socketPath } = target;
  return `${database} at ${socketPath ?? `${host}:${port}`} as ${user}`;
}

function cannotOpen(target: SqliteConnection | MysqlConnection, cause: unknown): KilnError {
  const retryable = mayPass(cause);
  if (target.engine === 'sqlite') {
    const message = `cannot open the state file ${target.file}: ${wordsOf(cause)}`;
    return new KilnError('STATE_UNUSABLE', message, { cause, retryable });
  }
  return new KilnError('STATE_UNUSABLE', `cannot use the database ${nameOf(target)}: ${wordsOf(cause)}`, {
    cause,
    retryable,
    advice:
      '[database] connection: see that the server runs there, that the database exists, and that the user may log in ' +
      'from this host and create tables in it.',
  });
}
