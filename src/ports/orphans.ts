import type { LoadBalancerTree } from '../model/load-balancer.ts';
import type { Settlement } from './load-balancer-store.ts';

/** A load balancer that is PENDING, and no operation that has not ended is about it. */
export interface Orphan {
  loadBalancerId: string;
  revision: number;
}

/** Load balancers that wait for nobody: nothing in Kiln leaves one, but a fault or a restored backup may. */
export interface Orphans {
  find(limit: number): Promise<Orphan[]>;
  /**
   * Settles it, unless it has changed, or has an operation, since it was found. One transaction.
   * @returns whether it was so.
   */
  settle(orphan: Orphan, settlementOf: (tree: LoadBalancerTree) => Settlement): Promise<boolean>;
}
