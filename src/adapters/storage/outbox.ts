import { unendedStatuses } from '../../model/operation.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Outbox } from '../../ports/outbox.ts';
import { attempt } from './faults.ts';
import type { KilnDatabase } from './schema.ts';

/** The mark `announced` in the rows of `kiln_operation`. */
export function createOutbox(database: KilnDatabase, clock: Clock): Outbox {
  return {
    unannounced: (limit) =>
      attempt(clock, () =>
        database
          .selectFrom('kiln_operation')
          .select(['id', 'priority'])
          .where('status', 'in', unendedStatuses)
          .where('announced', '=', 0)
          .orderBy('priority', 'desc')
          .orderBy('created_at')
          .orderBy('id')
          .limit(limit)
          .execute(),
      ),

    async markAnnounced(operationIds) {
      if (operationIds.length === 0) return;
      await attempt(clock, () =>
        database.updateTable('kiln_operation').set({ announced: 1 }).where('id', 'in', operationIds).execute(),
      );
    },
  };
}
