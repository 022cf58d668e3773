import type { Kysely } from 'kysely';
import { addColumn, createIndex } from '../ddl.ts';

/** A column that may be left out, and its index: older versions go on, and leave resizes to newer ones. */
export const compatible = true;

/** Which flavor an operation that has not ended is about to give its load balancer: it is in use. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await addColumn(database, 'kiln_operation', 'held_flavor_id', 'varchar(36)');
  await createIndex(database, 'kiln_operation_held_flavor_id', 'kiln_operation', ['held_flavor_id']);
}
