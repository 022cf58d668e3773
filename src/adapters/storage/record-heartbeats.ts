import { type Insertable, sql } from 'kysely';
import { batches } from '../../lib/batches.ts';
import type { ResourceKind } from '../../model/load-balancer.ts';
import type { HeartbeatRecord } from '../../ports/health-store.ts';
import { isMysql } from './engine.ts';
import { offered, upsert } from './many-values.ts';
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
      for (const ids of batches(those.map(({ id }) => id).sort(), LARGEST_BATCH)) {
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
  for (const batch of batches(amphoraIds, LARGEST_BATCH)) {
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
  const added = (column: string) => `kiln_amphora_health.${column} + ${offered(transaction, column)}`;
  const latest = isMysql(transaction) ? 'greatest' : 'max';
  for (const batch of batches(rows, LARGEST_BATCH)) {
    await upsert(transaction, {
      table: 'kiln_amphora_health',
      columns: ['amphora_id', 'last_heard', 'beats', 'restarts'],
      key: ['amphora_id'],
      rows: batch,
      set: {
        ...examinedAnew,
        beats: added('beats'),
        restarts: added('restarts'),
        last_heard: `${latest}(kiln_amphora_health.last_heard, ${offered(transaction, 'last_heard')})`,
      },
    });
  }
}

/** Who is heard of is not silent: nothing of what was found about its silence holds any more. */
const examinedAnew = { finding: 'null', attempts: '0', examine_after: 'null', examiner: 'null' };

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
  const set = counted(transaction, how);
  const key = ['listener_id', 'amphora_id'];
  for (const batch of batches(values, LARGEST_BATCH)) {
    await upsert(transaction, { table: 'kiln_listener_statistics', columns: statisticsColumns, key, rows: batch, set });
  }
}

function counted(transaction: KilnDatabase, how: 'add' | 'replace'): Record<string, string> {
  const totals = ['bytes_in', 'bytes_out', 'total_connections', 'request_errors'] as const;
  const given = (column: string) => offered(transaction, column);
  const there = (column: string) => `kiln_listener_statistics.${column}`;
  const limited = (sum: string) => `${isMysql(transaction) ? 'least' : 'min'}(${sum}, ${LARGEST_COUNTER})`;
  // What nobody reported leaves what is there.
  const addedFailures = `case when ${given('failures')} is null then ${there('failures')}
    else ${limited(`coalesce(${there('failures')}, 0) + ${given('failures')}`)} end`;
  const addedTotal = (column: string) => limited(`${there(column)} + ${given(column)}`);
  return {
    failures: how === 'add' ? addedFailures : given('failures'),
    ...Object.fromEntries(totals.map((column) => [column, how === 'add' ? addedTotal(column) : given(column)])),
    active_connections: given('active_connections'),
  };
}
