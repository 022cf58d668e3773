import { type Kysely, sql } from 'kysely';
import { addColumn, createTable } from '../ddl.ts';

/** A column that may be left out, and a new table: older versions go on, and assign no images. */
export const compatible = true;

/** Which image each load balancer is assigned, and what is known of images that amphorae booted. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await addColumn(database, 'kiln_load_balancer', 'assigned_image_id', 'varchar(36)');
  await createTable(database, 'kiln_amphora_image')
    .addColumn('id', 'varchar(36)', (column) => column.primaryKey())
    .addColumn('name', 'varchar(255)')
    .addColumn('created_at', 'varchar(32)')
    .addColumn('first_used_at', 'varchar(32)', (column) => column.notNull())
    .execute();

  // The newest amphora that serves it was given what it is assigned.
  await sql`
    update kiln_load_balancer set assigned_image_id = (
      select a.image_id from kiln_amphora a
      where a.load_balancer_id = kiln_load_balancer.id and a.status = 'ALLOCATED' and a.image_id is not null
      order by a.created_at desc, a.id desc limit 1)
    where assigned_image_id is null`.execute(database);
  await sql`
    insert into kiln_amphora_image (id, first_used_at)
    select image_id, min(created_at) from kiln_amphora
    where image_id is not null and image_id not in (select id from kiln_amphora_image)
    group by image_id`.execute(database);
}
