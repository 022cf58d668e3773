import type { FlowName } from '../../model/flow-name.ts';
import {
  type L7Policy,
  type LoadBalancerTree,
  type Member,
  type Pool,
  type ProvisioningStatus,
  provisioningStatuses,
  type ResourceKind,
  type StoredTree,
  type Topology,
} from '../../model/load-balancer.ts';
import { type JsonObject, type NewOperation, type Operation, REPAIR_PRIORITY } from '../../model/operation.ts';
import { neverTookEffect } from '../operations/in-effect.ts';
import type { RowBefore } from '../operations/operation-subject.ts';
import { rowsOfTree, type TreeRow } from '../operations/tree-rows.ts';
import { immutable } from './api-errors.ts';
import type { CreationContext } from './creation-context.ts';
import { kindTitle } from './resource-names.ts';

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
  operation: NewOperation;
}
type Row = TreeRow;

type Verb = 'create' | 'update' | 'delete';
/** What a change is about, and by what way it hangs on its load balancer. */
export type Subject = Row;

/** Words of the flows' names: `create-load-balancer`, `update-health-monitor` … */
const flowWords = {
  loadbalancer: 'load-balancer',
  listener: 'listener',
  pool: 'pool',
  member: 'member',
  healthmonitor: 'health-monitor',
  l7policy: 'l7-policy',
  l7rule: 'l7-rule',
} as const satisfies Readonly<Record<ResourceKind, string>>;

/** Failovers go before everything else, and those of what does not serve before those that somebody asked for. */
const priorities = { repair: REPAIR_PRIORITY, failover: 10, other: 0 } as const;

const pairFlows = {
  'create-load-balancer': 'create-load-balancer-pair',
  'failover-load-balancer': 'failover-load-balancer-pair',
  'failover-amphora': 'failover-amphora-of-pair',
  'resize-load-balancer': 'resize-load-balancer-pair',
} as const satisfies Partial<Record<FlowName, FlowName>>;

const flowFor = (flow: keyof typeof pairFlows, { topology }: { topology: Topology }) =>
  topology === 'ACTIVE_STANDBY' ? pairFlows[flow] : flow;

/** A load balancer with everything in it. */
export function planCreation(context: CreationContext, tree: LoadBalancerTree): PlannedChange {
  const { id } = tree.loadBalancer;
  return {
    loadBalancerId: id,
    mutableFrom: [],
    basedOnRevision: null,
    rows: rowsOfTree(tree),
    operation: operation(context, flowFor('create-load-balancer', tree.loadBalancer), id, {
      verb: 'create',
      kind: 'loadbalancer',
      resourceId: id,
    }),
  };
}

/**
 * Made, changed or to be deleted: something inside a load balancer, or the load balancer itself. The operation of an
 * update holds the row as it was before, so that its flow can give it back.
 */
export function planChange(
  context: CreationContext,
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
      : [...locked(context, tree, parentsOf(tree, subject)), ...(more.rows ?? []), own];
  return {
    loadBalancerId: loadBalancer.id,
    mutableFrom: verb === 'delete' && subject.kind === 'loadbalancer' ? ['ACTIVE', 'ERROR'] : ['ACTIVE'],
    basedOnRevision: tree.revision,
    rows,
    operation: operation(context, `${verb}-${flowWords[subject.kind]}`, loadBalancer.id, {
      verb,
      kind: subject.kind,
      resourceId: subject.put.id,
      ...(verb === 'update' ? { before: rowBefore(tree, subject) } : {}),
      ...(more.rows && verb !== 'create' ? { othersBefore: fieldsBefore(tree, more.rows) } : {}),
      ...more.input,
    }),
  };
}

/** All members of a pool at once. */
export function planMembers(
  context: CreationContext,
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
      ...locked(context, tree, { listenerIds: listenersOf(tree, pool.id), poolId: pool.id }),
      ...members.map((put) => ({ kind: 'member' as const, put })),
    ],
    operation: operation(context, 'update-members', tree.loadBalancer.id, {
      verb: 'replace',
      kind: 'pool',
      resourceId: pool.id,
      created: ids(changes.created),
      updated: ids(changes.updated),
      deleted: ids(changes.deleted),
      othersBefore: fieldsBefore(
        tree,
        changes.updated.map((put) => ({ kind: 'member', put })),
      ),
    }),
  };
}

/** One that never came to be is made anew, with everything in it; else what is in ERROR for its creation stays out. */
export function planFailover(context: CreationContext, tree: StoredTree): PlannedChange {
  const { loadBalancer, revision } = tree;
  const { id } = loadBalancer;
  const own = neverTookEffect(loadBalancer) ? loadBalancer : { ...loadBalancer, updatedAt: context.now };
  const made = neverTookEffect(loadBalancer) ? rowsOfTree(tree).filter(({ put }) => neverTookEffect(put)) : [];
  return {
    loadBalancerId: id,
    mutableFrom: ['ACTIVE', 'ERROR'],
    basedOnRevision: revision,
    rows: [
      ...made.map(({ kind, put }) => ({ kind, put: { ...put, provisioningStatus: 'PENDING_CREATE' } }) as Row),
      { kind: 'loadbalancer', put: { ...own, provisioningStatus: 'PENDING_UPDATE' } },
    ],
    operation: {
      ...operation(context, flowFor('failover-load-balancer', loadBalancer), id, { resourceId: id }),
      priority: priorities.failover,
    },
  };
}

/** Of a pair the other one goes on; in SINGLE topology it takes the one that there is, as the load balancer's failover does. */
export function planAmphoraFailover(context: CreationContext, tree: StoredTree, amphoraId: string): PlannedChange {
  const { operation: planned, ...change } = planFailover(context, tree);
  const input = { ...planned.input, amphoraId };
  return {
    ...change,
    mutableFrom: ['ACTIVE'],
    operation: { ...planned, flow: flowFor('failover-amphora', tree.loadBalancer), input },
  };
}

/**
 * Another flavor by failover, or none. The row keeps the flavor that its amphorae have until the new ones serve; until then the
 * operation holds the other one.
 */
export function planResize(context: CreationContext, tree: StoredTree, flavorId: string | null): PlannedChange {
  const { operation: planned, ...change } = planFailover(context, tree);
  const input = { ...planned.input, flavorId };
  const flow = flowFor('resize-load-balancer', tree.loadBalancer);
  return { ...change, operation: { ...planned, flow, input, priority: priorities.other } };
}

/** The failover of an amphora that is silent, without the rows: whoever asks for it has no tree. */
export function repairOperation(
  context: Pick<CreationContext, 'newId'>,
  amphora: { id: string; loadBalancerId: string; loadBalancerStatus: ProvisioningStatus; topology: Topology },
): NewOperation {
  const { id, loadBalancerId, loadBalancerStatus } = amphora;
  const wasInError = loadBalancerStatus === 'ERROR';
  const input = {
    resourceId: loadBalancerId,
    amphoraId: id,
    image: 'assigned',
    ...(wasInError ? { wasInError } : {}),
  };
  return {
    ...operation(context, flowFor('failover-amphora', amphora), loadBalancerId, input),
    priority: priorities.repair,
  };
}

/** The agent of one amphora gets its configuration anew. */
export function configurationOperation(
  context: Pick<CreationContext, 'newId'>,
  loadBalancerId: string,
  amphoraId: string,
): NewOperation {
  return operation(context, 'configure-amphora', loadBalancerId, { resourceId: loadBalancerId, amphoraId });
}

/** The agent gets its configuration anew; nothing of the load balancer changes, so that it may be in any status. */
export function planAmphoraConfiguration(context: CreationContext, tree: StoredTree, amphoraId: string): PlannedChange {
  const { id } = tree.loadBalancer;
  return {
    loadBalancerId: id,
    mutableFrom: provisioningStatuses.filter((status) => status !== 'DELETED'),
    basedOnRevision: tree.revision,
    rows: [],
    operation: configurationOperation(context, id, amphoraId),
  };
}

/** Of an amphora in ERROR. */
export function planAmphoraDeletion(
  context: Pick<CreationContext, 'newId'>,
  amphoraId: string,
  loadBalancerId: string | null,
) {
  return {
    id: context.newId(),
    flow: 'delete-amphora',
    subject: loadBalancerId ?? amphoraId,
    input: { amphoraId, loadBalancerId, resourceId: loadBalancerId },
    priority: priorities.other,
  } satisfies NewOperation;
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

/**
 * The load balancer and what stands between it and a change, PENDING_UPDATE. What is in ERROR stays so: this change does
 * nothing about that.
 */
function locked(context: CreationContext, tree: LoadBalancerTree, parents: Parents): Row[] {
  const held = new Set([tree.loadBalancer.id, ...parents.listenerIds, parents.poolId, parents.l7PolicyId]);
  return rowsOfTree(tree)
    .filter(({ put }) => held.has(put.id) && put.provisioningStatus !== 'ERROR')
    .map(
      ({ kind, put }) =>
        ({ kind, put: { ...put, provisioningStatus: 'PENDING_UPDATE', updatedAt: context.now } }) as Row,
    );
}

/** The row that a change is about, as the tree has it: nothing of a change is in there yet. */
function rowBefore(tree: LoadBalancerTree, { kind, put }: Subject): JsonObject | null {
  const row = rowsOfTree(tree).find((one) => one.kind === kind && one.put.id === put.id);
  return row ? { ...row.put } : null;
}

/** Of rows that are changed beside it, the fields that become others. */
function fieldsBefore(tree: LoadBalancerTree, changed: readonly Row[]): RowBefore[] {
  const old = new Map(rowsOfTree(tree).map(({ put }) => [put.id, put]));
  return changed.flatMap(({ kind, put }) => {
    const before = Object.entries(old.get(put.id) ?? {});
    const after: JsonObject = put;
    const fields = Object.fromEntries(
      before.filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(after[name])),
    );
    return Object.keys(fields).length > 0 ? [{ kind, id: put.id, fields }] : [];
  });
}

function toBeDeleted(subject: Subject): Row {
  return { kind: subject.kind, put: { ...subject.put, provisioningStatus: 'PENDING_DELETE' } } as Row;
}

function operation(
  context: Pick<CreationContext, 'newId'>,
  flow: FlowName,
  loadBalancerId: string,
  input: Operation['input'],
) {
  return {
    id: context.newId(),
    flow,
    subject: loadBalancerId,
    input: { loadBalancerId, ...input },
    priority: priorities.other,
  };
}
