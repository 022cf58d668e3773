import { endedStatuses } from '../../model/operation.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Purge } from '../../ports/purge.ts';
import { attempt } from './faults.ts';
import { rememberFormerIds } from './former-ids.ts';
import type { KilnDatabase } from './schema.ts';

/** In the tables `kiln_operation`, `kiln_journal_entry`, `kiln_amphora`, `kiln_amphora_health` and `kiln_release…`. */
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

    releases: (endedBefore, limit) =>
      attempt(clock, async () => {
        const [release, next] = await endedReleases(database, endedBefore).orderBy('ended_ms').limit(2).execute();
        if (!release) return { removed: 0, more: false };
        const isGone = await database
          .transaction()
          .execute((transaction) => removeRelease(transaction, release.id, limit));
        return { removed: isGone ? 1 : 0, more: !isGone || next !== undefined };
      }),

    count: (before) =>
      attempt(clock, async () => {
        const countOf = async (
          rows: ReturnType<typeof endedOperations | typeof deletedAmphorae | typeof endedReleases>,
        ) => {
          const { count } = await database
            .selectFrom((rows as ReturnType<typeof endedOperations>).as('old'))
            .select(({ fn }) => fn.countAll<number>().as('count'))
            .executeTakeFirstOrThrow();
          return Number(count);
        };
        return {
          operations: await countOf(endedOperations(database, before.operations)),
          amphorae: await countOf(deletedAmphorae(database, before.amphorae)),
          releases: await countOf(endedReleases(database, before.releases)),
        };
      }),
  };
}

/** An operation that has ended stays ended: nothing changes between this look and the deletion. */
function endedOperations(database: KilnDatabase, endedBefore: string) {
  return database
    .selectFrom('kiln_operation')
    .select('id')
    .where('status', 'in', endedStatuses)
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
        exists(
          selectFrom('kiln_operation as later')
            .select('later.id')
            .whereRef('later.subject', '=', 'kiln_operation.subject')
            .whereRef('later.created_at', '>', 'kiln_operation.created_at')
            .where('later.status', '=', 'undone'),
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

function endedReleases(database: KilnDatabase, endedBefore: string) {
  return database.selectFrom('kiln_release').select('id').where('ended_ms', '<', Date.parse(endedBefore));
}

/** Its parts first, at most so many rows; then itself. @returns whether it is gone. */
async function removeRelease(transaction: KilnDatabase, id: string, limit: number): Promise<boolean> {
  const events = await transaction
    .selectFrom('kiln_release_event')
    .select('n')
    .where('release_id', '=', id)
    .orderBy('n')
    .limit(limit)
    .execute();
  const lastEvent = events.at(-1);
  if (lastEvent) {
    const ofRelease = transaction.deleteFrom('kiln_release_event').where('release_id', '=', id);
    await ofRelease.where('n', '<=', lastEvent.n).execute();
  }
  if (events.length === limit) return false;
  const targets = await transaction
    .selectFrom('kiln_release_target')
    .select('load_balancer_id')
    .where('release_id', '=', id)
    .limit(limit - events.length)
    .execute();
  if (targets.length > 0) {
    const ids = targets.map((target) => target.load_balancer_id);
    const ofRelease = transaction.deleteFrom('kiln_release_target').where('release_id', '=', id);
    await ofRelease.where('load_balancer_id', 'in', ids).execute();
  }
  if (events.length + targets.length === limit) return false;
  // Few: samples are removed when a release ends.
  for (const table of ['kiln_release_probe', 'kiln_release_sample'] as const) {
    await transaction.deleteFrom(table).where('release_id', '=', id).execute();
  }
  await transaction.deleteFrom('kiln_release').where('id', '=', id).execute();
  return true;
}
