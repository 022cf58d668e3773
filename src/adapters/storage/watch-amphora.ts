import { isMysql } from './engine.ts';
import type { KilnDatabase } from './schema.ts';

/** From now on its silence counts; what is known of one that is watched already stays. @param at ISO 8601 UTC. */
export async function watchAmphora(database: KilnDatabase, amphoraId: string, at: string): Promise<void> {
  const insert = database.insertInto('kiln_amphora_health').values({ amphora_id: amphoraId, last_heard: at });
  await (isMysql(database)
    ? insert.onDuplicateKeyUpdate((kept) => ({ amphora_id: kept.ref('amphora_id') }))
    : insert.onConflict((conflict) => conflict.column('amphora_id').doNothing())
  ).execute();
}
