import { type Kysely, sql } from 'kysely';
import { createIndex, createTable } from '../ddl.ts';

/** New tables: older versions go on without them; what they delete is not remembered, and not removed from the cloud. */
export const compatible = true;

/** IDs that this database has given out and whose rows are gone; what was found in the cloud without an owner. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await createTable(database, 'kiln_former_id')
    .addColumn('id', 'varchar(36)', (column) => column.primaryKey())
    .addColumn('gone_at', 'varchar(32)', (column) => column.notNull())
    .execute();
  await createIndex(database, 'kiln_former_id_gone_at', 'kiln_former_id', ['gone_at']);
  await createTable(database, 'kiln_orphan')
    .addColumn('kind', 'varchar(32)', (column) => column.notNull())
    .addColumn('id', 'varchar(64)', (column) => column.notNull())
    .addColumn('name', 'varchar(255)', (column) => column.notNull())
    .addColumn('first_seen_at', 'varchar(32)', (column) => column.notNull())
    .addColumn('looks', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('kiln_orphan_key', ['kind', 'id'])
    .execute();
  // Load balancers of before, as far as their operations are still there.
  await sql`
    insert into kiln_former_id (id, gone_at)
    select subject, max(updated_at) from kiln_operation
    where flow = 'delete-load-balancer' and status = 'done'
      and subject not in (select id from kiln_load_balancer) and subject not in (select id from kiln_former_id)
    group by subject`.execute(database);
}
