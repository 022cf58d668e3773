import { sql } from 'kysely';
import { shareNextCall } from '../../lib/share-next-call.ts';
import { KilnError } from '../../model/errors.ts';
import type { ResourceKind, StoredTree } from '../../model/load-balancer.ts';
import type { OperationReason } from '../../model/operation.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ListQuery, LoadBalancerStore } from '../../ports/load-balancer-store.ts';
import { applyChange } from './apply-change.ts';
import { attempt, isDuplicate } from './faults.ts';
import { createKnownLoadBalancers } from './known-load-balancers.ts';
import { selectPage } from './list-query.ts';
import { readTree } from './load-balancer-tree.ts';
import { relatedColumns, withRelatedIds } from './related-ids.ts';
import { resourceKinds, tableOf } from './resource-tables.ts';
import type { KilnDatabase, ResourceValues } from './schema.ts';

/** For the statement of others: a connection may hang on which nothing is heard any more. */
const LONGEST_WAIT_MS = 2_000;

/**
 * Load balancers and what belongs to them, a table for each kind. What is DELETED is found by no method but a list that
 * filters for that status.
 */
export function createLoadBalancerStore(database: KilnDatabase, clock: Clock): LoadBalancerStore {
  const known = createKnownLoadBalancers(database);
  const readPage = async (kind: ResourceKind, query: ListQuery) =>
    kind === 'loadbalancer'
      ? await known.list(query)
      : await withRelatedIds(database, kind, await selectPage(database, kind, query));
  /** However many ask for the same page at once. */
  const list = shareNextCall(
    ({ kind, query }: { kind: ResourceKind; query: ListQuery }) => attempt(clock, () => readPage(kind, query)),
    (question) => JSON.stringify(question),
    { ms: LONGEST_WAIT_MS, nowMs: () => clock.monotonicMs() },
  );
  return {
    list: (kind, query) => list({ kind, query }) as Promise<never>,

    get: (kind, id) =>
      attempt(clock, async () => {
        const rows = await database
          .selectFrom(tableOf(kind).table as 'kiln_listener')
          .selectAll()
          .select(relatedColumns(database, kind))
          .where('id', '=', id)
          .where('provisioning_status', '!=', 'DELETED')
          .execute();
        const [found] = await withRelatedIds(database, kind, rows as ResourceValues[]);
        const reason = kind === 'loadbalancer' ? readReason(rows[0]?.reason) : null;
        return found && reason ? { ...found, related: { ...found.related, reason } } : (found ?? null);
      }),

    tree: (loadBalancerId): Promise<StoredTree | null> => attempt(clock, () => readTree(database, loadBalancerId)),

    async apply(change) {
      const at = clock.now().toISOString();
      try {
        await attempt(clock, () =>
          database.transaction().execute((transaction) => applyChange(transaction, change, at)),
        );
      } catch (error) {
        if (!isDuplicate(error)) throw error;
        const message = `load balancer ${change.loadBalancerId}: something else has the port, address or ID by now`;
        throw new KilnError('RESOURCE_CONFLICT', message, { cause: error });
      }
    },

    async setServerGroup(loadBalancerId, serverGroupId) {
      await attempt(clock, () =>
        database
          .updateTable('kiln_load_balancer')
          .set({ server_group_id: serverGroupId, revision: sql`revision + 1` })
          .where('id', '=', loadBalancerId)
          .execute(),
      );
    },

    reasonOf: (loadBalancerId) =>
      attempt(clock, async () => {
        const row = await database
          .selectFrom('kiln_load_balancer')
          .select('reason')
          .where('id', '=', loadBalancerId)
          .executeTakeFirst();
        return readReason(row?.reason);
      }),

    countByProject: (projectId) =>
      attempt(clock, async () => {
        const { rows } = await sql<Record<ResourceKind, number>>`select ${sql.join(
          resourceKinds.map((kind) =>
            database
              .selectFrom(tableOf(kind).table as 'kiln_listener')
              .select(({ fn }) => fn.countAll<number>().as('count'))
              .where('project_id', '=', projectId)
              .where('provisioning_status', '!=', 'DELETED')
              .as(kind),
          ),
        )}`.execute(database);
        const [counts] = rows;
        if (!counts) throw new KilnError('INTERNAL', 'the database counted nothing, not even none');
        return counts;
      }),
  };
}

function readReason(json: ResourceValues[string] | undefined): OperationReason | null {
  return json ? (JSON.parse(String(json)) as OperationReason) : null;
}
