import { sql } from 'kysely';
import { KilnError } from '../../model/errors.ts';
import type { Change, ResourceKind, RowChange } from '../../ports/load-balancer-store.ts';
import { isMysql } from './engine.ts';
import { enqueueOperation } from './journal.ts';
import { holdOffer } from './offer-lock.ts';
import { checkQuota, lockQuota } from './quota-check.ts';
import { resourceKinds, tableOf, toRow } from './resource-tables.ts';
import type { KilnDatabase, ResourceRow } from './schema.ts';
import { claimVipPort } from './vip-ports.ts';
import { redeemReservation } from './vip-reservations.ts';

/** Rows of one statement: SQLite takes 32766 values. */
const LARGEST_BATCH = 500;

/**
 * Carries a change out, in a transaction that the caller has begun. Its statements are as many as it touches kinds (and
 * batches of rows), not as it has rows.
 * @throws IMMUTABLE, CHANGE_OUTDATED, RESOURCE_NOT_FOUND: the load balancer's status or revision, or that there is none.
 * @throws QUOTA_MET
 */
export async function applyChange(transaction: KilnDatabase, change: Change, at: string): Promise<void> {
  // First, before anything is read: what MySQL reads afterwards is as it is once the others are done.
  const quota = change.quota && (await lockQuota(transaction, change.quota));
  await admit(transaction, change);
  await applyRows(transaction, change.rows, async (kind, rows, made) => {
    if (quota) await checkQuota(transaction, quota, kind, { made, leaving: rows.filter(isLeaving).length });
  });
  if (change.operation) await enqueueOperation(transaction, change.operation, at);
}

/**
 * Writes rows, with their tags; of one that is named twice, the last.
 * @param check told of each kind once it is written, with the number of rows that are new.
 */
export async function applyRows(
  transaction: KilnDatabase,
  rows: readonly RowChange[],
  check: (kind: ResourceKind, rows: readonly RowChange[], made: number) => Promise<void> = async () => {},
): Promise<void> {
  const last = new Map(rows.map((row) => [`${row.kind} ${idOf(row)}`, row]));
  const tags: TagChanges = { untagged: [], tagged: [] };
  for (const kind of resourceKinds) {
    const ofKind = [...last.values()].filter((row) => row.kind === kind);
    await check(kind, ofKind, await applyToKind(transaction, kind, ofKind, tags));
  }
  await applyTags(transaction, tags);
}

/**
 * Lets in one change of a load balancer at a time. It writes the load balancer's row in any case: that holds up others
 * until the transaction ends, and on Galera, whose nodes don't see each other's locks, undoes one of two.
 */
async function admit(transaction: KilnDatabase, change: Change): Promise<void> {
  const { loadBalancerId, mutableFrom, basedOnRevision = null } = change;
  const status = async () => {
    const row = await transaction
      .selectFrom('kiln_load_balancer')
      .select('provisioning_status')
      .where('id', '=', loadBalancerId)
      .executeTakeFirst();
    return row && String(row.provisioning_status);
  };
  if (mutableFrom.length === 0) {
    if (await status()) throw new KilnError('RESOURCE_CONFLICT', `there is a load balancer ${loadBalancerId} already`);
    await holdOffer(transaction, change);
    await claimVipPort(transaction, change);
    return await redeemReservation(transaction, loadBalancerId);
  }
  let update = transaction
    .updateTable('kiln_load_balancer')
    .set({ revision: sql`revision + 1` })
    .where('id', '=', loadBalancerId)
    .where('provisioning_status', 'in', mutableFrom);
  if (basedOnRevision !== null) update = update.where('revision', '=', basedOnRevision);
  const { numUpdatedRows } = await update.executeTakeFirst();
  if (numUpdatedRows === 1n) return;
  const found = await status();
  if (!found) throw new KilnError('RESOURCE_NOT_FOUND', `there is no load balancer ${loadBalancerId}`);
  if (mutableFrom.some((status) => status === found)) {
    throw new KilnError('CHANGE_OUTDATED', `load balancer ${loadBalancerId} has changed since it was read`);
  }
  throw new KilnError(
    'IMMUTABLE',
    `load balancer ${loadBalancerId} is ${found}; this change needs it to be ${mutableFrom.join(' or ')}`,
  );
}

interface TagChanges {
  /** Resources whose tags are taken off. */
  untagged: string[];
  tagged: { resource_id: string; tag: string }[];
}

/** @returns how many rows are new. */
async function applyToKind(
  transaction: KilnDatabase,
  kind: ResourceKind,
  changes: readonly RowChange[],
  tags: TagChanges,
): Promise<number> {
  if (changes.length === 0) return 0;
  // The tables of all kinds have one shape.
  const table = tableOf(kind).table as 'kiln_listener';
  const puts = changes.flatMap((change) => ('put' in change ? [change.put] : []));

  const old = new Map<string, string>();
  for (const ids of batches(changes.map(idOf))) {
    const rows = await transaction.selectFrom(table).select(['id', 'tags']).where('id', 'in', ids).execute();
    for (const { id, tags: json } of rows) old.set(id, String(json));
  }
  const taggedDifferently = puts.filter(({ id, tags: now }) => JSON.stringify(now) !== (old.get(id) ?? '[]'));
  for (const { id, tags: now } of taggedDifferently) {
    for (const tag of new Set(now)) tags.tagged.push({ resource_id: id, tag });
  }
  const goneIds = changes.flatMap((change) =>
    'deleteId' in change && old.has(change.deleteId) ? [change.deleteId] : [],
  );
  for (const id of [...goneIds, ...taggedDifferently.map(({ id }) => id)]) {
    if ((old.get(id) ?? '[]') !== '[]') tags.untagged.push(id);
  }

  for (const ids of batches(goneIds)) await transaction.deleteFrom(table).where('id', 'in', ids).execute();
  // What is new must not take the place of another row that has what must be unique, as replacing would let it.
  const made = puts.filter(({ id }) => !old.has(id));
  for (const batch of batches(made)) {
    await transaction
      .insertInto(table)
      .values(batch.map((resource) => toRow(kind, resource)))
      .execute();
  }
  for (const batch of batches(puts.filter(({ id }) => old.has(id)))) {
    await replace(
      transaction,
      table,
      batch.map((resource) => toRow(kind, resource)),
    );
  }
  return made.length;
}

/** On its way out: what comes in its place does not count twice. */
const isLeaving = (change: RowChange) => 'put' in change && change.put.provisioningStatus === 'PENDING_DELETE';

/** New values for rows that are there. Heartbeats write operating statuses at any moment: those stay as they are. */
async function replace(transaction: KilnDatabase, table: 'kiln_listener', rows: readonly ResourceRow[]): Promise<void> {
  const columns = Object.keys(rows[0] ?? {}).filter((name) => name !== 'id' && name !== 'operating_status');
  const insert = transaction.insertInto(table).values(rows);
  const given = (pattern: (name: string) => ReturnType<typeof sql<string>>) =>
    Object.fromEntries(columns.map((name) => [name, pattern(name)]));
  await (isMysql(transaction)
    ? insert.onDuplicateKeyUpdate(given((name) => sql`values(${sql.ref(name)})`))
    : insert.onConflict((conflict) =>
        conflict.column('id').doUpdateSet(given((name) => sql`${sql.ref(`excluded.${name}`)}`)),
      )
  ).execute();
}

async function applyTags(transaction: KilnDatabase, { untagged, tagged }: TagChanges): Promise<void> {
  for (const ids of batches(untagged)) {
    await transaction.deleteFrom('kiln_tag').where('resource_id', 'in', ids).execute();
  }
  for (const rows of batches(tagged)) await transaction.insertInto('kiln_tag').values(rows).execute();
}

function idOf(change: RowChange): string {
  return 'put' in change ? change.put.id : change.deleteId;
}

function* batches<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += LARGEST_BATCH) yield items.slice(start, start + LARGEST_BATCH);
}
