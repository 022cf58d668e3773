import { type RawBuilder, sql } from 'kysely';
import { isMysql } from './engine.ts';
import type { KilnDatabase } from './schema.ts';

/**
 * Many values as one parameter: the statement's text is the same for one and for a thousand, so that putting it together,
 * and with SQLite preparing it, costs the same. MySQL's driver writes them out where the parameter stands; SQLite reads JSON.
 */

type Value = string | number | null;

/** What `in` is followed by. Not for an empty list: MySQL's syntax has none. */
export function listOf(database: Pick<KilnDatabase, 'getExecutor'>, values: readonly Value[]): RawBuilder<unknown> {
  return isMysql(database) ? sql`(${values})` : sql`(select value from json_each(${JSON.stringify(values)}))`;
}

/** What `insert into … (…)` is followed by: each row's values in the order of the columns, of which there are so many. */
export function rowsOf(
  database: Pick<KilnDatabase, 'getExecutor'>,
  columns: number,
  rows: readonly (readonly Value[])[],
): RawBuilder<unknown> {
  if (isMysql(database)) return sql`values ${rows}`;
  const fields = Array.from({ length: columns }, (_, n) => `value ->> ${n}`).join(', ');
  // Without a condition SQLite takes the `on` of `on conflict` for that of a join.
  return sql`select ${sql.raw(fields)} from json_each(${JSON.stringify(rows)}) where true`;
}
