import { treeInEffect } from '../../core/operations/in-effect.ts';
import { KilnError } from '../../model/errors.ts';
import type { LoadBalancerTree } from '../../model/load-balancer.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';

/**
 * What amphorae are to have of the load balancer.
 * @throws RESOURCE_NOT_FOUND
 */
export async function treeOf(
  deps: Pick<LoadBalancerDeps, 'loadBalancers'>,
  loadBalancerId: string,
): Promise<LoadBalancerTree> {
  return treeInEffect(await storedTreeOf(deps, loadBalancerId));
}

/**
 * The load balancer as its rows are, with what never took effect.
 * @throws RESOURCE_NOT_FOUND
 */
export async function storedTreeOf(
  { loadBalancers }: Pick<LoadBalancerDeps, 'loadBalancers'>,
  loadBalancerId: string,
): Promise<LoadBalancerTree> {
  const tree = await loadBalancers.tree(loadBalancerId);
  if (!tree) throw new KilnError('RESOURCE_NOT_FOUND', `there is no load balancer ${loadBalancerId}`);
  return tree;
}
