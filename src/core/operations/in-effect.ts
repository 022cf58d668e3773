import type { LoadBalancerTree, ProvisioningStatus } from '../../model/load-balancer.ts';

interface Row {
  id: string;
  provisioningStatus: ProvisioningStatus;
  updatedAt: string | null;
}

/** A row whose creation failed: no amphora was ever to have it. `updatedAt` is null until a row takes effect. */
export function neverTookEffect({ provisioningStatus, updatedAt }: Omit<Row, 'id'>): boolean {
  return provisioningStatus === 'ERROR' && updatedAt === null;
}

/** What amphorae are to have of a load balancer: what was refused is not rendered again, until its owner changes it. */
export function treeInEffect<Tree extends LoadBalancerTree>(tree: Tree): Tree {
  return treeOfRows(tree, (row) => !neverTookEffect(row));
}

/** The tree without the rows that are not to stay, and what is in them. */
export function treeOfRows<Tree extends LoadBalancerTree>(tree: Tree, stays: (row: Row) => boolean): Tree {
  return {
    ...tree,
    listeners: tree.listeners.filter(stays).map((listener) => ({
      ...listener,
      l7Policies: listener.l7Policies.filter(stays).map((policy) => ({ ...policy, rules: policy.rules.filter(stays) })),
    })),
    pools: tree.pools.filter(stays).map((pool) => ({
      ...pool,
      members: pool.members.filter(stays),
      healthMonitor: pool.healthMonitor && stays(pool.healthMonitor) ? pool.healthMonitor : null,
    })),
  };
}
