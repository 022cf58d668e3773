import { type Kysely, MysqlAdapter } from 'kysely';

/** Whether statements are MySQL's (or MariaDB's, or Galera's); else they are SQLite's. */
export function isMysql(database: Pick<Kysely<unknown>, 'getExecutor'>): boolean {
  return database.getExecutor().adapter instanceof MysqlAdapter;
}
