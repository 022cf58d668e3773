import { type RawBuilder, sql } from 'kysely';
import { isMysql } from './engine.ts';
import type { KilnDatabase, Schema } from './schema.ts';

/**
 * Many values as one parameter: the statement's text is the same for one and for a thousand, so that putting it together,
 * and with SQLite preparing it, costs the same. MySQL's driver writes them out where the parameter stands; SQLite reads JSON.
 */

type Value = string | number | null;

/** What `in` is followed by. Not for an empty list: MySQL's syntax has none. */
export function listOf(database: Pick<KilnDatabase, 'getExecutor'>, values: readonly Value[]): RawBuilder<unknown> {
  return isMysql(database) ? sql`(${values})` : sql`(select value from json_each(${JSON.stringify(values)}))`;
}

/** The value of a column that a row to be inserted has, for `set` of `upsert`. */
export function offered(database: Pick<KilnDatabase, 'getExecutor'>, column: string): string {
  return isMysql(database) ? `values(${column})` : `excluded.${column}`;
}

/**
 * Inserts rows, each its values in the order of `columns`. Where there is one with that key already, its columns are set to what `set` has for
 * them, as SQL; the key is one that the table has as its primary key or as unique.
 */
export async function upsert(
  database: KilnDatabase,
  {
    table,
    columns,
    key,
    rows,
    set,
  }: {
    table: keyof Schema & string;
    columns: readonly string[];
    key: readonly string[];
    rows: readonly (readonly Value[])[];
    set: Readonly<Record<string, string>>;
  },
): Promise<void> {
  const update = Object.entries(set).map(([column, value]) => `${column} = ${value}`);
  const onConflict = isMysql(database) ? 'on duplicate key update' : `on conflict (${key.join(', ')}) do update set`;
  await sql`insert into ${sql.raw(`${table} (${columns.join(', ')})`)} ${rowsOf(database, columns.length, rows)}
    ${sql.raw(`${onConflict} ${update.join(', ')}`)}`.execute(database);
}

/** What `insert into … (…)` is followed by: each row's values in the order of the columns, of which there are so many. */
function rowsOf(
  database: Pick<KilnDatabase, 'getExecutor'>,
  columns: number,
  rows: readonly (readonly Value[])[],
): RawBuilder<unknown> {
  if (isMysql(database)) return sql`values ${rows}`;
  const fields = Array.from({ length: columns }, (_, n) => `value ->> ${n}`).join(', ');
  // Without a condition SQLite takes the `on` of `on conflict` for that of a join.
  return sql`select ${sql.raw(fields)} from json_each(${JSON.stringify(rows)}) where true`;
}
