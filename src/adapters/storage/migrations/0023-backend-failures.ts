import type { Kysely } from 'kysely';
import { addColumn } from '../ddl.ts';

/** A column that may be left out: what older versions receive is not counted. */
export const compatible = true;

/** Requests that failed behind a listener, as far as its agents tell of them. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await addColumn(database, 'kiln_listener_statistics', 'failures', 'bigint');
}
