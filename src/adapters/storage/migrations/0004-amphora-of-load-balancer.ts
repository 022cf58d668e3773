import type { Kysely } from 'kysely';
import { addColumn, createIndex, longText } from '../ddl.ts';

export async function up(database: Kysely<unknown>): Promise<void> {
  await addColumn(database, 'kiln_amphora', 'load_balancer_id', 'varchar(36)');
  await addColumn(database, 'kiln_amphora', 'role', 'varchar(36)');
  await addColumn(database, 'kiln_amphora', 'vrrp_port_id', 'varchar(36)');
  await addColumn(database, 'kiln_amphora', 'vrrp_ip', 'varchar(64)');
  await addColumn(database, 'kiln_amphora', 'ha_port_id', 'varchar(36)');
  await addColumn(database, 'kiln_amphora', 'ha_ip', 'varchar(64)');
  await createIndex(database, 'kiln_amphora_load_balancer', 'kiln_amphora', ['load_balancer_id', 'created_at']);
  await addColumn(database, 'kiln_load_balancer', 'reason', longText(database));
}
