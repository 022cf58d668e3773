import type { Kysely } from 'kysely';
import { widenText } from '../ddl.ts';

/** A wider column: older versions read what is longer, and write no more than they did. */
export const compatible = true;

/** Paths of health checks may be as long as in Octavia: 2048 characters. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await widenText(database, 'kiln_health_monitor', 'url_path', 2048);
}
