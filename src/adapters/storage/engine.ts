import { type Kysely, MysqlAdapter, type RawBuilder, sql } from 'kysely';

/** Whether statements are MySQL's (or MariaDB's, or Galera's); else they are SQLite's. */
export function isMysql(database: Pick<Kysely<unknown>, 'getExecutor'>): boolean {
  return database.getExecutor().adapter instanceof MysqlAdapter;
}

/** Sums come as decimals from MySQL, which drivers read as text; SQLite's own `sum` fails on what is too large. */
export const integerSum = (database: Pick<Kysely<unknown>, 'getExecutor'>, of: RawBuilder<unknown>) =>
  isMysql(database) ? sql`coalesce(sum(${of}), 0)` : sql`cast(total(${of}) as integer)`;
