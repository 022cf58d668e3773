import { isIP } from 'node:net';
import {
  type HealthMonitor,
  isPendingDelete,
  type Listener,
  type LoadBalancerTree,
  type Member,
  type Pool,
} from '../../../model/load-balancer.ts';
import { requireAddress } from '../../haproxy/address.ts';
import { configuredMembers } from '../../haproxy/plan.ts';

export type Family = 4 | 6;

/** A UDP or SCTP listener with everything looked up: who is left out of the file is left out here. */
export interface PlannedListener {
  listener: Listener;
  /** Null: none, or on its way out; then keepalived balances nothing. */
  pool: PlannedPool | null;
  /** Null: nobody checks the members. */
  monitor: HealthMonitor | null;
  /** The families that the load balancer has VIPs of, and those VIPs. */
  vips: readonly { family: Family; addresses: readonly string[] }[];
}

export interface PlannedPool {
  pool: Pool;
  /** Disabled ones too: the agent reports them. */
  members: readonly Member[];
}

/** @returns null when the listener, or its load balancer, is disabled. INTERNAL when a VIP is no address. */
export function planListener(tree: LoadBalancerTree, listener: Listener): PlannedListener | null {
  const { loadBalancer } = tree;
  if (!loadBalancer.adminStateUp || !listener.adminStateUp) return null;
  const found = tree.pools.find(({ id }) => id === listener.defaultPoolId);
  const pool = found && !isPendingDelete(found) ? found : null;
  const monitor = pool?.healthMonitor;
  const vips = [loadBalancer.vip, ...loadBalancer.additionalVips].map(({ address }) => {
    return requireAddress(`load balancer ${loadBalancer.id}`, address);
  });
  return {
    listener,
    pool: pool && { pool, members: configuredMembers(pool.members) },
    monitor: monitor?.adminStateUp && !isPendingDelete(monitor) ? monitor : null,
    vips: ([4, 6] as const)
      .map((family) => ({ family, addresses: vips.filter((address) => isIP(address) === family) }))
      .filter(({ addresses }) => addresses.length > 0),
  };
}

/** Members that a VIP of this family can lead to: the kernel's NAT does not change families. */
export function membersOf({ members }: PlannedPool, family: Family): Member[] {
  return members.filter(({ id, address }) => isIP(requireAddress(`member ${id}`, address)) === family);
}
