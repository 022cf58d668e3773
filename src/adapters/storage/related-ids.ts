import { sql } from 'kysely';
import type { ResourceKind, Resources } from '../../model/load-balancer.ts';
import type { RelatedIds } from '../../ports/load-balancer-store.ts';
import type { KilnDatabase, ResourceRow } from './schema.ts';

type Linked = { related: RelatedIds };
type IdsByOwner = ReadonlyMap<string, readonly string[]>;

/** SQLite takes 32766 values in one statement. */
const LARGEST_BATCH = 10_000;
/** Its IDs are in the statement twice. */
const LARGEST_UNION = 5_000;

/**
 * Puts beside each resource the IDs of what hangs on it: so many statements for a kind, however many resources.
 * IDs are in the order in which their resources were made; those of policies, in that of their positions.
 */
export async function withRelatedIds<Kind extends ResourceKind>(
  database: KilnDatabase,
  kind: Kind,
  resources: readonly Resources[Kind][],
): Promise<(Resources[Kind] & Linked)[]> {
  const relate = await relations[kind](
    database,
    resources.map(({ id }) => id),
  );
  return resources.map((resource) => ({ ...resource, related: relate(resource as never) }));
}

type Relate<Kind extends ResourceKind> = (resource: Resources[Kind]) => RelatedIds;

const relations: {
  [Kind in ResourceKind]: (database: KilnDatabase, ids: readonly string[]) => Promise<Relate<Kind>>;
} = {
  async loadbalancer(database, ids) {
    const { listeners, pools } = await listenersAndPools(database, ids);
    return ({ id }) => ({ listenerIds: of(listeners, id), poolIds: of(pools, id) });
  },
  async listener(database, ids) {
    const policies = await children(database, 'kiln_l7_policy', 'listener_id', ids, 'position');
    return ({ id, loadBalancerId }) => ({ loadBalancerIds: [loadBalancerId], l7PolicyIds: of(policies, id) });
  },
  async pool(database, ids) {
    const defaults = await children(database, 'kiln_listener', 'default_pool_id', ids);
    const redirecting = await redirectingListeners(database, ids);
    const members = await children(database, 'kiln_member', 'pool_id', ids);
    const monitors = await children(database, 'kiln_health_monitor', 'pool_id', ids);
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

type ChildTable =
  | 'kiln_listener'
  | 'kiln_pool'
  | 'kiln_member'
  | 'kiln_health_monitor'
  | 'kiln_l7_policy'
  | 'kiln_l7_rule';

function children(
  database: KilnDatabase,
  table: ChildTable,
  owner: string,
  ownerIds: readonly string[],
  order = 'created_at',
): Promise<IdsByOwner> {
  return inBatches(ownerIds, (batch) =>
    database
      .selectFrom(table as 'kiln_listener')
      .select([`${owner} as owner`, 'id'])
      .where(owner, 'in', batch)
      .where('provisioning_status', '!=', 'DELETED')
      .orderBy(owner)
      .orderBy(order)
      .orderBy('id')
      .execute(),
  );
}

/**
 * What hangs on load balancers, in one statement and without a query builder: lists of load balancers are what a cloud
 * asks for most, and each statement costs as much as all else in such a request.
 */
async function listenersAndPools(
  database: KilnDatabase,
  loadBalancerIds: readonly string[],
): Promise<Record<'listeners' | 'pools', IdsByOwner>> {
  const found = { listeners: new Map<string, string[]>(), pools: new Map<string, string[]>() };
  for (let start = 0; start < loadBalancerIds.length; start += LARGEST_UNION) {
    const batch = sql.join(loadBalancerIds.slice(start, start + LARGEST_UNION));
    const { rows } = await sql<Pair & { kind: 'listeners' | 'pools'; made: string }>`
      select 'listeners' as kind, load_balancer_id as owner, id, created_at as made
      from kiln_listener where load_balancer_id in (${batch}) and provisioning_status <> 'DELETED'
      union all
      select 'pools', load_balancer_id, id, created_at
      from kiln_pool where load_balancer_id in (${batch}) and provisioning_status <> 'DELETED'`.execute(database);
    rows.sort((one, other) => compare(one.made, other.made) || compare(String(one.id), String(other.id)));
    for (const { kind, owner, id } of rows) add(found[kind], owner, id);
  }
  return found;
}

const compare = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0);

/** Listeners that come to a pool by a policy: one that is switched on and has a rule, as Octavia counts them. */
function redirectingListeners(database: KilnDatabase, poolIds: readonly string[]): Promise<IdsByOwner> {
  return inBatches(poolIds, (batch) =>
    database
      .selectFrom('kiln_l7_policy as policy')
      .select(['policy.redirect_pool_id as owner', 'policy.listener_id as id'])
      .distinct()
      .where('policy.redirect_pool_id', 'in', batch)
      .where('policy.admin_state_up', '=', 1)
      .where('policy.provisioning_status', '!=', 'DELETED')
      .where(({ exists, selectFrom }) =>
        exists(
          selectFrom('kiln_l7_rule as rule')
            .select('rule.id')
            .whereRef('rule.l7_policy_id', '=', 'policy.id')
            .where('rule.provisioning_status', '!=', 'DELETED'),
        ),
      )
      .orderBy('policy.redirect_pool_id')
      .orderBy('policy.listener_id')
      .execute(),
  );
}

type Pair = { owner: ResourceRow[string]; id: ResourceRow[string] };

async function inBatches(
  ownerIds: readonly string[],
  select: (batch: readonly string[]) => Promise<Pair[]>,
): Promise<IdsByOwner> {
  const found = new Map<string, string[]>();
  for (let start = 0; start < ownerIds.length; start += LARGEST_BATCH) {
    for (const { owner, id } of await select(ownerIds.slice(start, start + LARGEST_BATCH))) add(found, owner, id);
  }
  return found;
}

function add(found: Map<string, string[]>, owner: Pair['owner'], id: Pair['id']): void {
  const ids = found.get(String(owner));
  if (ids) ids.push(String(id));
  else found.set(String(owner), [String(id)]);
}

function of(ids: IdsByOwner, owner: string): readonly string[] {
  return ids.get(owner) ?? [];
}
