import type {
  L7Policy,
  L7Rule,
  Listener,
  LoadBalancerTree,
  Pool,
  ResourceKind,
  Resources,
} from '../../model/load-balancer.ts';

/** A row as it shall be, with its kind. */
export type TreeRow = { [K in ResourceKind]: { kind: K; put: Resources[K] } }[ResourceKind];

/** A tree as rows, parents first. */
export function rowsOfTree(tree: LoadBalancerTree): TreeRow[] {
  const rows: TreeRow[] = [{ kind: 'loadbalancer', put: tree.loadBalancer }];
  for (const pool of tree.pools) rows.push(...populatedPoolRows(pool));
  for (const listener of tree.listeners) {
    rows.push({ kind: 'listener', put: listenerRow(listener) });
    for (const policy of listener.l7Policies) rows.push(...populatedPolicyRows(policy));
  }
  return rows;
}

export function populatedPoolRows(pool: LoadBalancerTree['pools'][number]): TreeRow[] {
  return [{ kind: 'pool', put: poolRow(pool) }, ...contentsOfPool(pool)];
}

export function contentsOfPool({ members, healthMonitor }: LoadBalancerTree['pools'][number]): TreeRow[] {
  const monitor: TreeRow[] = healthMonitor ? [{ kind: 'healthmonitor', put: healthMonitor }] : [];
  return [...monitor, ...members.map((put): TreeRow => ({ kind: 'member', put }))];
}

function populatedPolicyRows(policy: L7Policy & { rules: readonly L7Rule[] }): TreeRow[] {
  const rules = policy.rules.map((put): TreeRow => ({ kind: 'l7rule', put }));
  return [{ kind: 'l7policy', put: policyRow(policy) }, ...rules];
}

export function listenerRow({ l7Policies: _policies, ...row }: LoadBalancerTree['listeners'][number]): Listener {
  return row;
}

export function poolRow({
  members: _members,
  healthMonitor: _monitor,
  ...row
}: LoadBalancerTree['pools'][number]): Pool {
  return row;
}

export function policyRow({ rules: _rules, ...row }: L7Policy & { rules: readonly L7Rule[] }): L7Policy {
  return row;
}
