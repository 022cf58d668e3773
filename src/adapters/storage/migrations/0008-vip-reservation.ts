import type { Kysely } from 'kysely';
import { createIndex, createTable } from '../ddl.ts';

export async function up(database: Kysely<unknown>): Promise<void> {
  await createTable(database, 'kiln_vip_reservation')
    .addColumn('load_balancer_id', 'varchar(36)', (column) => column.primaryKey())
    .addColumn('reserved_at', 'varchar(32)', (column) => column.notNull())
    .addColumn('given_up', 'integer', (column) => column.notNull())
    .execute();
  await createIndex(database, 'kiln_vip_reservation_age', 'kiln_vip_reservation', ['given_up', 'reserved_at']);
}
