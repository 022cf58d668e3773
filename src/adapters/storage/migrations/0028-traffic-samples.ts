import type { Kysely } from 'kysely';
import { createTable } from '../ddl.ts';

/** A new table: older versions go on without it. */
export const compatible = true;

/** Counters of listeners at moments of the last hour and day. A slot is written anew when its time has come again: the table does not grow. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await createTable(database, 'kiln_traffic_sample')
    .addColumn('load_balancer_id', 'varchar(36)', (column) => column.notNull())
    .addColumn('listener_id', 'varchar(36)', (column) => column.notNull())
    .addColumn('slot', 'integer', (column) => column.notNull())
    .addColumn('at_ms', 'bigint', (column) => column.notNull())
    .addColumn('bytes_in', 'bigint', (column) => column.notNull())
    .addColumn('bytes_out', 'bigint', (column) => column.notNull())
    .addColumn('active_connections', 'bigint', (column) => column.notNull())
    .addColumn('total_connections', 'bigint', (column) => column.notNull())
    .addColumn('request_errors', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('kiln_traffic_sample_key', ['load_balancer_id', 'listener_id', 'slot'])
    .execute();
}
