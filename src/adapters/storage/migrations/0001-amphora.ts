import type { Kysely } from 'kysely';
import { createIndex, createTable, longText } from '../ddl.ts';

export async function up(database: Kysely<unknown>): Promise<void> {
  await createTable(database, 'kiln_amphora')
    .addColumn('id', 'varchar(36)', (column) => column.primaryKey())
    .addColumn('status', 'varchar(36)', (column) => column.notNull())
    .addColumn('server_name', 'varchar(255)', (column) => column.notNull().unique())
    .addColumn('compute_id', 'varchar(36)')
    .addColumn('lb_network_ip', 'varchar(64)')
    .addColumn('image_id', 'varchar(36)')
    .addColumn('image_choice', longText(database))
    .addColumn('compute_flavor', 'varchar(255)')
    .addColumn('cached_zone', 'varchar(255)')
    .addColumn('cert_expiration', 'varchar(32)')
    .addColumn('agent_version', 'varchar(255)')
    .addColumn('timings', longText(database), (column) => column.notNull())
    .addColumn('worker', 'varchar(255)')
    .addColumn('reason', longText(database))
    .addColumn('created_at', 'varchar(32)', (column) => column.notNull())
    .addColumn('updated_at', 'varchar(32)', (column) => column.notNull())
    .execute();
  await createIndex(database, 'kiln_amphora_created_at', 'kiln_amphora', ['created_at', 'id']);
}
