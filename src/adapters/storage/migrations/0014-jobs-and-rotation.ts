import type { Kysely } from 'kysely';
import { addColumn, createIndex, createTable, longText } from '../ddl.ts';

/** A new table, an index, and columns that may be left out: older versions go on, purge by themselves and renew nothing. */
export const compatible = true;

/** Who does which job of housekeeping, and when certificates of agents are renewed. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await createTable(database, 'kiln_job')
    .addColumn('name', 'varchar(64)', (column) => column.primaryKey())
    .addColumn('fence', 'integer', (column) => column.notNull())
    .addColumn('holder', 'varchar(255)')
    .addColumn('more', 'integer', (column) => column.notNull())
    .addColumn('started_at', 'varchar(32)')
    .addColumn('ended_at', 'varchar(32)')
    .addColumn('succeeded_at', 'varchar(32)')
    .addColumn('result', longText(database))
    .addColumn('failure', longText(database))
    .execute();

  await addColumn(database, 'kiln_amphora', 'cert_rotation_after', 'varchar(32)');
  await addColumn(database, 'kiln_amphora', 'cert_rotation_attempts', 'integer', (column) =>
    column.notNull().defaultTo(0),
  );
  await addColumn(database, 'kiln_amphora', 'cert_rotation_operation', 'varchar(36)');
  await createIndex(database, 'kiln_amphora_cert_expiration', 'kiln_amphora', ['cert_expiration']);
}
