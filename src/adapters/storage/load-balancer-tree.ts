import { type RawBuilder, sql } from 'kysely';
import type { ResourceKind, Resources, StoredTree } from '../../model/load-balancer.ts';
import { fromRow, resourceKinds, tableOf } from './resource-tables.ts';
import type { KilnDatabase, ResourceValues } from './schema.ts';

/** Which rows of a kind are a load balancer's; the table's columns have their own names. */
const belongs: Readonly<Record<ResourceKind, (loadBalancerId: string) => RawBuilder<unknown>>> = {
  loadbalancer: (id) => sql`id = ${id}`,
  listener: (id) => sql`load_balancer_id = ${id}`,
  pool: (id) => sql`load_balancer_id = ${id}`,
  member: (id) => sql`pool_id in (select id from kiln_pool where load_balancer_id = ${id})`,
  healthmonitor: (id) => sql`pool_id in (select id from kiln_pool where load_balancer_id = ${id})`,
  l7policy: (id) => sql`listener_id in (select id from kiln_listener where load_balancer_id = ${id})`,
  l7rule: (id) =>
    sql`l7_policy_id in (select id from kiln_l7_policy where listener_id in (select id from kiln_listener where load_balancer_id = ${id}))`,
};

/** A row as one JSON value, so that rows of all tables come with one statement. */
const asJson = Object.fromEntries(
  resourceKinds.map((kind) => {
    const names = [...tableOf(kind).columns.values()].map(({ name }) => name);
    const all = kind === 'loadbalancer' ? [...names, 'revision'] : names;
    return [kind, sql`json_object(${sql.join(all.flatMap((name) => [sql.lit(name), sql.ref(name)]))})`];
  }),
) as Record<ResourceKind, RawBuilder<unknown>>;

interface Found {
  kind: ResourceKind;
  /** Text, but for MySQL's JSON type, which the driver reads. */
  fields: string | ResourceValues;
}

/**
 * Everything of one load balancer as it was at one moment, in one statement; policies by position, all else in the order it was
 * made.
 */
export async function readTree(database: KilnDatabase, loadBalancerId: string): Promise<StoredTree | null> {
  const ofKind = (kind: ResourceKind) =>
    sql`select ${sql.lit(kind)} as kind, ${asJson[kind]} as fields from ${sql.table(tableOf(kind).table)}
      where provisioning_status <> 'DELETED' and ${belongs[kind](loadBalancerId)}`;
  const { rows: found } = await sql<Found>`${sql.join(resourceKinds.map(ofKind), sql` union all `)}`.execute(database);
  const rows = found.map(({ kind, fields }) => ({
    kind,
    fields: typeof fields === 'string' ? (JSON.parse(fields) as ResourceValues) : fields,
  }));

  function read<Kind extends ResourceKind>(kind: Kind, order = 'created_at'): Resources[Kind][] {
    return rows
      .filter((row) => row.kind === kind)
      .map(({ fields }) => fields)
      .sort((one, other) => compare(one[order], other[order]) || compare(one.id, other.id))
      .map((fields) => fromRow(kind, fields));
  }

  const row = rows.find(({ kind }) => kind === 'loadbalancer')?.fields;
  if (!row) return null;
  const members = Map.groupBy(read('member'), ({ poolId }) => poolId);
  const monitors = Map.groupBy(read('healthmonitor'), ({ poolId }) => poolId);
  const policies = Map.groupBy(read('l7policy', 'position'), ({ listenerId }) => listenerId);
  const rules = Map.groupBy(read('l7rule'), ({ l7PolicyId }) => l7PolicyId);

  return {
    revision: Number(row.revision),
    loadBalancer: fromRow('loadbalancer', row),
    listeners: read('listener').map((listener) => ({
      ...listener,
      l7Policies: (policies.get(listener.id) ?? []).map((policy) => ({ ...policy, rules: rules.get(policy.id) ?? [] })),
    })),
    pools: read('pool').map((pool) => ({
      ...pool,
      members: members.get(pool.id) ?? [],
      healthMonitor: monitors.get(pool.id)?.[0] ?? null,
    })),
  };
}

/** Times, IDs and positions, as both engines order them. */
function compare(one: ResourceValues[string] | undefined, other: ResourceValues[string] | undefined): number {
  if (one === other) return 0;
  return (one ?? '') < (other ?? '') ? -1 : 1;
}
