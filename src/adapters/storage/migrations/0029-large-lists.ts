import type { Kysely } from 'kysely';
import { createIndex, dropIndex } from '../ddl.ts';

/** Indices: older versions go on with them. */
export const compatible = true;

/** A page by name, or of what has one operating status, is read without a look at all other rows. */
export async function up(database: Kysely<unknown>): Promise<void> {
  for (const table of ['kiln_load_balancer', 'kiln_listener', 'kiln_pool']) {
    await createIndex(database, `${table}_names`, table, ['name', 'created_at', 'id']);
    await dropIndex(database, `${table}_name`, table);
  }
  await createIndex(database, 'kiln_load_balancer_operating', 'kiln_load_balancer', [
    'operating_status',
    'created_at',
    'id',
  ]);
}
