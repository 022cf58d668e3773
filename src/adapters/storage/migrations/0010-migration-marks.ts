import type { Kysely } from 'kysely';
import { createTable } from '../ddl.ts';

/** What older versions of Kiln need to know of changes that come after this one: see migrate.ts. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await createTable(database, 'kiln_migration_mark')
    .addColumn('name', 'varchar(255)', (column) => column.primaryKey())
    .addColumn('compatible', 'integer', (column) => column.notNull())
    .execute();
}
