import type { Kysely } from 'kysely';
import { createIndex, createTable } from '../ddl.ts';

export async function up(database: Kysely<unknown>): Promise<void> {
  await createTable(database, 'kiln_listener_statistics')
    .addColumn('listener_id', 'varchar(36)', (column) => column.notNull())
    .addColumn('amphora_id', 'varchar(36)', (column) => column.notNull())
    .addColumn('bytes_in', 'bigint', (column) => column.notNull())
    .addColumn('bytes_out', 'bigint', (column) => column.notNull())
    .addColumn('active_connections', 'bigint', (column) => column.notNull())
    .addColumn('total_connections', 'bigint', (column) => column.notNull())
    .addColumn('request_errors', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('kiln_listener_statistics_key', ['listener_id', 'amphora_id'])
    .execute();
  await createIndex(database, 'kiln_listener_statistics_amphora', 'kiln_listener_statistics', ['amphora_id']);

  await createTable(database, 'kiln_amphora_health')
    .addColumn('amphora_id', 'varchar(36)', (column) => column.primaryKey())
    .addColumn('last_heard', 'varchar(32)', (column) => column.notNull())
    .execute();
}
