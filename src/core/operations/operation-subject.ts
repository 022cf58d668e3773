import type { LoadBalancerTree } from '../../model/load-balancer.ts';
import type { JsonObject } from '../../model/operation.ts';

/** The kinds of Octavia's API that an operation may be about. */
export const operationKinds = [
  'loadbalancer',
  'listener',
  'pool',
  'member',
  'healthmonitor',
  'l7policy',
  'l7rule',
] as const;
export type OperationKind = (typeof operationKinds)[number];

/** `replace`: all members of a pool at once; the resource is then the pool. */
export type OperationVerb = 'create' | 'update' | 'delete' | 'replace';

/** What an operation changes. */
export interface OperationSubject {
  verb: OperationVerb;
  kind: OperationKind;
  resourceId: string;
  /** The row as it was before an update; null where it is not known. */
  before: JsonObject | null;
}

type Row = { id: string; provisioningStatus: string };

/**
 * The load balancer as it was before the operation: what is being made is left out, what is being deleted is there, and
 * what is being changed is as it was. For an amphora that has to be given back what it had.
 */
export function treeBefore(tree: LoadBalancerTree, subject: OperationSubject): LoadBalancerTree {
  const isOld = ({ provisioningStatus }: Row) => provisioningStatus !== 'PENDING_CREATE';
  const restore = <Resource extends Row>(row: Resource): Resource => {
    const changed = subject.verb === 'update' && row.id === subject.resourceId && subject.before;
    const old = changed ? ({ ...row, ...subject.before } as Resource) : row;
    return old.provisioningStatus === 'PENDING_DELETE' ? { ...old, provisioningStatus: 'ACTIVE' } : old;
  };
  return {
    loadBalancer: restore(tree.loadBalancer),
    listeners: tree.listeners.filter(isOld).map((listener) => ({
      ...restore(listener),
      l7Policies: listener.l7Policies
        .filter(isOld)
        .map((policy) => ({ ...restore(policy), rules: policy.rules.filter(isOld).map(restore) })),
    })),
    pools: tree.pools.filter(isOld).map((pool) => ({
      ...restore(pool),
      members: pool.members.filter(isOld).map(restore),
      healthMonitor: pool.healthMonitor && isOld(pool.healthMonitor) ? restore(pool.healthMonitor) : null,
    })),
  };
}
