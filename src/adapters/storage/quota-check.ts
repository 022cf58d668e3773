import { sql } from 'kysely';
import { KilnError } from '../../model/errors.ts';
import type { ResourceKind } from '../../model/load-balancer.ts';
import type { ChangeQuota } from '../../ports/load-balancer-store.ts';
import { isMysql } from './engine.ts';
import { tableOf } from './resource-tables.ts';
import type { KilnDatabase } from './schema.ts';

/**
 * Has the changes of one project wait for each other, by a row that each of them writes; on Galera, whose nodes don't see each
 * other's locks, one of two is undone and tried again. Null, and no statement, where nothing is limited.
 */
export async function lockQuota(transaction: KilnDatabase, quota: ChangeQuota): Promise<ChangeQuota | null> {
  if (Object.values(quota.limits).every((limit) => limit < 0)) return null;
  const insert = transaction.insertInto('kiln_quota_lock').values({ project_id: quota.projectId, changes: 1 });
  const update = { changes: sql<number>`kiln_quota_lock.changes + 1` };
  await (isMysql(transaction)
    ? insert.onDuplicateKeyUpdate(update)
    : insert.onConflict((conflict) => conflict.column('project_id').doUpdateSet(update))
  ).execute();
  return quota;
}

/**
 * After the rows of a kind were written.
 * @param change how many of them are new, and how many are on their way out.
 * @throws QUOTA_MET
 */
export async function checkQuota(
  transaction: KilnDatabase,
  { projectId, limits }: ChangeQuota,
  kind: ResourceKind,
  { made, leaving }: { made: number; leaving: number },
): Promise<void> {
  if (made <= leaving || limits[kind] < 0) return;
  const { count } = await transaction
    .selectFrom(tableOf(kind).table as 'kiln_listener')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('project_id', '=', projectId)
    .where('provisioning_status', '!=', 'DELETED')
    .executeTakeFirstOrThrow();
  if (Number(count) - leaving <= limits[kind]) return;
  throw new KilnError('QUOTA_MET', `project ${projectId} may have ${limits[kind]} of ${kind}`, { details: { kind } });
}
