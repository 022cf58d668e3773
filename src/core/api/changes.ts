import {
  type HealthMonitor,
  type L7Policy,
  type L7Rule,
  type Listener,
  type LoadBalancerTree,
  type Member,
  type Pool,
  type ProvisioningStatus,
  provisioningStatuses,
  type StoredTree,
} from '../../model/load-balancer.ts';
import type { JsonObject, Operation } from '../../model/operation.ts';
import type { Making } from './making.ts';
import { immutable } from './refusals.ts';
import { type Kind, type Kinds, kindTitle } from './resource-names.ts';

/**
 * What a request changes: the rows, and the operation that carries it out, for the store to write in one transaction.
 * Whatever changes inside a load balancer makes it, and what stands between, PENDING_UPDATE until its flow ends.
 */
export interface PlannedChange {
  loadBalancerId: string;
  mutableFrom: readonly ProvisioningStatus[];
  /** Of the tree that the rows were computed from; null where they follow from none. */
  basedOnRevision: number | null;
  rows: readonly Row[];
  operation: Pick<Operation, 'id' | 'flow' | 'subject' | 'input' | 'priority'>;
}
type Row = { [K in Kind]: { kind: K; put: Kinds[K] } }[Kind];

type Verb = 'create' | 'update' | 'delete';
/** What a change is about, and by what way it hangs on its load balancer. */
export type Subject = Row;

/** Words of the flows' names; `src/flows` has one of each: `create-load-balancer`, `update-health-monitor` … */
const flowWords: Readonly<Record<Kind, string>> = {
  loadbalancer: 'load-balancer',
  listener: 'listener',
  pool: 'pool',
  member: 'member',
  healthmonitor: 'health-monitor',
  l7policy: 'l7-policy',
  l7rule: 'l7-rule',
};

/** Failovers go before everything else, and those of what does not serve before those that somebody asked for. */
const priorities = { repair: 20, failover: 10, other: 0 } as const;

/** Operations of this priority repair what fell silent. */
export const REPAIR_PRIORITY = priorities.repair;

/** A load balancer with everything in it. */
export function planCreation(making: Making, tree: LoadBalancerTree): PlannedChange {
  const { id } = tree.loadBalancer;
  return {
    loadBalancerId: id,
    mutableFrom: [],
    basedOnRevision: null,
    rows: rowsOf(tree),
    operation: operation(making, 'create-load-balancer', id, { verb: 'create', kind: 'loadbalancer', resourceId: id }),
  };
}

/**
 * Made, changed or to be deleted: something inside a load balancer, or the load balancer itself. The operation of an
 * update holds the row as it was before, so that its flow can give it back.
 */
export function planChange(
  making: Making,
  verb: Verb,
  tree: StoredTree,
  subject: Subject,
  more: { rows?: readonly Row[]; input?: Operation['input'] } = {},
): PlannedChange {
  const { loadBalancer } = tree;
  const own = verb === 'delete' ? toBeDeleted(subject) : subject;
  const rows =
    subject.kind === 'loadbalancer'
      ? [own]
      : [...locked(making, tree, parentsOf(tree, subject)), ...(more.rows ?? []), own];
  return {
    loadBalancerId: loadBalancer.id,
    mutableFrom: verb === 'delete' && subject.kind === 'loadbalancer' ? ['ACTIVE', 'ERROR'] : ['ACTIVE'],
    basedOnRevision: tree.revision,
    rows,
    operation: operation(making, `${verb}-${flowWords[subject.kind]}`, loadBalancer.id, {
      verb,
      kind: subject.kind,
      resourceId: subject.put.id,
      ...(verb === 'update' ? { before: rowBefore(tree, subject) } : {}),
      ...more.input,
    }),
  };
}

/** All members of a pool at once. */
export function planMembers(
  making: Making,
  tree: StoredTree,
  pool: Pool,
  changes: { created: readonly Member[]; updated: readonly Member[]; deleted: readonly Member[] },
): PlannedChange {
  const ids = (members: readonly Member[]) => members.map(({ id }) => id);
  const members = [
    ...changes.created,
    ...changes.updated,
    ...changes.deleted.map((member): Member => ({ ...member, provisioningStatus: 'PENDING_DELETE' })),
  ];
  return {
    loadBalancerId: tree.loadBalancer.id,
    mutableFrom: ['ACTIVE'],
    basedOnRevision: tree.revision,
    rows: [
      ...locked(making, tree, { listenerIds: listenersOf(tree, pool.id), poolId: pool.id }),
      ...members.map((put) => ({ kind: 'member' as const, put })),
    ],
    operation: operation(making, 'update-members', tree.loadBalancer.id, {
      verb: 'replace',
      kind: 'pool',
      resourceId: pool.id,
      created: ids(changes.created),
      updated: ids(changes.updated),
      deleted: ids(changes.deleted),
    }),
  };
}

export function planFailover(making: Making, { loadBalancer, revision }: StoredTree): PlannedChange {
  const { id } = loadBalancer;
  return {
    loadBalancerId: id,
    mutableFrom: ['ACTIVE', 'ERROR'],
    basedOnRevision: revision,
    rows: [
      {
        kind: 'loadbalancer',
        put: { ...loadBalancer, provisioningStatus: 'PENDING_UPDATE', updatedAt: making.now },
      },
    ],
    operation: {
      ...operation(making, 'failover-load-balancer', id, { resourceId: id }),
      priority: priorities.failover,
    },
  };
}

/** In SINGLE topology it takes the load balancer's one amphora, as the failover of the load balancer does. */
export function planAmphoraFailover(making: Making, tree: StoredTree, amphoraId: string): PlannedChange {
  const { operation: planned, ...change } = planFailover(making, tree);
  const input = { ...planned.input, amphoraId };
  return { ...change, mutableFrom: ['ACTIVE'], operation: { ...planned, flow: 'failover-amphora', input } };
}

/** The failover of an amphora that is silent, without the rows: whoever asks for it has no tree. */
export function repairOperation(
  making: Pick<Making, 'newId'>,
  { id, loadBalancerId }: { id: string; loadBalancerId: string },
): PlannedChange['operation'] {
  const input = { resourceId: loadBalancerId, amphoraId: id };
  return { ...operation(making, 'failover-amphora', loadBalancerId, input), priority: priorities.repair };
}

/** The agent of one amphora gets its configuration anew. */
export function configurationOperation(
  making: Pick<Making, 'newId'>,
  loadBalancerId: string,
  amphoraId: string,
): PlannedChange['operation'] {
  return operation(making, 'configure-amphora', loadBalancerId, { resourceId: loadBalancerId, amphoraId });
}

/** The agent gets its configuration anew; nothing of the load balancer changes, so that it may be in any status. */
export function planAmphoraConfiguration(making: Making, tree: StoredTree, amphoraId: string): PlannedChange {
  const { id } = tree.loadBalancer;
  return {
    loadBalancerId: id,
    mutableFrom: provisioningStatuses.filter((status) => status !== 'DELETED'),
    basedOnRevision: null,
    rows: [],
    operation: configurationOperation(making, id, amphoraId),
  };
}

/** Of an amphora in ERROR. */
export function planAmphoraDeletion(making: Pick<Making, 'newId'>, amphoraId: string, loadBalancerId: string | null) {
  return {
    id: making.newId(),
    flow: 'delete-amphora',
    subject: loadBalancerId ?? amphoraId,
    input: { amphoraId, loadBalancerId, resourceId: loadBalancerId },
    priority: priorities.other,
  } satisfies PlannedChange['operation'];
}

/** A pool or a policy that is in ERROR, or being changed, takes no members, monitors or rules. */
export function checkParentIsMutable(title: 'Pool' | 'L7Policy', parent: Pool | L7Policy): void {
  if (parent.provisioningStatus !== 'ACTIVE') throw immutable(title, parent.id);
}

/** @throws KilnError IMMUTABLE for something inside a load balancer that is being changed. */
export function checkLoadBalancerIsMutable(loadBalancer: LoadBalancerTree['loadBalancer']): void {
  if (loadBalancer.provisioningStatus !== 'ACTIVE') throw immutable(kindTitle.loadbalancer, loadBalancer.id);
}

/** The listeners that send to a pool, by default or by a policy. */
export function listenersOf(tree: LoadBalancerTree, poolId: string): string[] {
  return tree.listeners
    .filter((one) => one.defaultPoolId === poolId || one.l7Policies.some((policy) => policy.redirectPoolId === poolId))
    .map(({ id }) => id);
}

interface Parents {
  listenerIds: readonly string[];
  poolId?: string;
  l7PolicyId?: string;
}

function parentsOf(tree: LoadBalancerTree, subject: Subject): Parents {
  switch (subject.kind) {
    case 'pool':
      return { listenerIds: listenersOf(tree, subject.put.id) };
    case 'member':
    case 'healthmonitor': {
      const { poolId } = subject.put;
      return { listenerIds: listenersOf(tree, poolId), poolId };
    }
    case 'l7policy':
      return { listenerIds: [subject.put.listenerId] };
    case 'l7rule': {
      const l7PolicyId = subject.put.l7PolicyId;
      const listener = tree.listeners.find((one) => one.l7Policies.some(({ id }) => id === l7PolicyId));
      return { listenerIds: listener ? [listener.id] : [], l7PolicyId };
    }
    default:
      return { listenerIds: [] };
  }
}

/** The load balancer and what stands between it and a change, PENDING_UPDATE. */
function locked(making: Making, tree: LoadBalancerTree, parents: Parents): Row[] {
  const pending = { provisioningStatus: 'PENDING_UPDATE', updatedAt: making.now } as const;
  const rows: Row[] = [{ kind: 'loadbalancer', put: { ...tree.loadBalancer, ...pending } }];
  for (const listener of tree.listeners) {
    if (parents.listenerIds.includes(listener.id)) {
      rows.push({ kind: 'listener', put: { ...listenerRow(listener), ...pending } });
    }
    const policy = listener.l7Policies.find(({ id }) => id === parents.l7PolicyId);
    if (policy) rows.push({ kind: 'l7policy', put: { ...policyRow(policy), ...pending } });
  }
  const pool = tree.pools.find(({ id }) => id === parents.poolId);
  if (pool) rows.push({ kind: 'pool', put: { ...poolRow(pool), ...pending } });
  return rows;
}

/** The row that a change is about, as the tree has it: nothing of a change is in there yet. */
function rowBefore(tree: LoadBalancerTree, { kind, put }: Subject): JsonObject | null {
  const policies = tree.listeners.flatMap(({ l7Policies }) => l7Policies);
  const rows: { readonly [K in Kind]: readonly Kinds[K][] } = {
    loadbalancer: [tree.loadBalancer],
    listener: tree.listeners.map(listenerRow),
    pool: tree.pools.map(poolRow),
    member: tree.pools.flatMap(({ members }) => members),
    healthmonitor: tree.pools.flatMap(({ healthMonitor }) => healthMonitor ?? []),
    l7policy: policies.map(policyRow),
    l7rule: policies.flatMap(({ rules }) => rules),
  };
  const row = rows[kind].find(({ id }) => id === put.id);
  return row ? ({ ...row } as unknown as JsonObject) : null;
}

function toBeDeleted(subject: Subject): Row {
  return { kind: subject.kind, put: { ...subject.put, provisioningStatus: 'PENDING_DELETE' } } as Row;
}

function operation(making: Pick<Making, 'newId'>, flow: string, loadBalancerId: string, input: Operation['input']) {
  return {
    id: making.newId(),
    flow,
    subject: loadBalancerId,
    input: { loadBalancerId, ...input },
    priority: priorities.other,
  };
}

/** A tree as rows, parents first. */
function rowsOf(tree: LoadBalancerTree): Row[] {
  const rows: Row[] = [{ kind: 'loadbalancer', put: tree.loadBalancer }];
  for (const pool of tree.pools) rows.push(...wholePoolRows(pool));
  for (const listener of tree.listeners) {
    rows.push({ kind: 'listener', put: listenerRow(listener) });
    for (const policy of listener.l7Policies) rows.push(...wholePolicyRows(policy));
  }
  return rows;
}

export function wholePoolRows(pool: LoadBalancerTree['pools'][number]): Row[] {
  return [{ kind: 'pool', put: poolRow(pool) }, ...contentsOfPool(pool)];
}

export function contentsOfPool({ members, healthMonitor }: LoadBalancerTree['pools'][number]): Row[] {
  const monitor: Row[] = healthMonitor ? [{ kind: 'healthmonitor', put: healthMonitor satisfies HealthMonitor }] : [];
  return [...monitor, ...members.map((put): Row => ({ kind: 'member', put }))];
}

function wholePolicyRows(policy: L7Policy & { rules: readonly L7Rule[] }): Row[] {
  return [{ kind: 'l7policy', put: policyRow(policy) }, ...policy.rules.map((put): Row => ({ kind: 'l7rule', put }))];
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
