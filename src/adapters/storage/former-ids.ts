import { isMysql } from './engine.ts';
import type { KilnDatabase } from './schema.ts';

/** Remembers the IDs of rows that this transaction deletes: what is found in the cloud under them is ours. */
export async function rememberFormerIds(transaction: KilnDatabase, ids: readonly string[], at: string): Promise<void> {
  if (ids.length === 0) return;
  const insert = transaction.insertInto('kiln_former_id').values(ids.map((id) => ({ id, gone_at: at })));
  await (isMysql(transaction)
    ? insert.onDuplicateKeyUpdate({ gone_at: at })
    : insert.onConflict((conflict) => conflict.column('id').doUpdateSet({ gone_at: at }))
  ).execute();
}
