import { type Insertable, type RawBuilder, sql } from 'kysely';
import type { ResourceKind } from '../../model/load-balancer.ts';
import type { HeartbeatRecord } from '../../ports/health-store.ts';
import { isMysql } from './engine.ts';
import { rowsOf } from './many-values.ts';
import { resourceKinds, tableOf } from './resource-tables.ts';
import type { KilnDatabase, Schema } from './schema.ts';

/** Rows of one statement: servers limit its length. */
const LARGEST_BATCH = 2_000;

/** Counters stop here: adding to more would be refused by MySQL, and with it the heartbeats of all others. */
const LARGEST_COUNTER = '1152921504606846976'; // 2^60

/**
 * Records heartbeats, in a transaction that the caller has begun, in a fixed number of statements (and one more for each
 * kind and status that changes). Load balancers are locked first, as changes do, and rows by ID: two who write at once
 * wait for each other instead of being undone.
 */
export async function applyHeartbeats(
  transaction: KilnDatabase,
  heartbeats: readonly HeartbeatRecord[],
): Promise<void> {
  const sorted = [...heartbeats].sort((a, b) => (a.amphoraId < b.amphoraId ? -1 : 1));
  await applyStatuses(transaction, sorted);
  await recordHearing(transaction, sorted);
  for (const deltas of [true, false]) {
    const rows = sorted
      .filter(({ countersAreDeltas }) => countersAreDeltas === deltas)
      .flatMap(({ amphoraId, statistics }) => statistics.map((counters) => toRow(amphoraId, counters)));
    await upsertStatistics(transaction, rows, deltas ? 'add' : 'replace');
  }
}

async function applyStatuses(transaction: KilnDatabase, heartbeats: readonly HeartbeatRecord[]): Promise<void> {
  const judged = heartbeats.filter(({ operatingStatuses }) => operatingStatuses.length > 0);
  if (judged.length === 0) return;
  await renewRevisions(
    transaction,
    judged.map(({ amphoraId }) => amphoraId),
  );
  const changes = judged.flatMap(({ operatingStatuses }) => operatingStatuses);
  for (const kind of resourceKinds) {
    const ofKind = changes.filter((change) => change.kind === kind);
    for (const [status, those] of Map.groupBy(ofKind, ({ operatingStatus }) => operatingStatus)) {
      for (const ids of batches(those.map(({ id }) => id).sort())) {
        await transaction
          .updateTable(tableNamed(kind))
          .set({ operating_status: status })
          .where('id', 'in', ids)
          .execute();
      }
    }
  }
}

/** Whoever keeps in mind what it read of these load balancers has to read again: see amphora-directory.ts. */
async function renewRevisions(transaction: KilnDatabase, amphoraIds: readonly string[]): Promise<void> {
  for (const batch of batches(amphoraIds)) {
    const rows = await transaction
      .selectFrom('kiln_amphora')
      .select('load_balancer_id')
      .where('id', 'in', batch)
      .execute();
    const ids = [...new Set(rows.flatMap(({ load_balancer_id: id }) => (id === null ? [] : [id])))].sort();
    if (ids.length === 0) continue;
    await transaction
      .updateTable('kiln_load_balancer')
      .set({ revision: sql`revision + 1` })
      .where('id', 'in', ids)
      .execute();
  }
}

/** The tables of all kinds have one shape. */
function tableNamed(kind: ResourceKind): 'kiln_listener' {
  return tableOf(kind).table as 'kiln_listener';
}

async function recordHearing(transaction: KilnDatabase, heartbeats: readonly HeartbeatRecord[]): Promise<void> {
  const rows = heartbeats.flatMap(({ amphoraId, receivedAt, beats, restarts }) =>
    receivedAt === null ? [] : [[amphoraId, receivedAt, beats, restarts]],
  );
  for (const batch of batches(rows)) {
    await sql`insert into kiln_amphora_health (amphora_id, last_heard, beats, restarts)
      ${rowsOf(transaction, 4, batch)} ${heardAgain(isMysql(transaction))}`.execute(transaction);
  }
}

/** Who is heard of is not silent: nothing of what was found about its silence holds any more. */
function heardAgain(mysql: boolean): RawBuilder<unknown> {
  const set = `finding = null, attempts = 0, examine_after = null, examiner = null,
    beats = kiln_amphora_health.beats + ${offered(mysql, 'beats')}, restarts = kiln_amphora_health.restarts + ${offered(mysql, 'restarts')},
    last_heard = ${mysql ? 'greatest' : 'max'}(kiln_amphora_health.last_heard, ${offered(mysql, 'last_heard')})`;
  return sql.raw(mysql ? `on duplicate key update ${set}` : `on conflict (amphora_id) do update set ${set}`);
}

/** The value that a row to be inserted has. */
function offered(mysql: boolean, column: string): string {
  return mysql ? `values(${column})` : `excluded.${column}`;
}

const statisticsColumns = [
  'listener_id',
  'amphora_id',
  'bytes_in',
  'bytes_out',
  'active_connections',
  'total_connections',
  'request_errors',
  'failures',
] as const;

type StatisticsRow = Insertable<Schema['kiln_listener_statistics']>;

function toRow(amphoraId: string, counters: HeartbeatRecord['statistics'][number]): StatisticsRow {
  return {
    listener_id: counters.listenerId,
    amphora_id: amphoraId,
    bytes_in: counters.bytesIn,
    bytes_out: counters.bytesOut,
    active_connections: counters.activeConnections,
    total_connections: counters.totalConnections,
    request_errors: counters.requestErrors,
    failures: counters.failures ?? null,
  };
}

/** Adds to the totals that are there, or takes their place; open connections always take the place of the old ones. */
export async function upsertStatistics(
  transaction: KilnDatabase,
  rows: readonly StatisticsRow[],
  how: 'add' | 'replace',
): Promise<void> {
  const values = rows.map((row) => statisticsColumns.map((column) => row[column] ?? null));
  for (const batch of batches(values)) {
    await sql`insert into kiln_listener_statistics (${sql.raw(statisticsColumns.join(', '))})
      ${rowsOf(transaction, statisticsColumns.length, batch)} ${counted(isMysql(transaction), how)}`.execute(
      transaction,
    );
  }
}

function counted(mysql: boolean, how: 'add' | 'replace'): RawBuilder<unknown> {
  const totals = ['bytes_in', 'bytes_out', 'total_connections', 'request_errors'] as const;
  const there = (column: string) => `kiln_listener_statistics.${column}`;
  const limited = (sum: string) => `${mysql ? 'least' : 'min'}(${sum}, ${LARGEST_COUNTER})`;
  // What nobody reported leaves what is there.
  const addedFailures = `case when ${offered(mysql, 'failures')} is null then ${there('failures')}
    else ${limited(`coalesce(${there('failures')}, 0) + ${offered(mysql, 'failures')}`)} end`;
  const set = [
    `failures = ${how === 'add' ? addedFailures : offered(mysql, 'failures')}`,
    ...totals.map((column) => {
      const sum = limited(`${there(column)} + ${offered(mysql, column)}`);
      return `${column} = ${how === 'add' ? sum : offered(mysql, column)}`;
    }),
    `active_connections = ${offered(mysql, 'active_connections')}`,
  ].join(', ');
  return sql.raw(
    mysql ? `on duplicate key update ${set}` : `on conflict (listener_id, amphora_id) do update set ${set}`,
  );
}

function* batches<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += LARGEST_BATCH) yield items.slice(start, start + LARGEST_BATCH);
}
