import type { Clock } from '../../ports/clock.ts';
import type { Purge } from '../../ports/purge.ts';
import { attempt } from './faults.ts';
import { rememberFormerIds } from './former-ids.ts';
import type { KilnDatabase } from './schema.ts';

/** In the tables `kiln_operation`, `kiln_journal_entry`, `kiln_amphora` and `kiln_amphora_health`. */
export function createPurge(database: KilnDatabase, clock: Clock): Purge {
  return {
    operations: (endedBefore, limit) =>
      attempt(clock, async () => {
        const rows = await endedOperations(database, endedBefore).limit(limit).execute();
        const ids = rows.map(({ id }) => id);
        if (ids.length === 0) return 0;
        await database.transaction().execute(async (transaction) => {
          await transaction.deleteFrom('kiln_operation').where('id', 'in', ids).execute();
          await transaction.deleteFrom('kiln_journal_entry').where('operation_id', 'in', ids).execute();
        });
        return ids.length;
      }),

    amphorae: (deletedBefore, limit) =>
      attempt(clock, async () => {
        const rows = await deletedAmphorae(database, deletedBefore).limit(limit).execute();
        const ids = rows.map(({ id }) => id);
        if (ids.length === 0) return 0;
        await database.transaction().execute(async (transaction) => {
          await rememberFormerIds(transaction, ids, clock.now().toISOString());
          await transaction.deleteFrom('kiln_amphora').where('id', 'in', ids).where('status', '=', 'DELETED').execute();
          await transaction.deleteFrom('kiln_amphora_health').where('amphora_id', 'in', ids).execute();
        });
        return ids.length;
      }),

    count: (endedBefore, deletedBefore) =>
      attempt(clock, async () => {
        const countOf = async (rows: ReturnType<typeof endedOperations> | ReturnType<typeof deletedAmphorae>) => {
          const { count } = await database
            .selectFrom((rows as ReturnType<typeof endedOperations>).as('old'))
            .select(({ fn }) => fn.countAll<number>().as('count'))
            .executeTakeFirstOrThrow();
          return Number(count);
        };
        return {
          operations: await countOf(endedOperations(database, endedBefore)),
          amphorae: await countOf(deletedAmphorae(database, deletedBefore)),
        };
      }),
  };
}

/** An operation that has ended stays ended: nothing changes between this look and the deletion. */
function endedOperations(database: KilnDatabase, endedBefore: string) {
  return database
    .selectFrom('kiln_operation')
    .select('id')
    .where('status', 'in', ['done', 'undone'])
    .where('updated_at', '<', endedBefore)
    .where(({ or, eb, not, exists, selectFrom }) =>
      or([
        eb('status', '=', 'done'),
        not(
          exists(
            selectFrom('kiln_load_balancer')
              .select('id')
              .whereRef('kiln_load_balancer.id', '=', 'kiln_operation.subject')
              .where('provisioning_status', '=', 'ERROR'),
          ),
        ),
      ]),
    );
}

function deletedAmphorae(database: KilnDatabase, deletedBefore: string) {
  return database
    .selectFrom('kiln_amphora')
    .select('id')
    .where('status', '=', 'DELETED')
    .where('updated_at', '<', deletedBefore)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('kiln_operation')
            .select('kiln_operation.id')
            .whereRef('busy_subject', '=', 'kiln_amphora.load_balancer_id'),
        ),
      ),
    );
}
