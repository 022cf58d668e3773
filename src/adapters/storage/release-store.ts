import { batches } from '../../lib/batches.ts';
import { KilnError } from '../../model/errors.ts';
import type { Intent, TargetState } from '../../model/release.ts';
import type { HealthMoment } from '../../model/release-view.ts';
import type { Clock } from '../../ports/clock.ts';
import type { NewReleaseEvent, ReleaseStore, StoredRelease } from '../../ports/release-store.ts';
import { isMysql } from './engine.ts';
import { attempt, isDuplicate } from './faults.ts';
import { advance, appendEvents, commitChange } from './release-commit.ts';
import { membersOf, usualMoveSeconds } from './release-fleet.ts';
import { healthNow, sampleGroups } from './release-health.ts';
import { countOperations, lookAtRelease } from './release-look.ts';
import { fromEvent, fromTarget, toEvent, toRelease, toTarget } from './release-rows.ts';
import type { KilnDatabase } from './schema.ts';

/** What a way back is for. */
const onNewImage: readonly TargetState[] = ['moving', 'watching', 'moved', 'failed', 'reverting'];

/** Targets in one statement: SQLite takes 32766 values. */
const BATCH = 500;

/** Releases in the tables `kiln_release…`. Whoever writes has read the release at the fence that it still has. */
export function createReleaseStore(database: KilnDatabase, clock: Clock): ReleaseStore {
  const releases = () => database.selectFrom('kiln_release').selectAll();

  async function get(releaseId: string): Promise<StoredRelease | null> {
    const row = await releases().where('id', '=', releaseId).executeTakeFirst();
    return row ? toRelease(row) : null;
  }

  return {
    async create({ spec, progress, intent, createdAtMs }, targets, tallies, event) {
      const row = {
        id: spec.id,
        active_tag: spec.tag,
        tag: spec.tag,
        image_id: spec.image.id,
        phase: progress.phase,
        fence: 1,
        event_count: 1,
        spec: JSON.stringify(spec),
        progress: JSON.stringify(progress),
        intent: JSON.stringify(intent),
        tallies: JSON.stringify(tallies),
        former_images: JSON.stringify([...new Set(targets.map(({ fromImageId }) => fromImageId))]),
        created_ms: createdAtMs,
        updated_ms: createdAtMs,
        ended_ms: null,
      };
      try {
        await attempt(clock, () =>
          database.transaction().execute(async (transaction) => {
            await transaction.insertInto('kiln_release').values(row).execute();
            for (const batch of batches(targets, BATCH)) {
              await transaction.insertInto('kiln_release_target').values(batch.map(fromTarget)).execute();
            }
            await transaction
              .insertInto('kiln_release_event')
              .values(fromEvent(spec.id, 1, event))
              .execute();
          }),
        );
      } catch (error) {
        if (!isDuplicate(error)) throw error;
        throw new KilnError('RESOURCE_CONFLICT', `a release of tag \`${spec.tag}\` has not ended`, {
          advice:
            'See `kiln release show`; end it with `kiln release abort` or `kiln release rollback` before another one starts.',
        });
      }
    },

    get: (releaseId) => attempt(clock, () => get(releaseId)),

    list: (limit, after) =>
      attempt(clock, async () => {
        let query = releases();
        if (after) {
          const { createdAtMs, spec } = after;
          query = query.where(({ eb, or, and }) =>
            or([eb('created_ms', '<', createdAtMs), and([eb('created_ms', '=', createdAtMs), eb('id', '<', spec.id)])]),
          );
        }
        const rows = await query.orderBy('created_ms', 'desc').orderBy('id', 'desc').limit(limit).execute();
        return rows.map(toRelease);
      }),

    active: () =>
      attempt(clock, async () => (await releases().where('active_tag', 'is not', null).execute()).map(toRelease)),

    targets: (releaseId, { states, limit, after }) =>
      attempt(clock, async () => {
        let query = database.selectFrom('kiln_release_target').selectAll().where('release_id', '=', releaseId);
        if (states) query = query.where('state', 'in', states);
        if (after) {
          query = query.where(({ eb, or, and }) =>
            or([eb('wave', '>', after.wave), and([eb('wave', '=', after.wave), eb('position', '>', after.position)])]),
          );
        }
        return (await query.orderBy('wave').orderBy('position').limit(limit).execute()).map(toTarget);
      }),

    events: (releaseId, after, limit) =>
      attempt(clock, async () => {
        const rows = await database
          .selectFrom('kiln_release_event')
          .selectAll()
          .where('release_id', '=', releaseId)
          .where('n', '>', after)
          .orderBy('n')
          .limit(limit)
          .execute();
        return rows.map(toEvent);
      }),

    tail: (releaseId, after, limit) =>
      attempt(clock, async () => {
        const rows = await database
          .selectFrom('kiln_release as r')
          .leftJoin('kiln_release_event as e', (join) => join.onRef('e.release_id', '=', 'r.id').on('e.n', '>', after))
          .select([
            'r.id',
            'r.ended_ms',
            'e.n',
            'e.at_ms',
            'e.actor',
            'e.kind',
            'e.load_balancer_id',
            'e.reason',
            'e.data',
          ])
          .where('r.id', '=', releaseId)
          .orderBy('e.n')
          .limit(limit)
          .execute();
        const [first] = rows;
        if (!first) return null;
        const events = rows.flatMap(({ id, n, at_ms, actor, kind, load_balancer_id, reason, data }) =>
          n === null || at_ms === null || actor === null || kind === null || reason === null || data === null
            ? []
            : [toEvent({ release_id: id, n, at_ms, actor, kind, load_balancer_id, reason, data })],
        );
        return { events, hasEnded: first.ended_ms !== null };
      }),

    waysBack: (releaseId) =>
      attempt(clock, async () => {
        const rows = await database
          .selectFrom('kiln_release_target')
          .select(({ fn }) => ['from_image_id', fn.countAll<number>().as('count')])
          .where('release_id', '=', releaseId)
          .where('state', 'in', onNewImage)
          .groupBy('from_image_id')
          .execute();
        return new Map(rows.map(({ from_image_id: imageId, count }) => [imageId, Number(count)]));
      }),

    instruct: (release, word) =>
      attempt(clock, async () => {
        const intent: Intent = { ...word, revision: release.intent.revision + 1 };
        const event: NewReleaseEvent = {
          atMs: word.atMs,
          actor: word.by,
          kind: 'intent',
          loadBalancerId: null,
          reason: word.reason,
          data: { want: word.want, revision: intent.revision },
        };
        await database.transaction().execute(async (transaction) => {
          const columns = { intent: JSON.stringify(intent), event_count: release.eventCount + 1 };
          await advance(transaction, release, columns, word.atMs);
          await appendEvents(transaction, release.spec.id, release.eventCount, [event]);
        });
        return { ...release, intent, fence: release.fence + 1, eventCount: release.eventCount + 1 };
      }),

    look: (releaseId, look) =>
      attempt(clock, () =>
        database
          .transaction()
          .setAccessMode('read only') // All of it as it was at one moment.
          .execute((transaction) => lookAtRelease(transaction, releaseId, look)),
      ),

    commit: (release, change, nowMs) =>
      attempt(clock, () =>
        database.transaction().execute((transaction) => commitChange(transaction, release, change, nowMs)),
      ),

    countUnended: (releaseId) => attempt(clock, () => countOperations(database, releaseId)),

    members: (tag, defaultTag) =>
      attempt(clock, () =>
        database
          .transaction()
          .setAccessMode('read only')
          .execute((transaction) => membersOf(transaction, tag, defaultTag)),
      ),

    usualMoveSeconds: () => attempt(clock, () => usualMoveSeconds(database)),

    countLoadBalancers: () =>
      attempt(clock, async () => {
        const { count } = await database
          .selectFrom('kiln_load_balancer')
          .select(({ fn }) => fn.countAll<number>().as('count'))
          .executeTakeFirstOrThrow();
        return Number(count);
      }),

    neededImages: () =>
      attempt(clock, async () => {
        const running = await releases().where('active_tag', 'is not', null).execute();
        const ended = await releases()
          .where('active_tag', 'is', null)
          .where('phase', '<>', 'rejected')
          .where('created_ms', '=', ({ selectFrom }) =>
            selectFrom('kiln_release as other')
              .select(({ fn }) => fn.max('other.created_ms').as('at'))
              .whereRef('other.tag', '=', 'kiln_release.tag')
              .where('other.active_tag', 'is', null)
              .where('other.phase', '<>', 'rejected'),
          )
          .execute();
        return [...running, ...ended].map((row) => {
          const { spec, formerImageIds, endedAtMs } = toRelease(row);
          const former = [...formerImageIds, ...spec.baseline.taggedImageIds];
          const hasEnded = endedAtMs !== null;
          return { releaseId: spec.id, hasEnded, imageIds: hasEnded ? former : [spec.image.id, ...former] };
        });
      }),

    rejectedBy: (hashAlgo, hash) =>
      attempt(clock, async () => {
        const row = await database
          .selectFrom('kiln_rejected_image')
          .select('release_id')
          .where('hash_algo', '=', hashAlgo)
          .where('hash', '=', hash)
          .executeTakeFirst();
        return row?.release_id ?? null;
      }),

    healthNow: (loadBalancerIds, nowMs) => attempt(clock, () => healthNow(database, loadBalancerIds, nowMs)),

    keepSamples: (releaseId, moments, forgetBeforeMs) =>
      attempt(clock, () =>
        database.transaction().execute(async (transaction) => {
          await transaction
            .deleteFrom('kiln_release_sample')
            .where('release_id', '=', releaseId)
            .where('at_ms', '<', forgetBeforeMs)
            .execute();
          const rows = moments.map((moment) => ({
            release_id: releaseId,
            load_balancer_id: moment.loadBalancerId,
            at_ms: moment.atMs,
            data: JSON.stringify(moment),
          }));
          for (const batch of batches(rows, BATCH)) {
            const insert = transaction.insertInto('kiln_release_sample').values(batch);
            await (isMysql(transaction) ? insert.ignore() : insert.onConflict((same) => same.doNothing())).execute();
          }
        }),
      ),

    sampleGroups: (releaseId, limits) => attempt(clock, () => sampleGroups(database, releaseId, limits)),

    samples: (releaseId, loadBalancerIds) =>
      attempt(clock, async () => {
        const found = new Map<string, HealthMoment[]>();
        if (loadBalancerIds.length === 0) return found;
        const rows = await database
          .selectFrom('kiln_release_sample')
          .select(['load_balancer_id', 'data'])
          .where('release_id', '=', releaseId)
          .where('load_balancer_id', 'in', loadBalancerIds)
          .orderBy('at_ms')
          .execute();
        for (const { load_balancer_id: id, data } of rows) {
          const moment = JSON.parse(data) as HealthMoment;
          const moments = found.get(id);
          if (moments) moments.push(moment);
          else found.set(id, [moment]);
        }
        return found;
      }),
  };
}
