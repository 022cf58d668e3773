import { sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { KilnError } from '../../model/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import { isMysql } from './engine.ts';
import * as amphora from './migrations/0001-amphora.ts';
import * as journal from './migrations/0002-journal.ts';
import * as loadBalancer from './migrations/0003-load-balancer.ts';
import * as amphoraOfLoadBalancer from './migrations/0004-amphora-of-load-balancer.ts';
import * as workers from './migrations/0005-workers.ts';
import * as flavorsAndQuotas from './migrations/0006-flavors-and-quotas.ts';
import * as health from './migrations/0007-health.ts';
import * as vipReservation from './migrations/0008-vip-reservation.ts';
import * as housekeeping from './migrations/0009-housekeeping.ts';
import * as migrationMarks from './migrations/0010-migration-marks.ts';
import * as quotaLockAndVipPort from './migrations/0011-quota-lock-and-vip-port.ts';
import * as silence from './migrations/0012-silence.ts';
import * as pendingLoadBalancers from './migrations/0013-pending-load-balancers.ts';
import * as jobsAndRotation from './migrations/0014-jobs-and-rotation.ts';
import * as cloudOrphans from './migrations/0015-cloud-orphans.ts';
import * as agentConfiguration from './migrations/0016-agent-configuration.ts';
import * as fleet from './migrations/0017-fleet.ts';
import * as longUrlPaths from './migrations/0018-long-url-paths.ts';
import * as resize from './migrations/0019-resize.ts';
import * as releases from './migrations/0020-releases.ts';
import * as places from './migrations/0021-places.ts';
import * as heartbeatCounts from './migrations/0022-heartbeat-counts.ts';
import * as backendFailures from './migrations/0023-backend-failures.ts';
import * as tagHistory from './migrations/0024-tag-history.ts';
import * as events from './migrations/0025-events.ts';
import * as peerPorts from './migrations/0026-peer-ports.ts';
import * as cheapLooks from './migrations/0027-cheap-looks.ts';
import * as trafficSamples from './migrations/0028-traffic-samples.ts';
import * as largeLists from './migrations/0029-large-lists.ts';
import type { KilnDatabase } from './schema.ts';

/** A change of the tables. */
export interface KilnMigration extends Migration {
  /**
   * Whether older versions, which don't know it, can go on with the tables that it leaves: true for what only adds tables,
   * indices, and columns that may be left out. Written down in the database before the change is made. Needed from
   * 0011 on: what knows the mark knows all changes before it.
   */
  compatible?: boolean;
}

/** In order of name; a migration that has landed is never changed, and each can be done again without harm (ddl.ts). */
export const ownMigrations: Readonly<Record<string, KilnMigration>> = {
  '0001-amphora': amphora,
  '0002-journal': journal,
  '0003-load-balancer': loadBalancer,
  '0004-amphora-of-load-balancer': amphoraOfLoadBalancer,
  '0005-workers': workers,
  '0006-flavors-and-quotas': flavorsAndQuotas,
  '0007-health': health,
  '0008-vip-reservation': vipReservation,
  '0009-housekeeping': housekeeping,
  '0010-migration-marks': migrationMarks,
  '0011-quota-lock-and-vip-port': quotaLockAndVipPort,
  '0012-silence': silence,
  '0013-pending-load-balancers': pendingLoadBalancers,
  '0014-jobs-and-rotation': jobsAndRotation,
  '0015-cloud-orphans': cloudOrphans,
  '0016-agent-configuration': agentConfiguration,
  '0017-fleet': fleet,
  '0018-long-url-paths': longUrlPaths,
  '0019-resize': resize,
  '0020-releases': releases,
  '0021-places': places,
  '0022-heartbeat-counts': heartbeatCounts,
  '0023-backend-failures': backendFailures,
  '0024-tag-history': tagHistory,
  '0025-events': events,
  '0026-peer-ports': peerPorts,
  '0027-cheap-looks': cheapLooks,
  '0028-traffic-samples': trafficSamples,
  '0029-large-lists': largeLists,
};

/** The one from which on changes are marked. */
const MARKS = '0010-migration-marks';
/** Kysely's table of the migrations that were made. */
const MADE = 'kiln_migration';

export interface MigrationStatus {
  name: string;
  executedAt: string | null;
  /** Of a version newer than this one: whether this one can go on. Null: this version's own. */
  newer: 'compatible' | 'incompatible' | null;
}

/** Another process that migrates at the same moment makes ours fail; the next try finds its work done. */
const MIGRATION_TRIES = 20;
const MIGRATION_PAUSE_MS = 100;

/**
 * Brings the tables up to date. Changes that a newer version made stay as they are. Where nothing is to be made this costs two small
 * statements: Kysely's migrator asks for all columns of all tables that the server has, several times.
 * @throws STATE_UNUSABLE when one of them is not compatible with this version.
 */
export async function migrate(database: KilnDatabase, clock: Clock, own = ownMigrations): Promise<void> {
  for (let tries = 1; ; tries++) {
    const all = await migrationStatus(database, own);
    const newer = all.filter((one) => one.newer !== null);
    assertCompatible(newer);
    if (all.every(({ executedAt }) => executedAt !== null)) return;
    const { error } = await migratorOf(database, own, newer).migrateToLatest();
    if (!error) return;
    if (tries === MIGRATION_TRIES) throw error as Error;
    await clock.sleep(MIGRATION_PAUSE_MS);
  }
}

/** What was made and what was not, in order; with what newer versions made. Changes nothing. */
export async function migrationStatus(database: KilnDatabase, own = ownMigrations): Promise<MigrationStatus[]> {
  const made = await migrationsMade(database);
  const times = new Map(made.map(({ name, timestamp }) => [name, timestamp]));
  const known = Object.keys(own)
    .sort()
    .map((name): MigrationStatus => ({ name, executedAt: times.get(name) ?? null, newer: null }));
  const newer = made.filter(({ name }) => !(name in own));
  if (newer.length === 0) return known;
  const marks = times.has(MARKS)
    ? (await sql<{ name: string }>`select name from kiln_migration_mark where compatible = 1`.execute(database)).rows
    : [];
  const compatible = new Set(marks.map(({ name }) => name));
  const others = newer.map(
    ({ name, timestamp }): MigrationStatus => ({
      name,
      executedAt: timestamp,
      newer: compatible.has(name) ? 'compatible' : 'incompatible',
    }),
  );
  return [...known, ...others];
}

/** In order; none where there is no table of them yet. */
async function migrationsMade(database: KilnDatabase): Promise<{ name: string; timestamp: string }[]> {
  const table = isMysql(database)
    ? sql`select 1 from information_schema.tables where table_schema = database() and table_name = ${MADE}`
    : sql`select 1 from sqlite_master where type = 'table' and name = ${MADE}`;
  if ((await table.execute(database)).rows.length === 0) return [];
  return (
    await sql<{ name: string; timestamp: string }>`
    select name, timestamp from ${sql.table(MADE)} order by name`.execute(database)
  ).rows;
}

function assertCompatible(newer: readonly MigrationStatus[]): void {
  const names = newer.filter((one) => one.newer === 'incompatible').map(({ name }) => name);
  if (names.length === 0) return;
  const message = `a newer version of Kiln changed the tables in a way that this version can not work with: ${names.join(', ')}`;
  throw new KilnError('STATE_UNUSABLE', message, {
    advice:
      'Start the version that made the change, or a newer one (`kiln db status` shows when it was made); or restore the ' +
      'backup of the database from before.',
  });
}

function migratorOf(
  database: KilnDatabase,
  own: Readonly<Record<string, KilnMigration>>,
  newer: readonly MigrationStatus[] = [],
): Migrator {
  const marked = Object.entries(own).map(([name, migration]) => [
    name,
    name > MARKS ? withMark(name, migration) : migration,
  ]);
  // Kysely takes a change that it doesn't know for a fault: these are made already, and never run.
  const made = newer.map(({ name }) => [name, { up: async () => {} }]);
  return new Migrator({
    db: database,
    provider: { getMigrations: async () => Object.fromEntries([...marked, ...made]) },
    migrationTableName: MADE,
    migrationLockTableName: 'kiln_migration_lock',
  });
}

/** The mark is there before the change is noted as made: whoever finds the one finds the other. */
function withMark(name: string, migration: KilnMigration): Migration {
  return {
    async up(database) {
      const compatible = migration.compatible === true ? 1 : 0;
      const again = isMysql(database)
        ? sql`on duplicate key update compatible = ${compatible}`
        : sql`on conflict (name) do update set compatible = ${compatible}`;
      await sql`insert into kiln_migration_mark (name, compatible) values (${name}, ${compatible}) ${again}`.execute(
        database,
      );
      await migration.up(database);
    },
  };
}
