import { sql } from 'kysely';
import { batches } from '../../lib/batches.ts';
import type { ResourceKind } from '../../model/load-balancer.ts';
import type { RowChange } from '../../ports/load-balancer-store.ts';
import { isMysql } from './engine.ts';
import { resourceKinds, tableOf, toRow } from './resource-tables.ts';
import type { KilnDatabase, ResourceRow } from './schema.ts';

/** Rows of one statement: SQLite takes 32766 values. */
const LARGEST_BATCH = 500;

interface Options {
  /** There is none of them yet: what is there is not looked up, and one that is there after all is refused. */
  areNew?: boolean;
  /** Called for each kind once it is written, with the number of rows that are new. */
  check?(kind: ResourceKind, rows: readonly RowChange[], made: number): Promise<void>;
}

/** Writes rows, with their tags; of one that is named twice, the last. */
export async function applyRows(
  transaction: KilnDatabase,
  rows: readonly RowChange[],
  { areNew = false, check }: Options = {},
): Promise<void> {
  const last = new Map(rows.map((row) => [`${row.kind} ${idOf(row)}`, row]));
  const tags: TagChanges = { untagged: [], tagged: [] };
  for (const kind of resourceKinds) {
    const ofKind = [...last.values()].filter((row) => row.kind === kind);
    const made = ofKind.length === 0 ? 0 : await applyToKind(transaction, kind, ofKind, { areNew, tags });
    await check?.(kind, ofKind, made);
  }
  await applyTags(transaction, tags);
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
  { areNew, tags }: { areNew: boolean; tags: TagChanges },
): Promise<number> {
  // The tables of all kinds have one shape.
  const table = tableOf(kind).table as 'kiln_listener';
  const puts = changes.flatMap((change) => ('put' in change ? [change.put] : []));

  const old = new Map<string, string>();
  for (const ids of batches(areNew ? [] : changes.map(idOf), LARGEST_BATCH)) {
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

  for (const ids of batches(goneIds, LARGEST_BATCH))
    await transaction.deleteFrom(table).where('id', 'in', ids).execute();
  // What is new must not take the place of another row that has what must be unique, as replacing would let it.
  const made = puts.filter(({ id }) => !old.has(id));
  for (const batch of batches(made, LARGEST_BATCH)) {
    await transaction
      .insertInto(table)
      .values(batch.map((resource) => toRow(kind, resource)))
      .execute();
  }
  for (const batch of batches(
    puts.filter(({ id }) => old.has(id)),
    LARGEST_BATCH,
  )) {
    await replace(
      transaction,
      table,
      batch.map((resource) => toRow(kind, resource)),
    );
  }
  return made.length;
}

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
  for (const ids of batches(untagged, LARGEST_BATCH)) {
    await transaction.deleteFrom('kiln_tag').where('resource_id', 'in', ids).execute();
  }
  for (const rows of batches(tagged, LARGEST_BATCH)) await transaction.insertInto('kiln_tag').values(rows).execute();
}

function idOf(change: RowChange): string {
  return 'put' in change ? change.put.id : change.deleteId;
}
