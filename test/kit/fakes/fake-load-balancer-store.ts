import { KilnError } from '../../../src/model/errors.ts';
import type { ResourceKind, Resources } from '../../../src/model/load-balancer.ts';
import type { OperationReason } from '../../../src/model/operation.ts';
import type {
  Change,
  ListQuery,
  LoadBalancerStore,
  RelatedIds,
  Settlement,
} from '../../../src/ports/load-balancer-store.ts';

import type { Memory } from './memory.ts';

type Rows = { [Kind in ResourceKind]: Map<string, Resources[Kind]> };
type QueuedOperation = NonNullable<Change['operation']>;

/** A store in memory that keeps its port's promises, and what a test wants to look at. */
export interface FakeLoadBalancerStore extends LoadBalancerStore {
  /** In the order of their changes. */
  operations: QueuedOperation[];
  settlements: Settlement[];
  /** What the end of an operation does to the rows. */
  settle(settlement: Settlement): void;
  /** Changes rows behind everybody's back, as a flow that ends does. */
  settleAll(): void;
  /** Runs when the next change is about to be applied: what another request does meanwhile. */
  beforeNextApply: (() => void) | null;
  /** How often the store was asked. */
  reads: number;
  /** Everything that it knows, to be looked at and put back as a whole. */
  memory: Memory;
}

export function createFakeLoadBalancerStore(): FakeLoadBalancerStore {
  const rows: Rows = {
    loadbalancer: new Map(),
    listener: new Map(),
    pool: new Map(),
    member: new Map(),
    healthmonitor: new Map(),
    l7policy: new Map(),
    l7rule: new Map(),
  };
  const revisions = new Map<string, number>();
  const revisionOf = (id: string) => revisions.get(id) ?? 0;
  const raise = (id: string) => revisions.set(id, revisionOf(id) + 1);
  const reasons = new Map<string, OperationReason | null>();
  const all = <Kind extends ResourceKind>(kind: Kind): Resources[Kind][] => [
    ...(rows[kind] as Map<string, Resources[Kind]>).values(),
  ];

  function relatedTo(kind: ResourceKind, id: string): RelatedIds {
    const idsOf = (list: readonly { id: string }[]) => list.map((one) => one.id);
    switch (kind) {
      case 'loadbalancer':
        return {
          listenerIds: idsOf(all('listener').filter((one) => one.loadBalancerId === id)),
          poolIds: idsOf(all('pool').filter((one) => one.loadBalancerId === id)),
        };
      case 'listener':
        return { l7PolicyIds: idsOf(policiesOf(id)) };
      case 'pool':
        return {
          listenerIds: idsOf(all('listener').filter((one) => usesPool(one.id, one.defaultPoolId, id))),
          memberIds: idsOf(all('member').filter((one) => one.poolId === id)),
          healthMonitorId: all('healthmonitor').find((one) => one.poolId === id)?.id ?? null,
          l7PolicyIds: idsOf(all('l7policy').filter((one) => one.redirectPoolId === id)),
        };
      case 'l7policy':
        return { l7RuleIds: idsOf(all('l7rule').filter((one) => one.l7PolicyId === id)) };
      default:
        return {};
    }
  }

  const policiesOf = (listenerId: string) =>
    all('l7policy')
      .filter((one) => one.listenerId === listenerId)
      .sort((a, b) => a.position - b.position);
  const usesPool = (listenerId: string, defaultPoolId: string | null, poolId: string) =>
    defaultPoolId === poolId || policiesOf(listenerId).some((one) => one.redirectPoolId === poolId);

  function checkVipPorts(): void {
    const brought = all('loadbalancer').flatMap(({ vip }) => (vip.octaviaOwned || !vip.portId ? [] : [vip.portId]));
    const twice = brought.find((id, index) => brought.indexOf(id) < index);
    if (twice) {
      throw new KilnError('RESOURCE_CONFLICT', `Port ${twice} is already used as the VIP of another load balancer.`);
    }
  }
  async function checkQuota({ quota, rows: changed }: Change): Promise<void> {
    if (!quota) return;
    const counts = await store.countByProject(quota.projectId);
    for (const kind of Object.keys(counts) as ResourceKind[]) {
      const ofKind = changed.flatMap((row) => (row.kind === kind && 'put' in row ? [row.put] : []));
      const made = ofKind.filter(({ provisioningStatus: status }) => status === 'PENDING_CREATE').length;
      const leaving = ofKind.filter(({ provisioningStatus: status }) => status === 'PENDING_DELETE').length;
      const limit = quota.limits[kind];
      if (made <= leaving || limit < 0 || counts[kind] - leaving <= limit) continue;
      throw new KilnError('QUOTA_MET', `there may be ${limit} of ${kind}`, { details: { kind } });
    }
  }

  const store: FakeLoadBalancerStore = {
    operations: [],
    settlements: [],
    beforeNextApply: null,
    reads: 0,
    memory: { ...rows, revisions, reasons },

    settleAll() {
      for (const table of Object.values(rows) as Map<string, Resources[ResourceKind]>[]) {
        for (const [id, row] of table) {
          if (row.provisioningStatus === 'PENDING_DELETE') table.delete(id);
          else table.set(id, { ...row, provisioningStatus: 'ACTIVE' });
        }
      }
      for (const id of rows.loadbalancer.keys()) raise(id);
    },

    async list(kind, query) {
      store.reads++;
      const monitorOf = (poolId: string) => all('healthmonitor').find((one) => one.poolId === poolId)?.id;
      const found = all(kind).filter((row) => matches(row, kind, query, monitorOf));
      found.sort((a, b) => order(a, b, query.sort));
      const at = query.marker === undefined ? -1 : found.findIndex(({ id }) => id === query.marker);
      if (query.marker !== undefined && at < 0) return [];
      const page = query.reverse
        ? found.slice(Math.max(0, at - query.limit), Math.max(0, at))
        : found.slice(at + 1, at + 1 + query.limit);
      return page.map((row) => ({ ...row, related: relatedTo(kind, row.id) }));
    },

    async get(kind, id) {
      store.reads++;
      const row = (rows[kind] as Map<string, Resources[typeof kind]>).get(id);
      if (!row) return null;
      const reason = kind === 'loadbalancer' ? reasons.get(id) : null;
      return { ...row, related: { ...relatedTo(kind, id), ...(reason ? { reason } : {}) } };
    },

    async tree(id) {
      store.reads++;
      const loadBalancer = rows.loadbalancer.get(id);
      if (!loadBalancer) return null;
      const listeners = all('listener').filter((one) => one.loadBalancerId === id);
      const pools = all('pool').filter((one) => one.loadBalancerId === id);
      return {
        revision: revisionOf(id),
        loadBalancer,
        listeners: listeners.map((listener) => ({
          ...listener,
          l7Policies: policiesOf(listener.id).map((policy) => ({
            ...policy,
            rules: all('l7rule').filter((one) => one.l7PolicyId === policy.id),
          })),
        })),
        pools: pools.map((pool) => ({
          ...pool,
          members: all('member').filter((one) => one.poolId === pool.id),
          healthMonitor: all('healthmonitor').find((one) => one.poolId === pool.id) ?? null,
        })),
      };
    },

    async apply(change) {
      store.beforeNextApply?.();
      store.beforeNextApply = null;
      const status = rows.loadbalancer.get(change.loadBalancerId)?.provisioningStatus;
      if (!status && change.mutableFrom.length > 0) {
        throw new KilnError('RESOURCE_NOT_FOUND', `there is no load balancer ${change.loadBalancerId}`);
      }
      const mutable =
        change.mutableFrom.length === 0 ? status === undefined : status && change.mutableFrom.includes(status);
      if (!mutable) throw new KilnError('IMMUTABLE', `load balancer ${change.loadBalancerId} is ${status ?? 'gone'}`);
      const { basedOnRevision = null } = change;
      if (basedOnRevision !== null && basedOnRevision !== revisionOf(change.loadBalancerId)) {
        throw new KilnError('CHANGE_OUTDATED', `load balancer ${change.loadBalancerId} has changed since it was read`);
      }
      // Rows are replaced, never changed.
      const before = Object.values(rows).map((table) => [...table] as [string, Resources[ResourceKind]][]);
      raise(change.loadBalancerId);
      for (const one of change.rows) {
        const table = rows[one.kind] as Map<string, Resources[ResourceKind]>;
        if ('put' in one) table.set(one.put.id, one.put);
        else table.delete(one.deleteId);
      }
      try {
        checkVipPorts();
        await checkQuota(change);
      } catch (error) {
        for (const [index, table] of (Object.values(rows) as Map<string, Resources[ResourceKind]>[]).entries()) {
          table.clear();
          for (const [id, row] of before[index] ?? []) table.set(id, row);
        }
        throw error;
      }
      if (change.operation) store.operations.push(change.operation);
    },

    settle(settlement) {
      store.settlements.push(settlement);
      for (const { kind, put } of settlement.restores ?? []) {
        const table = rows[kind] as Map<string, Resources[ResourceKind]>;
        const old = table.get(put.id);
        if (old) table.set(put.id, { ...put, operatingStatus: old.operatingStatus });
      }
      for (const { kind, ids, provisioningStatus } of settlement.statuses) {
        const table = rows[kind] as Map<string, Resources[ResourceKind]>;
        for (const id of ids) {
          const row = table.get(id);
          if (!row) continue;
          const updatedAt = provisioningStatus === 'ACTIVE' ? new Date().toISOString() : row.updatedAt;
          const settled = { ...row, provisioningStatus, updatedAt };
          const operatingStatus = row.adminStateUp ? 'ONLINE' : 'OFFLINE';
          const worksByItself =
            ['healthmonitor', 'l7policy', 'l7rule'].includes(kind) && provisioningStatus === 'ACTIVE';
          table.set(id, worksByItself ? { ...settled, operatingStatus } : settled);
        }
      }
      for (const { kind, ids } of settlement.deletes) {
        for (const id of ids) rows[kind].delete(id);
        if (kind !== 'pool') continue;
        for (const listener of all('listener')) {
          if (ids.includes(listener.defaultPoolId ?? ''))
            rows.listener.set(listener.id, { ...listener, defaultPoolId: null });
        }
      }
      reasons.set(settlement.loadBalancerId, settlement.reason);
      raise(settlement.loadBalancerId);
    },

    async setServerGroup(loadBalancerId, serverGroupId) {
      const row = rows.loadbalancer.get(loadBalancerId);
      if (row) rows.loadbalancer.set(loadBalancerId, { ...row, serverGroupId });
    },

    async reasonOf(loadBalancerId) {
      return reasons.get(loadBalancerId) ?? null;
    },

    async countByProject(projectId) {
      const entries = Object.entries(rows) as [ResourceKind, Map<string, Resources[ResourceKind]>][];
      return Object.fromEntries(
        entries.map(([kind, table]) => [
          kind,
          [...table.values()].filter((row) => row.projectId === projectId && row.provisioningStatus !== 'DELETED')
            .length,
        ]),
      ) as Record<ResourceKind, number>;
    },
  };
  return store;
}

function matches(
  row: Resources[ResourceKind],
  kind: ResourceKind,
  query: ListQuery,
  monitorOf: (poolId: string) => string | undefined,
): boolean {
  if (query.projectId !== null && row.projectId !== query.projectId) return false;
  if (query.parentId !== undefined) {
    if (kind === 'member' && valueAt(row, 'poolId') !== query.parentId) return false;
    if (kind === 'l7rule' && valueAt(row, 'l7PolicyId') !== query.parentId) return false;
  }
  if (query.healthMonitorIds && !query.healthMonitorIds.includes(monitorOf(row.id) ?? '')) return false;
  for (const [field, values] of Object.entries(query.filters)) {
    const value = valueAt(row, field);
    const comparable = typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
    if (!values.includes(comparable as string)) return false;
  }
  const { all = [], any, notAll, notAny = [] } = query.tags ?? {};
  const has = (tag: string) => row.tags.includes(tag);
  if (!all.every(has) || notAny.some(has)) return false;
  return (!any || any.some(has)) && !notAll?.every(has);
}

function order(a: Resources[ResourceKind], b: Resources[ResourceKind], sort: ListQuery['sort']): number {
  for (const { field, direction } of [...sort, { field: 'id', direction: 'asc' as const }]) {
    const [left, right] = [valueAt(a, field) ?? '', valueAt(b, field) ?? ''] as [string, string];
    if (left !== right) return (left < right ? -1 : 1) * (direction === 'asc' ? 1 : -1);
  }
  return 0;
}

/** `vipAddress` is the address in the VIP. */
function valueAt(row: object, field: string): unknown {
  const values = row as Record<string, unknown>;
  if (field in values || !('vip' in values)) return values[field];
  const inVip = /^vip([A-Z])(.*)$/.exec(field);
  return inVip && (values.vip as Record<string, unknown>)[`${inVip[1]?.toLowerCase()}${inVip[2]}`];
}
