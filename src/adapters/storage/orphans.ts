import { type ExpressionBuilder, sql } from 'kysely';
import { pendingStatuses } from '../../model/load-balancer.ts';
import { unendedStatuses } from '../../model/operation.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Orphans } from '../../ports/orphans.ts';
import { attempt } from './faults.ts';
import { readTree } from './load-balancer-tree.ts';
import type { KilnDatabase, Schema } from './schema.ts';
import { applySettlement } from './settle.ts';

/** In the tables `kiln_load_balancer` (by its index of statuses) and `kiln_operation` (by that of subjects). */
export function createOrphans(database: KilnDatabase, clock: Clock): Orphans {
  return {
    find: (limit) =>
      attempt(clock, async () => {
        const rows = await database
          .selectFrom('kiln_load_balancer')
          .select(['id', 'revision'])
          .where(isOrphan)
          .limit(limit)
          .execute();
        return rows.map(({ id, revision }) => ({ loadBalancerId: String(id), revision: Number(revision) }));
      }),

    settle: ({ loadBalancerId, revision }, settlementOf) =>
      attempt(clock, () =>
        database.transaction().execute(async (transaction) => {
          // It holds up whoever wants to change the load balancer until this is written.
          const { numUpdatedRows } = await transaction
            .updateTable('kiln_load_balancer')
            .set({ revision: sql`revision + 1` })
            .where('id', '=', loadBalancerId)
            .where('revision', '=', revision)
            .where(isOrphan)
            .executeTakeFirst();
          const tree = numUpdatedRows === 1n ? await readTree(transaction, loadBalancerId) : null;
          if (!tree) return false;
          await applySettlement(transaction, settlementOf(tree), clock.now().toISOString());
          return true;
        }),
      ),
  };
}

function isOrphan({ and, eb, exists, not, selectFrom }: ExpressionBuilder<Schema, 'kiln_load_balancer'>) {
  const underWay = selectFrom('kiln_operation')
    .select('kiln_operation.id')
    .whereRef('kiln_operation.subject', '=', 'kiln_load_balancer.id')
    .where('kiln_operation.status', 'in', unendedStatuses);
  return and([eb('provisioning_status', 'in', pendingStatuses), not(exists(underWay))]);
}
