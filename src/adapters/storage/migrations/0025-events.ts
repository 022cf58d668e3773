import type { Kysely } from 'kysely';
import { createIndex } from '../ddl.ts';

/** An index: older versions go on with it. */
export const compatible = true;

/** What happened lately to releases is found by its time; operations have such an index since 0009. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await createIndex(database, 'kiln_release_event_time', 'kiln_release_event', ['at_ms']);
}
