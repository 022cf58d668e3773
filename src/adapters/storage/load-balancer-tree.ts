import type { ResourceKind, Resources, StoredTree } from '../../model/load-balancer.ts';
import { fromRow, tableOf } from './resource-tables.ts';
import type { KilnDatabase } from './schema.ts';

/** Everything of one load balancer in one statement a kind; policies by position, all else in the order it was made. */
export async function readTree(database: KilnDatabase, loadBalancerId: string): Promise<StoredTree | null> {
  const select = (kind: ResourceKind) =>
    database
      .selectFrom(tableOf(kind).table as 'kiln_listener')
      .selectAll()
      .where('provisioning_status', '!=', 'DELETED');
  type Rows = ReturnType<typeof select>;

  async function read<Kind extends ResourceKind>(
    kind: Kind,
    narrow: (rows: Rows) => Rows,
    order = 'created_at',
  ): Promise<Resources[Kind][]> {
    const rows = await narrow(select(kind)).orderBy(order).orderBy('id').execute();
    return rows.map((row) => fromRow(kind, row));
  }

  const ofLoadBalancer = (table: 'kiln_listener' | 'kiln_pool') =>
    database
      .selectFrom(table as 'kiln_listener')
      .select('id')
      .where('load_balancer_id', '=', loadBalancerId);
  const policyIds = database
    .selectFrom('kiln_l7_policy')
    .select('id')
    .where('listener_id', 'in', ofLoadBalancer('kiln_listener'));
  const inPools = (rows: Rows) => rows.where('pool_id', 'in', ofLoadBalancer('kiln_pool'));

  const [row] = await select('loadbalancer').where('id', '=', loadBalancerId).execute();
  if (!row) return null;
  const loadBalancer = fromRow('loadbalancer', row);
  const listeners = await read('listener', (rows) => rows.where('load_balancer_id', '=', loadBalancerId));
  const pools = await read('pool', (rows) => rows.where('load_balancer_id', '=', loadBalancerId));
  const members = Map.groupBy(await read('member', inPools), ({ poolId }) => poolId);
  const monitors = Map.groupBy(await read('healthmonitor', inPools), ({ poolId }) => poolId);
  const policies = Map.groupBy(
    await read('l7policy', (rows) => rows.where('listener_id', 'in', ofLoadBalancer('kiln_listener')), 'position'),
    ({ listenerId }) => listenerId,
  );
  const rules = Map.groupBy(
    await read('l7rule', (rows) => rows.where('l7_policy_id', 'in', policyIds)),
    ({ l7PolicyId }) => l7PolicyId,
  );

  return {
    revision: Number(row.revision),
    loadBalancer,
    listeners: listeners.map((listener) => ({
      ...listener,
      l7Policies: (policies.get(listener.id) ?? []).map((policy) => ({ ...policy, rules: rules.get(policy.id) ?? [] })),
    })),
    pools: pools.map((pool) => ({
      ...pool,
      members: members.get(pool.id) ?? [],
      healthMonitor: monitors.get(pool.id)?.[0] ?? null,
    })),
  };
}
