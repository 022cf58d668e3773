import type { LoadBalancerTree, ProvisioningStatus, ResourceKind } from '../../model/load-balancer.ts';
import { neverTookEffect } from './in-effect.ts';
import { type OperationSubject, rowsBefore } from './operation-subject.ts';
import { rowsOfTree, type TreeRow } from './tree-rows.ts';

/** What becomes of the rows of a load balancer when an operation on it ends. */
export interface Outcome {
  statuses: { kind: ResourceKind; ids: string[]; provisioningStatus: ProvisioningStatus }[];
  deletes: { kind: ResourceKind; ids: string[] }[];
  /** Rows that get back their values of before. */
  restores: TreeRow[];
}

interface Row {
  kind: ResourceKind;
  id: string;
  status: ProvisioningStatus;
  neverTookEffect: boolean;
  /** It, or what it stands in, is on its way out. */
  leaving: boolean;
}

/** The operation did what was asked: what was pending is ACTIVE, what was to be deleted goes with what is in it. */
export function succeeded(tree: LoadBalancerTree): Outcome {
  const rows = rowsOf(tree);
  return {
    ...onlyStatuses(rows.filter((row) => !row.leaving && isPending(row)).map((row) => ({ ...row, status: 'ACTIVE' }))),
    deletes: grouped(rows.filter((row) => row.leaving).map((row) => ({ ...row, status: 'DELETED' }))).map(
      ({ kind, ids }) => ({ kind, ids }),
    ),
  };
}

/** A new amphora has everything that is in effect as the rows say it: what was in ERROR for an earlier change is well again. */
export function rebuilt(tree: LoadBalancerTree): Outcome {
  const rows = rowsOf(tree).filter((row) => isPending(row) || (row.status === 'ERROR' && !row.neverTookEffect));
  return onlyStatuses(rows.map((row) => ({ ...row, status: 'ACTIVE' })));
}

/** Rebuilt in another flavor, or in none: so the load balancer is from now on. */
export function resized(tree: LoadBalancerTree, flavorId: string | null): Outcome {
  const row = { kind: 'loadbalancer', put: { ...tree.loadBalancer, flavorId } } as const;
  return { ...rebuilt(tree), restores: [row] };
}

/**
 * The operation was undone (octavia/controller/worker/v2/tasks/lifecycle_tasks.py): what it was about is in ERROR, with the
 * values of before, and what it only held is ACTIVE again. A load balancer that was to be made or deleted is in ERROR with
 * all that is pending; one that was to be changed has its values of before and serves on.
 */
export function failed(tree: LoadBalancerTree, subject: OperationSubject): Outcome {
  const { kind, verb, resourceId } = subject;
  const before = new Map(rowsBefore(subject).map(({ id, fields }) => [id, fields]));
  const isSubject = ({ id, status, kind: ofRow }: Row) => {
    if (kind === 'loadbalancer') return verb !== 'update' || !before.has(resourceId);
    if (id === resourceId) return verb !== 'replace';
    if (verb === 'replace' && ofRow === 'member') return true;
    return status === 'PENDING_CREATE' || status === 'PENDING_DELETE' || before.get(id)?.provisioningStatus === 'ERROR';
  };
  const rows = rowsOf(tree).filter(isPending);
  return {
    ...onlyStatuses(rows.map((row) => ({ ...row, status: isSubject(row) ? 'ERROR' : 'ACTIVE' }))),
    restores: rowsOfTree(tree)
      .filter(({ put }) => before.has(put.id))
      .map(({ kind, put }) => ({ kind, put: { ...put, ...before.get(put.id) } }) as TreeRow),
  };
}

/** Nothing was changed, and what served before serves on. */
export function unchanged(tree: LoadBalancerTree): Outcome {
  return onlyStatuses(
    rowsOf(tree)
      .filter(isPending)
      .map((row) => ({ ...row, status: 'ACTIVE' })),
  );
}

/** Nobody knows what became of what is pending. */
export function lost(tree: LoadBalancerTree): Outcome {
  return onlyStatuses(
    rowsOf(tree)
      .filter(isPending)
      .map((row) => ({ ...row, status: 'ERROR' })),
  );
}

/** As the outcome says, but these are in ERROR and not in effect: their owner has to change them first. */
export function refused(tree: LoadBalancerTree, outcome: Outcome, ids: ReadonlySet<string>): Outcome {
  if (ids.size === 0) return outcome;
  const error = { provisioningStatus: 'ERROR', updatedAt: null } as const;
  const rows = rowsOfTree(tree).filter(({ put }) => ids.has(put.id));
  return {
    ...outcome,
    statuses: outcome.statuses.map((group) => ({ ...group, ids: group.ids.filter((id) => !ids.has(id)) })),
    restores: [...outcome.restores, ...rows.map(({ kind, put }) => ({ kind, put: { ...put, ...error } }) as TreeRow)],
  };
}

/** As the outcome says, but the load balancer itself is in ERROR. */
export function withLoadBalancerInError(outcome: Outcome, loadBalancerId: string): Outcome {
  const others = outcome.statuses.filter(({ kind }) => kind !== 'loadbalancer');
  return {
    ...outcome,
    statuses: [{ kind: 'loadbalancer', ids: [loadBalancerId], provisioningStatus: 'ERROR' }, ...others],
  };
}

/** Everything of a load balancer goes. */
export function wholeTree(tree: LoadBalancerTree): Outcome {
  const rows = rowsOf(tree).map((row): Row => ({ ...row, status: 'DELETED' }));
  return { statuses: [], deletes: grouped(rows).map(({ kind, ids }) => ({ kind, ids })), restores: [] };
}

type Stored = { id: string; provisioningStatus: ProvisioningStatus; updatedAt: string | null };

const onlyStatuses = (rows: readonly Row[]): Outcome => ({ statuses: grouped(rows), deletes: [], restores: [] });

const isPending = ({ status }: Row) => status.startsWith('PENDING_');

/** Parents first. */
function rowsOf(tree: LoadBalancerTree): Row[] {
  const rows: Row[] = [];
  const add = (kind: ResourceKind, { id, provisioningStatus: status, updatedAt }: Stored, parent: Row | null): Row => {
    const row = {
      kind,
      id,
      status,
      neverTookEffect: neverTookEffect({ provisioningStatus: status, updatedAt }),
      leaving: status === 'PENDING_DELETE' || parent?.leaving === true,
    };
    rows.push(row);
    return row;
  };
  const root = add('loadbalancer', tree.loadBalancer, null);
  for (const pool of tree.pools) {
    const row = add('pool', pool, root);
    for (const member of pool.members) add('member', member, row);
    if (pool.healthMonitor) add('healthmonitor', pool.healthMonitor, row);
  }
  for (const listener of tree.listeners) {
    const row = add('listener', listener, root);
    for (const policy of listener.l7Policies) {
      const policyRow = add('l7policy', policy, row);
      for (const rule of policy.rules) add('l7rule', rule, policyRow);
    }
  }
  return rows;
}

function grouped(rows: readonly Row[]): Outcome['statuses'] {
  const groups = new Map<string, Outcome['statuses'][number]>();
  for (const { kind, id, status } of rows) {
    const key = `${kind} ${status}`;
    const group = groups.get(key) ?? { kind, ids: [], provisioningStatus: status };
    group.ids.push(id);
    groups.set(key, group);
  }
  return [...groups.values()];
}
