import type { LoadBalancerTree, ResourceKind } from '../../model/load-balancer.ts';
import type { JsonObject } from '../../model/operation.ts';
import { neverTookEffect, treeOfRows } from './in-effect.ts';

/** `replace`: all members of a pool at once; the resource is then the pool. */
export type OperationVerb = 'create' | 'update' | 'delete' | 'replace';

/** Fields of a row as they were before an operation changed them. */
export type RowBefore = { readonly kind: ResourceKind; readonly id: string; readonly fields: JsonObject };

/** What an operation changes. */
export interface OperationSubject {
  verb: OperationVerb;
  kind: ResourceKind;
  resourceId: string;
  /** The row as it was before an update; null where it is not known. */
  before: JsonObject | null;
  /** Of the other rows whose values change with it, what they were: members of a pool, policies that made room. */
  othersBefore: readonly RowBefore[];
}

/** Everything that an operation changes in rows that were there, as it was. */
export function rowsBefore({ verb, kind, resourceId, before, othersBefore }: OperationSubject): RowBefore[] {
  const own = verb === 'update' && before ? [{ kind, id: resourceId, fields: before }] : [];
  return [...own, ...othersBefore];
}

type Row = { id: string };

/**
 * The load balancer as it was before the operation: what is being made is left out, what is being deleted is there, and
 * what is being changed is as it was. For an amphora that has to be given back what it had.
 */
export function treeBefore(tree: LoadBalancerTree, subject: OperationSubject): LoadBalancerTree {
  const fields = new Map(rowsBefore(subject).map((row) => [row.id, row.fields]));
  const restore = <Resource extends Row & { provisioningStatus: string; updatedAt: string | null }>(row: Resource) => {
    const old: Resource = { ...row, ...fields.get(row.id) };
    if (old.provisioningStatus !== 'PENDING_DELETE') return old;
    return { ...old, provisioningStatus: old.updatedAt === null ? 'ERROR' : 'ACTIVE' } as Resource;
  };
  const restored: LoadBalancerTree = {
    loadBalancer: restore(tree.loadBalancer),
    listeners: tree.listeners.map((listener) => ({
      ...restore(listener),
      l7Policies: listener.l7Policies.map((policy) => ({ ...restore(policy), rules: policy.rules.map(restore) })),
    })),
    pools: tree.pools.map((pool) => ({
      ...restore(pool),
      members: pool.members.map(restore),
      healthMonitor: pool.healthMonitor && restore(pool.healthMonitor),
    })),
  };
  return treeOfRows(restored, (row) => row.provisioningStatus !== 'PENDING_CREATE' && !neverTookEffect(row));
}
