import type { Kysely } from 'kysely';
import { createTable } from '../ddl.ts';

/** A new table: older versions go on without it. */
export const compatible = true;

/** Which images carried which tag, as looks at Glance have found it. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await createTable(database, 'kiln_tagged_image')
    .addColumn('tag', 'varchar(255)', (column) => column.notNull())
    .addColumn('image_id', 'varchar(36)', (column) => column.notNull())
    .addColumn('seen_at', 'varchar(32)', (column) => column.notNull())
    .addColumn('image_name', 'varchar(255)')
    .addColumn('was_there', 'integer', (column) => column.notNull())
    .addColumn('gone_at', 'varchar(32)')
    .addPrimaryKeyConstraint('kiln_tagged_image_key', ['tag', 'image_id', 'seen_at'])
    .execute();
}
