import { type Insertable, sql } from 'kysely';
import type { ResourceKind } from '../../model/load-balancer.ts';
import type { HeartbeatRecord } from '../../ports/health-store.ts';
import { isMysql } from './engine.ts';
import { resourceKinds, tableOf } from './resource-tables.ts';
import type { KilnDatabase, Schema } from './schema.ts';

/** Rows of one statement: SQLite takes 32766 values. */
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

/** Who is heard of is not silent: nothing of what was found about its silence holds any more. */
const examinedAnew = { finding: null, attempts: 0, examine_after: null, examiner: null };

async function recordHearing(transaction: KilnDatabase, heartbeats: readonly HeartbeatRecord[]): Promise<void> {
  const rows = heartbeats.flatMap(({ amphoraId, receivedAt, beats, restarts }) =>
    receivedAt === null ? [] : [{ amphora_id: amphoraId, last_heard: receivedAt, beats, restarts }],
  );
  const added = (column: 'beats' | 'restarts') => {
    const offered = sql.raw(isMysql(transaction) ? `values(${column})` : `excluded.${column}`);
    return sql<number>`kiln_amphora_health.${sql.ref(column)} + ${offered}`;
  };
  const heardAgain = { ...examinedAnew, beats: added('beats'), restarts: added('restarts') };
  for (const batch of batches(rows)) {
    const insert = transaction.insertInto('kiln_amphora_health').values(batch);
    await (isMysql(transaction)
      ? insert.onDuplicateKeyUpdate({ ...heardAgain, last_heard: sql`greatest(last_heard, values(last_heard))` })
      : insert.onConflict((conflict) =>
          conflict
            .column('amphora_id')
            .doUpdateSet({ ...heardAgain, last_heard: sql`max(kiln_amphora_health.last_heard, excluded.last_heard)` }),
        )
    ).execute();
  }
}

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

const totals = ['bytes_in', 'bytes_out', 'total_connections', 'request_errors'] as const;

/** Adds to the totals that are there, or takes their place; open connections always take the place of the old ones. */
export async function upsertStatistics(
  transaction: KilnDatabase,
  rows: readonly StatisticsRow[],
  how: 'add' | 'replace',
): Promise<void> {
  const mysql = isMysql(transaction);
  const offered = (column: string) => sql.raw<number>(mysql ? `values(${column})` : `excluded.${column}`);
  const added = (column: string) => {
    const sum = sql`${sql.ref(`kiln_listener_statistics.${column}`)} + ${offered(column)}`;
    return sql<number>`${sql.raw(mysql ? 'least' : 'min')}(${sum}, ${sql.raw(LARGEST_COUNTER)})`;
  };
  const failures = sql.ref('kiln_listener_statistics.failures');
  // What nobody reported leaves what is there.
  const addedFailures = sql<number>`case when ${offered('failures')} is null then ${failures}
    else ${sql.raw(mysql ? 'least' : 'min')}(coalesce(${failures}, 0) + ${offered('failures')}, ${sql.raw(LARGEST_COUNTER)}) end`;
  const values = Object.fromEntries([
    ['failures', how === 'add' ? addedFailures : offered('failures')],
    ...totals.map((column) => [column, how === 'add' ? added(column) : offered(column)]),
    ['active_connections', offered('active_connections')],
  ]);
  for (const batch of batches(rows)) {
    const insert = transaction.insertInto('kiln_listener_statistics').values(batch);
    await (mysql
      ? insert.onDuplicateKeyUpdate(values)
      : insert.onConflict((conflict) => conflict.columns(['listener_id', 'amphora_id']).doUpdateSet(values))
    ).execute();
  }
}

function* batches<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += LARGEST_BATCH) yield items.slice(start, start + LARGEST_BATCH);
}
