import type { StoredTree } from '../../model/load-balancer.ts';
import type { LoadBalancerStore } from '../../ports/load-balancer-store.ts';

/**
 * The store for one run of a flow. Nobody changes the load balancer while an operation has it, but for operating statuses,
 * which heartbeats write and no step looks at: so its tree is read once for all steps.
 */
export function rememberTrees(store: LoadBalancerStore): LoadBalancerStore {
  const trees = new Map<string, StoredTree>();
  return {
    ...store,
    async tree(loadBalancerId) {
      const known = trees.get(loadBalancerId);
      if (known) return known;
      const tree = await store.tree(loadBalancerId);
      if (tree) trees.set(loadBalancerId, tree);
      return tree;
    },
  };
}
