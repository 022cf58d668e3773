import { type ColumnBuilderCallback, type CreateTableBuilder, type Kysely, type RawBuilder, sql } from 'kysely';
import { isMysql } from './engine.ts';

/**
 * What differs between the engines when tables are made. MySQL can't take back a change of tables, and two processes may
 * upgrade at once with no lock between them: every step of a migration must do no harm when done again.
 */

type Database = Kysely<unknown>;

/**
 * A table, unless it is there. Text compares exactly, as in SQLite: MySQL's default takes `A`, `a` and `ä` for one
 * (blanks at the end still don't count).
 */
export function createTable(database: Database, name: string): CreateTableBuilder<string> {
  const table = database.schema.createTable(name).ifNotExists();
  if (!isMysql(database)) return table;
  return table.modifyEnd(sql`engine = InnoDB, character set utf8mb4, collate utf8mb4_bin`);
}

const DUPLICATE_KEY_NAME = 1061;

/** An index, unless it is there. MySQL (unlike MariaDB) has no `if not exists` for it. */
export async function createIndex(
  database: Database,
  name: string,
  table: string,
  columns: string[],
  { unique = false } = {},
): Promise<void> {
  const plain = database.schema.createIndex(name).on(table).columns(columns);
  const index = unique ? plain.unique() : plain;
  if (!isMysql(database)) return index.ifNotExists().execute();
  try {
    await index.execute();
  } catch (error) {
    if ((error as { errno?: number }).errno !== DUPLICATE_KEY_NAME) throw error;
  }
}

const UNKNOWN_KEY_NAME = 1091;

/** No such index any more. */
export async function dropIndex(database: Database, name: string, table: string): Promise<void> {
  const drop = database.schema.dropIndex(name);
  if (!isMysql(database)) return drop.ifExists().execute();
  try {
    await drop.on(table).execute();
  } catch (error) {
    if ((error as { errno?: number }).errno !== UNKNOWN_KEY_NAME) throw error;
  }
}

const DUPLICATE_COLUMN_NAME = 1060;

/** A column more, unless it is there. */
export async function addColumn(
  database: Database,
  table: string,
  column: string,
  type: Parameters<ReturnType<Database['schema']['alterTable']>['addColumn']>[1],
  complete: ColumnBuilderCallback = (definition) => definition,
): Promise<void> {
  try {
    await database.schema.alterTable(table).addColumn(column, type, complete).execute();
  } catch (error) {
    const { errno, message } = error as { errno?: number; message: string };
    if (errno !== DUPLICATE_COLUMN_NAME && !/^duplicate column name/.test(message)) throw error;
  }
}

/** A nullable text column that takes so many characters from now on. SQLite has no limit to begin with. */
export async function widenText(database: Database, table: string, column: string, characters: number): Promise<void> {
  if (!isMysql(database)) return;
  await database.schema.alterTable(table).modifyColumn(column, `varchar(${characters})`).execute();
}

/** Text without a limit that matters: MySQL's own `text` ends at 64 KiB, and an image choice lists all candidates. */
export function longText(database: Database): 'text' | RawBuilder<string> {
  return isMysql(database) ? sql<string>`longtext` : 'text';
}

/** Text of which blanks at the end count as well, for comparing only: on MySQL its bytes, which drivers read as such. */
export function exactText(database: Database, characters: number): RawBuilder<string> {
  const LARGEST_CHARACTER_BYTES = 4;
  return isMysql(database)
    ? sql`varbinary(${sql.lit(characters * LARGEST_CHARACTER_BYTES)})`
    : sql`varchar(${sql.lit(characters)})`;
}
