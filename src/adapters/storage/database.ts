import { existsSync } from 'node:fs';
import { Kysely, type Logger, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { KilnError } from '../../model/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import { type MysqlConnection, readConnection, type SqliteConnection } from './connection.ts';
import { mayPass, wordsOf } from './faults.ts';
import * as amphora from './migrations/0001-amphora.ts';
import * as journal from './migrations/0002-journal.ts';
import * as loadBalancer from './migrations/0003-load-balancer.ts';
import * as amphoraOfLoadBalancer from './migrations/0004-amphora-of-load-balancer.ts';
import * as workers from './migrations/0005-workers.ts';
import * as flavorsAndQuotas from './migrations/0006-flavors-and-quotas.ts';
import * as health from './migrations/0007-health.ts';
import * as vipReservation from './migrations/0008-vip-reservation.ts';
import * as housekeeping from './migrations/0009-housekeeping.ts';
import { mysqlDialect } from './mysql.ts';
import type { KilnDatabase, Schema } from './schema.ts';
import { sqliteDialect } from './sqlite.ts';

/** In order of name; a migration that has landed is never changed, and each can be done again without harm (ddl.ts). */
const migrations: Record<string, Migration> = {
  '0001-amphora': amphora,
  '0002-journal': journal,
  '0003-load-balancer': loadBalancer,
  '0004-amphora-of-load-balancer': amphoraOfLoadBalancer,
  '0005-workers': workers,
  '0006-flavors-and-quotas': flavorsAndQuotas,
  '0007-health': health,
  '0008-vip-reservation': vipReservation,
  '0009-housekeeping': housekeeping,
};

/**
 * Opens the database and brings its tables up to date. Two processes may do so at once.
 * @param connection as SQLAlchemy writes it; see readConnection.
 * @param watch is told of every statement.
 * @throws STATE_UNUSABLE when it can't be opened, or is of an engine that Kiln doesn't speak. Never tells the password.
 */
export async function openDatabase(connection: string, clock: Clock, watch?: Logger): Promise<KilnDatabase> {
  return await connect(readConnection(connection), watch, async (database) => {
    await migrate(database, clock);
    return database;
  });
}

/**
 * Which changes of the tables have been made, in order; null for those that have not. Changes nothing.
 * @throws STATE_UNUSABLE as `openDatabase`.
 */
export async function databaseStatus(
  connection: string,
): Promise<{ database: string; migrations: { name: string; executedAt: string | null }[] }> {
  const target = readConnection(connection);
  const database = nameOf(target);
  if (target.engine === 'sqlite' && !existsSync(target.file)) {
    return { database, migrations: Object.keys(migrations).map((name) => ({ name, executedAt: null })) };
  }
  return await connect(target, undefined, async (opened) => {
    const known = await migratorOf(opened).getMigrations();
    await opened.destroy();
    return {
      database,
      migrations: known.map(({ name, executedAt }) => ({ name, executedAt: executedAt?.toISOString() ?? null })),
    };
  });
}

async function connect<Result>(
  target: SqliteConnection | MysqlConnection,
  watch: Logger | undefined,
  use: (database: KilnDatabase) => Promise<Result>,
): Promise<Result> {
  let database: KilnDatabase | null = null;
  try {
    const dialect = target.engine === 'sqlite' ? sqliteDialect(target.file) : mysqlDialect(target);
    database = new Kysely<Schema>({ dialect, ...(watch && { log: watch }) });
    await sql`select 1`.execute(database); // A refusal is known at once, without the patience that migrations need.
    return await use(database);
  } catch (cause) {
    await database?.destroy();
    throw cannotOpen(target, cause);
  }
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

/** Another process that migrates at the same moment makes ours fail; the next try finds its work done. */
const MIGRATION_TRIES = 20;
const MIGRATION_PAUSE_MS = 100;

async function migrate(database: KilnDatabase, clock: Clock): Promise<void> {
  const migrator = migratorOf(database);
  for (let tries = 1; ; tries++) {
    const { error } = await migrator.migrateToLatest();
    if (!error) return;
    if (tries === MIGRATION_TRIES) throw error as Error;
    await clock.sleep(MIGRATION_PAUSE_MS);
  }
}

function migratorOf(database: KilnDatabase): Migrator {
  return new Migrator({
    db: database,
    provider: { getMigrations: async () => migrations },
    migrationTableName: 'kiln_migration',
    migrationLockTableName: 'kiln_migration_lock',
  });
}
