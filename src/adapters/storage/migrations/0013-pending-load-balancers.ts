import type { Kysely } from 'kysely';
import { createIndex } from '../ddl.ts';

/** An index: older versions go on without it. */
export const compatible = true;

/** Those that are PENDING are looked at again and again. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await createIndex(database, 'kiln_load_balancer_status', 'kiln_load_balancer', ['provisioning_status', 'id']);
}
