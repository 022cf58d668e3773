import type { Kysely } from 'kysely';
import { addColumn } from '../ddl.ts';

/** Columns that may be left out: older versions go on; what they build is sent its configuration once more. */
export const compatible = true;

/** Which heartbeat settings each agent has, and when it is sent others. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await addColumn(database, 'kiln_amphora', 'agent_config_digest', 'varchar(64)');
  await addColumn(database, 'kiln_amphora', 'agent_config_after', 'varchar(32)');
  await addColumn(database, 'kiln_amphora', 'agent_config_attempts', 'integer', (column) =>
    column.notNull().defaultTo(0),
  );
  await addColumn(database, 'kiln_amphora', 'agent_config_operation', 'varchar(36)');
}
