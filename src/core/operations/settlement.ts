import type { LoadBalancerTree, ProvisioningStatus } from '../../model/load-balancer.ts';
import type { OperationKind, OperationSubject } from './operation-subject.ts';

/** What becomes of the rows of a load balancer when an operation on it ends. */
export interface Outcome {
  statuses: { kind: OperationKind; ids: string[]; provisioningStatus: ProvisioningStatus }[];
  deletes: { kind: OperationKind; ids: string[] }[];
}

interface Row {
  kind: OperationKind;
  id: string;
  status: ProvisioningStatus;
  /** It, or what it stands in, is on its way out. */
  leaving: boolean;
}

/** The operation did what was asked: what was pending is ACTIVE, what was to be deleted goes with what is in it. */
export function succeeded(tree: LoadBalancerTree): Outcome {
  const rows = rowsOf(tree);
  return {
    statuses: grouped(
      rows.filter((row) => !row.leaving && isPending(row)).map((row) => ({ ...row, status: 'ACTIVE' })),
    ),
    deletes: grouped(rows.filter((row) => row.leaving).map((row) => ({ ...row, status: 'DELETED' }))).map(
      ({ kind, ids }) => ({ kind, ids }),
    ),
  };
}

/**
 * The operation was undone (octavia/controller/worker/v2/tasks/lifecycle_tasks.py): what it was about is in ERROR, and
 * what it only held is ACTIVE again. A load balancer that was to be made or deleted is in ERROR with all that is pending.
 */
export function failed(tree: LoadBalancerTree, subject: OperationSubject): Outcome {
  const wholly = subject.kind === 'loadbalancer';
  const rows = rowsOf(tree).filter(isPending);
  const isSubject = ({ id, status }: Row) =>
    wholly || id === subject.resourceId || status === 'PENDING_CREATE' || status === 'PENDING_DELETE';
  const isHeldPool = ({ id }: Row) => subject.verb === 'replace' && id === subject.resourceId;
  return {
    statuses: grouped(
      rows.map((row): Row => ({ ...row, status: isSubject(row) && !isHeldPool(row) ? 'ERROR' : 'ACTIVE' })),
    ),
    deletes: [],
  };
}

/** Nothing was changed, and what served before serves on. */
export function unchanged(tree: LoadBalancerTree): Outcome {
  const held = rowsOf(tree).filter(isPending);
  return { statuses: grouped(held.map((row): Row => ({ ...row, status: 'ACTIVE' }))), deletes: [] };
}

/** As the outcome says, but the load balancer itself is in ERROR. */
export function withLoadBalancerInError({ statuses, deletes }: Outcome, loadBalancerId: string): Outcome {
  const others = statuses.filter(({ kind }) => kind !== 'loadbalancer');
  return {
    statuses: [{ kind: 'loadbalancer', ids: [loadBalancerId], provisioningStatus: 'ERROR' }, ...others],
    deletes,
  };
}

/** Everything of a load balancer goes. */
export function wholeTree(tree: LoadBalancerTree): Outcome {
  const rows = rowsOf(tree).map((row): Row => ({ ...row, status: 'DELETED' }));
  return { statuses: [], deletes: grouped(rows).map(({ kind, ids }) => ({ kind, ids })) };
}

const isPending = ({ status }: Row) => status.startsWith('PENDING_');

/** Parents first. */
function rowsOf(tree: LoadBalancerTree): Row[] {
  const rows: Row[] = [];
  const add = (
    kind: OperationKind,
    { id, provisioningStatus: status }: { id: string; provisioningStatus: ProvisioningStatus },
    parent: Row | null,
  ): Row => {
    const row = { kind, id, status, leaving: status === 'PENDING_DELETE' || parent?.leaving === true };
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
