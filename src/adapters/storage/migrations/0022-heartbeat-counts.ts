import type { Kysely } from 'kysely';
import { addColumn } from '../ddl.ts';

/** Columns that may be left out: what older versions receive is not counted. */
export const compatible = true;

/** How many heartbeats of an amphora were recorded, and how often its agent began to count anew: gaps show in them. */
export async function up(database: Kysely<unknown>): Promise<void> {
  for (const column of ['beats', 'restarts']) {
    await addColumn(database, 'kiln_amphora_health', column, 'bigint', (definition) =>
      definition.notNull().defaultTo(0),
    );
  }
}
