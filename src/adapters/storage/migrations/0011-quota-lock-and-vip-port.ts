import { type Kysely, sql } from 'kysely';
import { createIndex, createTable } from '../ddl.ts';

/** Only new tables: older versions go on without them, and count quotas as they did. */
export const compatible = true;

export async function up(database: Kysely<unknown>): Promise<void> {
  await createTable(database, 'kiln_quota_lock')
    .addColumn('project_id', 'varchar(36)', (column) => column.primaryKey())
    .addColumn('changes', 'bigint', (column) => column.notNull())
    .execute();

  await createTable(database, 'kiln_vip_port')
    .addColumn('port_id', 'varchar(36)', (column) => column.primaryKey())
    .addColumn('load_balancer_id', 'varchar(36)', (column) => column.notNull())
    .execute();
  await createIndex(database, 'kiln_vip_port_load_balancer', 'kiln_vip_port', ['load_balancer_id']);
  // Where two load balancers have one port already, one of them keeps it.
  await sql`
    insert into kiln_vip_port (port_id, load_balancer_id)
    select vip_port_id, min(id) from kiln_load_balancer
    where vip_octavia_owned = 0 and vip_port_id is not null and vip_port_id not in (select port_id from kiln_vip_port)
    group by vip_port_id`.execute(database);
}
