import type { Kysely } from 'kysely';
import { createIndex, createTable, longText } from '../ddl.ts';

export async function up(database: Kysely<unknown>): Promise<void> {
  await createTable(database, 'kiln_operation')
    .addColumn('id', 'varchar(36)', (column) => column.primaryKey())
    .addColumn('flow', 'varchar(255)', (column) => column.notNull())
    .addColumn('subject', 'varchar(255)', (column) => column.notNull())
    .addColumn('input', longText(database), (column) => column.notNull())
    .addColumn('priority', 'integer', (column) => column.notNull())
    .addColumn('status', 'varchar(16)', (column) => column.notNull())
    .addColumn('fence', 'integer', (column) => column.notNull())
    .addColumn('worker', 'varchar(255)')
    .addColumn('reason', longText(database))
    .addColumn('busy_subject', 'varchar(255)', (column) => column.unique())
    .addColumn('entry_count', 'integer', (column) => column.notNull())
    .addColumn('created_at', 'varchar(32)', (column) => column.notNull())
    .addColumn('updated_at', 'varchar(32)', (column) => column.notNull())
    .execute();
  await createIndex(database, 'kiln_operation_status', 'kiln_operation', ['status', 'priority', 'created_at']);
  await createIndex(database, 'kiln_operation_subject', 'kiln_operation', ['subject', 'created_at']);
  await createTable(database, 'kiln_journal_entry')
    .addColumn('operation_id', 'varchar(36)', (column) => column.notNull())
    .addColumn('position', 'integer', (column) => column.notNull())
    .addColumn('entry', longText(database), (column) => column.notNull())
    .addPrimaryKeyConstraint('kiln_journal_entry_key', ['operation_id', 'position'])
    .execute();
}
