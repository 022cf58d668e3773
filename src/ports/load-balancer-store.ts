import type { ProvisioningStatus, ResourceKind, Resources, StoredTree } from '../model/load-balancer.ts';
import type { NewOperation, OperationReason } from '../model/operation.ts';

/** IDs of what hangs on a resource, as lists and shows print them beside it. Absent kinds don't apply. */
export interface RelatedIds {
  loadBalancerIds?: readonly string[];
  listenerIds?: readonly string[];
  poolIds?: readonly string[];
  memberIds?: readonly string[];
  healthMonitorId?: string | null;
  l7PolicyIds?: readonly string[];
  l7RuleIds?: readonly string[];
  /** Of a load balancer that `get` found: what `reasonOf` says, where it says something. Lists don't have it. */
  reason?: OperationReason;
}

export interface ListQuery {
  /** Only what this project owns; null: everybody's. */
  projectId: string | null;
  /** Members of this pool, rules of this policy. */
  parentId?: string;
  /** Pools with one of these health monitors. */
  healthMonitorIds?: readonly string[];
  /**
   * Model field → values, of which one has to be equal, in type as well; lists and objects are compared as JSON. A load
   * balancer's VIP has the fields vipAddress, vipNetworkId, vipSubnetId, vipPortId. REQUEST_INVALID for what is no field.
   */
  filters: Readonly<Record<string, readonly (string | number | boolean | null)[]>>;
  tags?: {
    all?: readonly string[];
    any?: readonly string[];
    notAll?: readonly string[];
    notAny?: readonly string[];
  };
  /** Fields as for filters, null before every value; the ID is always the last, so that the order is total. */
  sort: readonly { field: string; direction: 'asc' | 'desc' }[];
  /** At most so many. */
  limit: number;
  /** Begin behind this ID; NOT_FOUND semantics are the caller's: an unknown marker gives an empty page. */
  marker?: string;
  /** The page before the marker instead of the one behind it; still in the order of `sort`. Without a marker, nothing. */
  reverse?: boolean;
}

/** One row put (made or replaced whole) or deleted. */
export type RowChange = {
  [Kind in ResourceKind]: { kind: Kind; put: Resources[Kind] } | { kind: Kind; deleteId: string };
}[ResourceKind];

/** What the new rows of a change count against. */
export interface ChangeQuota {
  projectId: string;
  /** -1: any number. */
  limits: Readonly<Record<ResourceKind, number>>;
}

/** A change that was asked for: its rows, and the operation that carries it out, in one transaction. */
export interface Change {
  loadBalancerId: string;
  /**
   * The load balancer must have one of these now, else IMMUTABLE (409); RESOURCE_NOT_FOUND when there is none. Empty for
   * one that is just being made: RESOURCE_CONFLICT when it is there.
   */
  mutableFrom: readonly ProvisioningStatus[];
  /**
   * Of the tree that the rows were computed from: CHANGE_OUTDATED when it is another one by now, for then they would revert
   * what has changed meanwhile, or bring back what is gone. Null or absent: the rows follow from no tree.
   */
  basedOnRevision?: number | null;
  /** QUOTA_MET when the project would have more of a kind than it may; counted in the transaction. Null or absent: not limited. */
  quota?: ChangeQuota | null;
  rows: readonly RowChange[];
  /** Null for a change that needs no flow. */
  operation: NewOperation | null;
}

/** What an operation leaves behind in the rows. `Journal.finish` writes it in the transaction that ends the operation. */
export interface Settlement {
  loadBalancerId: string;
  /** Rows, whole, as they are to be but for their operating statuses; before anything else is done. Absent: none. */
  restores?: readonly { [Kind in ResourceKind]: { kind: Kind; put: Resources[Kind] } }[ResourceKind][];
  /**
   * New provisioning statuses; rows that are ACTIVE are updated now, those in ERROR keep their time. What no heartbeat tells of (health monitors, L7 policies and rules)
   * is ONLINE when it is ACTIVE and enabled, else OFFLINE, as Octavia has it (MarkHealthMonitorActiveInDB and its kin).
   */
  statuses: readonly { kind: ResourceKind; ids: readonly string[]; provisioningStatus: ProvisioningStatus }[];
  /** Rows that go. Listeners whose default pool goes have none afterwards. */
  deletes: readonly { kind: ResourceKind; ids: readonly string[] }[];
  /** Why the load balancer, or something in it, is in ERROR or was not changed; null takes an older reason away. */
  reason: OperationReason | null;
}

/**
 * Where load balancers and what belongs to them are kept. No method's number of queries grows with rows. What is DELETED
 * is found by nothing but a list that filters for that status.
 */
export interface LoadBalancerStore {
  list<Kind extends ResourceKind>(kind: Kind, query: ListQuery): Promise<(Resources[Kind] & { related: RelatedIds })[]>;
  get<Kind extends ResourceKind>(kind: Kind, id: string): Promise<(Resources[Kind] & { related: RelatedIds }) | null>;
  /** Everything of one load balancer. */
  tree(loadBalancerId: string): Promise<StoredTree | null>;
  /**
   * One transaction. Operating statuses of rows that are there stay as they are: they are the heartbeats' affair.
   * RESOURCE_CONFLICT when a new row has what another one has by now: a listener's protocol and port, a
   * member's address and port in its pool, a pool's health monitor. What hangs on a deleted row is not deleted with it.
   * Two at once on one load balancer: the second sees what the first wrote, and is IMMUTABLE.
   */
  apply(change: Change): Promise<void>;
  /** What Nova's group of its amphorae is; null for none. */
  setServerGroup(loadBalancerId: string, serverGroupId: string | null): Promise<void>;
  /** Why the newest operation on it was undone; null when it was not, or there is no such load balancer. */
  reasonOf(loadBalancerId: string): Promise<OperationReason | null>;
  /** How much of each kind a project has, deleted ones not counted. */
  countByProject(projectId: string): Promise<Readonly<Record<ResourceKind, number>>>;
}
