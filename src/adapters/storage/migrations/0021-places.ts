import type { Kysely } from 'kysely';
import { addColumn, createIndex, createTable } from '../ddl.ts';

/** What may be left out, and tables that older versions don't know: they go on, and count for themselves. */
export const compatible = true;

/** Places that all processes share: for operations under way, and for amphorae that are being built. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await addColumn(database, 'kiln_operation', 'run_place', 'integer');
  await createIndex(database, 'kiln_operation_run_place', 'kiln_operation', ['run_place'], { unique: true });
  await createTable(database, 'kiln_build_place')
    .addColumn('amphora_id', 'varchar(36)', (column) => column.primaryKey())
    .addColumn('operation_id', 'varchar(36)', (column) => column.notNull())
    .addColumn('admitted', 'integer', (column) => column.notNull())
    .execute();
  await createTable(database, 'kiln_turn')
    .addColumn('name', 'varchar(32)', (column) => column.primaryKey())
    .addColumn('turns', 'integer', (column) => column.notNull())
    .execute();
}
