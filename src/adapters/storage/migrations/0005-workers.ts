import type { Kysely } from 'kysely';
import { addColumn, createTable } from '../ddl.ts';

export async function up(database: Kysely<unknown>): Promise<void> {
  await createTable(database, 'kiln_worker')
    .addColumn('id', 'varchar(255)', (column) => column.primaryKey())
    .addColumn('host', 'varchar(255)', (column) => column.notNull())
    .addColumn('role', 'varchar(36)', (column) => column.notNull())
    .addColumn('beats', 'bigint', (column) => column.notNull())
    .addColumn('beat_at', 'varchar(32)', (column) => column.notNull())
    .addColumn('started_at', 'varchar(32)', (column) => column.notNull())
    .execute();
  await addColumn(database, 'kiln_operation', 'announced', 'integer', (column) => column.notNull().defaultTo(0));
}
