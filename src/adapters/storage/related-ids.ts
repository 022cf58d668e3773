import { type AliasedRawBuilder, sql } from 'kysely';
import { batches } from '../../lib/batches.ts';
import type { ResourceKind, Resources } from '../../model/load-balancer.ts';
import type { RelatedIds } from '../../ports/load-balancer-store.ts';
import { isMysql } from './engine.ts';
import { listOf } from './many-values.ts';
import { fromRow } from './resource-tables.ts';
import type { KilnDatabase, ResourceRow, ResourceValues } from './schema.ts';

type Linked = { related: RelatedIds };
type IdsByOwner = ReadonlyMap<string, readonly string[]>;

/** SQLite takes 32766 values in one statement. */
const LARGEST_BATCH = 10_000;

/**
 * Columns that a statement which reads rows of the kind has to select beside them, for `withRelatedIds`. Load balancers are what a cloud lists most,
 * and a statement of its own would cost as much as all else in such a request.
 */
export function relatedColumns(database: KilnDatabase, kind: ResourceKind): AliasedRawBuilder<string | null, string>[] {
  if (kind !== 'loadbalancer') return [];
  const list = isMysql(database)
    ? sql`group_concat(id order by created_at, id separator ',')`
    : sql`group_concat(id, ',' order by created_at, id)`;
  const idsIn = (table: string) => sql<string | null>`(select ${list} from ${sql.table(table)}
    where load_balancer_id = kiln_load_balancer.id and provisioning_status <> 'DELETED')`;
  return [idsIn('kiln_listener').as('listener_ids'), idsIn('kiln_pool').as('pool_ids')];
}

/**
 * Puts beside each resource the IDs of what hangs on it: so many statements for a kind, however many resources.
 * IDs are in the order in which their resources were made; those of policies, in that of their positions.
 * @param rows with `relatedColumns`.
 */
export async function withRelatedIds<Kind extends ResourceKind>(
  database: KilnDatabase,
  kind: Kind,
  rows: readonly ResourceValues[],
): Promise<(Resources[Kind] & Linked)[]> {
  if (kind === 'loadbalancer')
    return rows.map((row) => ({ ...fromRow(kind, row), related: relatedOfLoadBalancer(row) }));
  const resources = rows.map((row) => fromRow(kind, row));
  const relate = await relations[kind as LinkedKind](
    database,
    resources.map(({ id }) => id),
  );
  return resources.map((resource) => ({ ...resource, related: relate(resource as never) }));
}

const idsOf = (list: ResourceValues[string] | undefined) => (list ? String(list).split(',') : []);
const relatedOfLoadBalancer = (row: ResourceValues): RelatedIds => ({
  listenerIds: idsOf(row.listener_ids),
  poolIds: idsOf(row.pool_ids),
});

type Relate<Kind extends ResourceKind> = (resource: Resources[Kind]) => RelatedIds;

/** All whose links are read by statements of their own. */
type LinkedKind = Exclude<ResourceKind, 'loadbalancer'>;

const relations: {
  [Kind in LinkedKind]: (database: KilnDatabase, ids: readonly string[]) => Promise<Relate<Kind>>;
} = {
  async listener(database, ids) {
    const policies = await children(database, 'kiln_l7_policy', 'listener_id', ids, 'position');
    return ({ id, loadBalancerId }) => ({ loadBalancerIds: [loadBalancerId], l7PolicyIds: of(policies, id) });
  },
  async pool(database, ids) {
    const { defaults, redirecting, members, monitors } = await linksOfPools(database, ids);
    return ({ id, loadBalancerId }) => ({
      loadBalancerIds: [loadBalancerId],
      listenerIds: [...new Set([...of(defaults, id), ...of(redirecting, id)])],
      memberIds: of(members, id),
      healthMonitorId: of(monitors, id)[0] ?? null,
    });
  },
  member: async () => () => ({}),
  healthmonitor:
    async () =>
    ({ poolId }) => ({ poolIds: [poolId] }),
  async l7policy(database, ids) {
    const rules = await children(database, 'kiln_l7_rule', 'l7_policy_id', ids);
    return ({ id }) => ({ l7RuleIds: of(rules, id) });
  },
  l7rule: async () => () => ({}),
};

type ChildTable = 'kiln_listener' | 'kiln_member' | 'kiln_health_monitor' | 'kiln_l7_policy' | 'kiln_l7_rule';

async function children(
  database: KilnDatabase,
  table: ChildTable,
  owner: string,
  ownerIds: readonly string[],
  order = 'created_at',
): Promise<IdsByOwner> {
  const found = new Map<string, string[]>();
  for (const batch of batches(ownerIds, LARGEST_BATCH)) {
    const rows = await database
      .selectFrom(table as 'kiln_listener')
      .select([`${owner} as owner`, 'id'])
      .where(owner, 'in', batch)
      .where('provisioning_status', '!=', 'DELETED')
      .orderBy(owner)
      .orderBy(order)
      .orderBy('id')
      .execute();
    for (const { owner, id } of rows) add(found, owner, id);
  }
  return found;
}

type PoolLink = 'defaults' | 'redirecting' | 'members' | 'monitors';

/**
 * What hangs on pools, in one statement. `redirecting` are listeners that come to a pool by a policy: one that is switched on and has a rule, as
 * Octavia counts them; they are in the order of their IDs, all others in that of their creation.
 */
async function linksOfPools(database: KilnDatabase, poolIds: readonly string[]): Promise<Record<PoolLink, IdsByOwner>> {
  const found: Record<PoolLink, Map<string, string[]>> = {
    ...{ defaults: new Map(), redirecting: new Map(), members: new Map(), monitors: new Map() },
  };
  for (const batch of batches(poolIds, LARGEST_BATCH)) {
    const linked = (link: PoolLink, table: ChildTable, owner: string) =>
      database
        .selectFrom(table as 'kiln_listener')
        .select([sql<string>`${sql.lit(link)}`.as('link'), `${owner} as owner`, 'id', 'created_at as place'])
        .where(sql<boolean>`${sql.ref(owner)} in ${listOf(database, batch)}`)
        .where('provisioning_status', '!=', 'DELETED');
    const rows = await linked('defaults', 'kiln_listener', 'default_pool_id')
      .unionAll(redirectingListeners(database, batch))
      .unionAll(linked('members', 'kiln_member', 'pool_id'))
      .unionAll(linked('monitors', 'kiln_health_monitor', 'pool_id'))
      .orderBy('place')
      .orderBy('id')
      .execute();
    for (const { link, owner, id } of rows) add(found[link as PoolLink], owner, id);
  }
  return found;
}

function redirectingListeners(database: KilnDatabase, poolIds: readonly string[]) {
  return database
    .selectFrom('kiln_l7_policy as policy')
    .select([
      sql<string>`'redirecting'`.as('link'),
      'policy.redirect_pool_id as owner',
      sql<string>`policy.listener_id`.as('id'),
      sql<string>`''`.as('place'),
    ])
    .distinct()
    .where(sql<boolean>`policy.redirect_pool_id in ${listOf(database, poolIds)}`)
    .where('policy.admin_state_up', '=', 1)
    .where('policy.provisioning_status', '!=', 'DELETED')
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('kiln_l7_rule as rule')
          .select('rule.id')
          .whereRef('rule.l7_policy_id', '=', 'policy.id')
          .where('rule.provisioning_status', '!=', 'DELETED'),
      ),
    );
}

function add(found: Map<string, string[]>, owner: ResourceRow[string], id: ResourceRow[string]): void {
  const ids = found.get(String(owner));
  if (ids) ids.push(String(id));
  else found.set(String(owner), [String(id)]);
}

function of(ids: IdsByOwner, owner: string): readonly string[] {
  return ids.get(owner) ?? [];
}
