import type { Kysely } from 'kysely';
import { createIndex } from '../ddl.ts';

/** Indexes: older versions go on with them. */
export const compatible = true;

/** What happened lately is found by its time. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await createIndex(database, 'kiln_release_event_time', 'kiln_release_event', ['at_ms']);
  await createIndex(database, 'kiln_operation_created', 'kiln_operation', ['created_at']);
}
