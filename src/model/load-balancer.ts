/**
 * A load balancer and everything that belongs to it, in Octavia's words (octavia/common/constants.py, data_models.py).
 * Names are Octavia's in camel case; units stand in names only where Octavia's own name would hide them: all timeouts
 * of a listener are milliseconds, those of a health monitor seconds. Types, not interfaces: rows go through journals as `JsonObject`.
 */

export const provisioningStatuses = [
  'ACTIVE',
  'PENDING_CREATE',
  'PENDING_UPDATE',
  'PENDING_DELETE',
  'DELETED',
  'ERROR',
] as const;
export type ProvisioningStatus = (typeof provisioningStatuses)[number];

/** While an operation changes it, nobody else may. */
export const pendingStatuses = ['PENDING_CREATE', 'PENDING_UPDATE', 'PENDING_DELETE'] as const;

/** Being deleted, or deleted: no part of what is configured any more. */
export function isPendingDelete({ provisioningStatus }: { provisioningStatus: ProvisioningStatus }): boolean {
  return provisioningStatus === 'PENDING_DELETE' || provisioningStatus === 'DELETED';
}

export const operatingStatuses = ['ONLINE', 'DRAINING', 'OFFLINE', 'DEGRADED', 'ERROR', 'NO_MONITOR'] as const;
export type OperatingStatus = (typeof operatingStatuses)[number];

export const topologies = ['SINGLE', 'ACTIVE_STANDBY'] as const;
export type Topology = (typeof topologies)[number];

export const listenerProtocols = ['HTTP', 'HTTPS', 'PROMETHEUS', 'SCTP', 'TCP', 'TERMINATED_HTTPS', 'UDP'] as const;
export type ListenerProtocol = (typeof listenerProtocols)[number];

export const poolProtocols = ['HTTP', 'HTTPS', 'PROXY', 'PROXYV2', 'SCTP', 'TCP', 'UDP'] as const;
export type PoolProtocol = (typeof poolProtocols)[number];

export const lbAlgorithms = ['ROUND_ROBIN', 'LEAST_CONNECTIONS', 'SOURCE_IP'] as const;
export type LbAlgorithm = (typeof lbAlgorithms)[number];
/** Octavia's API takes it for the sake of its other providers; no pool of ours has it. */
export const foreignLbAlgorithm = 'SOURCE_IP_PORT';

export const healthMonitorTypes = ['HTTP', 'HTTPS', 'PING', 'SCTP', 'TCP', 'TLS-HELLO', 'UDP-CONNECT'] as const;
export type HealthMonitorType = (typeof healthMonitorTypes)[number];

export const l7PolicyActions = ['REDIRECT_TO_POOL', 'REDIRECT_TO_URL', 'REJECT', 'REDIRECT_PREFIX'] as const;
export type L7PolicyAction = (typeof l7PolicyActions)[number];

export const l7RuleTypes = [
  'HOST_NAME',
  'PATH',
  'FILE_TYPE',
  'HEADER',
  'COOKIE',
  'SSL_CONN_HAS_CERT',
  'SSL_VERIFY_RESULT',
  'SSL_DN_FIELD',
] as const;
export type L7RuleType = (typeof l7RuleTypes)[number];

export const l7RuleCompareTypes = ['REGEX', 'STARTS_WITH', 'ENDS_WITH', 'CONTAINS', 'EQUAL_TO'] as const;
export type L7RuleCompareType = (typeof l7RuleCompareTypes)[number];

export const sessionPersistenceTypes = ['SOURCE_IP', 'HTTP_COOKIE', 'APP_COOKIE'] as const;
export type SessionPersistenceType = (typeof sessionPersistenceTypes)[number];

export const tlsVersions = ['SSLv3', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;
export type TlsVersion = (typeof tlsVersions)[number];

/** What every object of the API has. Times are ISO 8601 UTC. */
export type Resource = {
  id: string;
  projectId: string;
  name: string;
  adminStateUp: boolean;
  provisioningStatus: ProvisioningStatus;
  operatingStatus: OperatingStatus;
  tags: readonly string[];
  createdAt: string;
  updatedAt: string | null;
};

/** An address that a load balancer answers on. */
export type Vip = {
  address: string;
  networkId: string;
  subnetId: string | null;
  portId: string | null;
  /** False for a port that the user brought: it is never deleted. */
  octaviaOwned: boolean;
};

export type LoadBalancer = Resource & {
  description: string;
  vip: Vip;
  vipQosPolicyId: string | null;
  vipSgIds: readonly string[];
  additionalVips: readonly Vip[];
  provider: string;
  flavorId: string | null;
  availabilityZone: string | null;
  topology: Topology;
  serverGroupId: string | null;
};

export type Listener = Resource & {
  loadBalancerId: string;
  description: string;
  protocol: ListenerProtocol;
  protocolPort: number;
  /** Counted from 1025 in each load balancer, and in no answer, as in Octavia; null of what a version without it has made. */
  peerPort: number | null;
  /** -1: no limit. */
  connectionLimit: number;
  defaultPoolId: string | null;
  defaultTlsContainerRef: string | null;
  sniContainerRefs: readonly string[];
  insertHeaders: Readonly<Record<string, string>>;
  timeoutClientData: number;
  timeoutMemberConnect: number;
  timeoutMemberData: number;
  timeoutTcpInspect: number;
  clientCaTlsContainerRef: string | null;
  clientAuthentication: 'NONE' | 'OPTIONAL' | 'MANDATORY';
  clientCrlContainerRef: string | null;
  allowedCidrs: readonly string[];
  tlsCiphers: string | null;
  tlsVersions: readonly TlsVersion[];
  alpnProtocols: readonly string[];
  hstsMaxAge: number | null;
  hstsIncludeSubdomains: boolean;
  hstsPreload: boolean;
};

export type SessionPersistence = {
  type: SessionPersistenceType;
  cookieName: string | null;
  /** Seconds; for UDP and SCTP. */
  persistenceTimeout: number | null;
  /** A netmask; for UDP and SCTP. */
  persistenceGranularity: string | null;
};

export type Pool = Resource & {
  loadBalancerId: string;
  description: string;
  protocol: PoolProtocol;
  lbAlgorithm: LbAlgorithm;
  sessionPersistence: SessionPersistence | null;
  tlsEnabled: boolean;
  tlsContainerRef: string | null;
  caTlsContainerRef: string | null;
  crlContainerRef: string | null;
  tlsCiphers: string | null;
  tlsVersions: readonly TlsVersion[];
  alpnProtocols: readonly string[];
};

export type Member = Resource & {
  poolId: string;
  address: string;
  protocolPort: number;
  /** 0 to 256; 0 takes no new connections. */
  weight: number;
  backup: boolean;
  subnetId: string | null;
  monitorAddress: string | null;
  monitorPort: number | null;
};

export type HealthMonitor = Resource & {
  poolId: string;
  type: HealthMonitorType;
  delay: number;
  timeout: number;
  maxRetries: number;
  maxRetriesDown: number;
  httpMethod: string | null;
  urlPath: string | null;
  /** "200", "200,202", "200-204". */
  expectedCodes: string | null;
  httpVersion: number | null;
  domainName: string | null;
};

export type L7Policy = Resource & {
  listenerId: string;
  description: string;
  action: L7PolicyAction;
  redirectPoolId: string | null;
  redirectUrl: string | null;
  redirectPrefix: string | null;
  redirectHttpCode: number | null;
  /** From 1. */
  position: number;
};

export type L7Rule = Omit<Resource, 'name'> & {
  l7PolicyId: string;
  type: L7RuleType;
  compareType: L7RuleCompareType;
  key: string | null;
  value: string;
  invert: boolean;
};

/** The resources of Octavia's API that belong to a load balancer, by the word that its URLs and errors use. */
export interface Resources {
  loadbalancer: LoadBalancer;
  listener: Listener;
  pool: Pool;
  member: Member;
  healthmonitor: HealthMonitor;
  l7policy: L7Policy;
  l7rule: L7Rule;
}
export type ResourceKind = keyof Resources;

/** A load balancer with everything in it, as flows and renderers need it: one read, nothing to look up afterwards. */
export interface LoadBalancerTree {
  loadBalancer: LoadBalancer;
  listeners: readonly (Listener & { l7Policies: readonly (L7Policy & { rules: readonly L7Rule[] })[] })[];
  pools: readonly (Pool & { members: readonly Member[]; healthMonitor: HealthMonitor | null })[];
}

/** A load balancer as it was read: what is computed from it may be written while its revision is still this one. */
export interface StoredTree extends LoadBalancerTree {
  /** Goes up with every change that is asked for, and with the end of every operation. */
  revision: number;
}
