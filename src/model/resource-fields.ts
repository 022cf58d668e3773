import type { LoadBalancer, Resources, Vip } from './load-balancer.ts';

/** A load balancer's VIP is spread over fields of its own, for columns, filters and sorting. */
export interface FlatLoadBalancer extends Omit<LoadBalancer, 'vip'> {
  vipAddress: Vip['address'];
  vipNetworkId: Vip['networkId'];
  vipSubnetId: Vip['subnetId'];
  vipPortId: Vip['portId'];
  vipOctaviaOwned: Vip['octaviaOwned'];
}

type Flat = Omit<Resources, 'loadbalancer'> & { loadbalancer: FlatLoadBalancer };

export type FieldBase = 'string' | 'number' | 'decimal' | 'boolean' | 'json';
/** What a field is; `?` may be null. Numbers are whole but for decimals. JSON is written as text, and compared as such. */
export type FieldType = FieldBase | `${FieldBase}?`;
type BaseOf<Value> = [Value] extends [string]
  ? 'string'
  : [Value] extends [number]
    ? 'number' | 'decimal'
    : [Value] extends [boolean]
      ? 'boolean'
      : 'json';
type FieldTypeOf<Value> = null extends Value ? `${BaseOf<NonNullable<Value>>}?` : BaseOf<Value>;

const common = {
  id: 'string',
  projectId: 'string',
  adminStateUp: 'boolean',
  provisioningStatus: 'string',
  operatingStatus: 'string',
  tags: 'json',
  createdAt: 'string',
  updatedAt: 'string?',
} as const;

/**
 * The fields of each resource, declared once. What follows from a field's name and from what it is follows from here: the column
 * that keeps it, what lists may be filtered by, and of what is inside a listener or a pool the answers of the API and their schema.
 */
export const resourceFields = {
  loadbalancer: {
    ...common,
    name: 'string',
    description: 'string',
    vipAddress: 'string',
    vipNetworkId: 'string',
    vipSubnetId: 'string?',
    vipPortId: 'string?',
    vipOctaviaOwned: 'boolean',
    vipQosPolicyId: 'string?',
    vipSgIds: 'json',
    additionalVips: 'json',
    provider: 'string',
    flavorId: 'string?',
    availabilityZone: 'string?',
    topology: 'string',
    serverGroupId: 'string?',
  },
  listener: {
    ...common,
    loadBalancerId: 'string',
    name: 'string',
    description: 'string',
    protocol: 'string',
    protocolPort: 'number',
    peerPort: 'number?',
    connectionLimit: 'number',
    defaultPoolId: 'string?',
    defaultTlsContainerRef: 'string?',
    sniContainerRefs: 'json',
    insertHeaders: 'json',
    timeoutClientData: 'number',
    timeoutMemberConnect: 'number',
    timeoutMemberData: 'number',
    timeoutTcpInspect: 'number',
    clientCaTlsContainerRef: 'string?',
    clientAuthentication: 'string',
    clientCrlContainerRef: 'string?',
    allowedCidrs: 'json',
    tlsCiphers: 'string?',
    tlsVersions: 'json',
    alpnProtocols: 'json',
    hstsMaxAge: 'number?',
    hstsIncludeSubdomains: 'boolean',
    hstsPreload: 'boolean',
  },
  pool: {
    ...common,
    loadBalancerId: 'string',
    name: 'string',
    description: 'string',
    protocol: 'string',
    lbAlgorithm: 'string',
    sessionPersistence: 'json?',
    tlsEnabled: 'boolean',
    tlsContainerRef: 'string?',
    caTlsContainerRef: 'string?',
    crlContainerRef: 'string?',
    tlsCiphers: 'string?',
    tlsVersions: 'json',
    alpnProtocols: 'json',
  },
  member: {
    ...common,
    poolId: 'string',
    name: 'string',
    address: 'string',
    protocolPort: 'number',
    weight: 'number',
    backup: 'boolean',
    subnetId: 'string?',
    monitorAddress: 'string?',
    monitorPort: 'number?',
  },
  healthmonitor: {
    ...common,
    poolId: 'string',
    name: 'string',
    type: 'string',
    delay: 'number',
    timeout: 'number',
    maxRetries: 'number',
    maxRetriesDown: 'number',
    httpMethod: 'string?',
    urlPath: 'string?',
    expectedCodes: 'string?',
    httpVersion: 'decimal?',
    domainName: 'string?',
  },
  l7policy: {
    ...common,
    listenerId: 'string',
    name: 'string',
    description: 'string',
    action: 'string',
    redirectPoolId: 'string?',
    redirectUrl: 'string?',
    redirectPrefix: 'string?',
    redirectHttpCode: 'number?',
    position: 'number',
  },
  l7rule: {
    ...common,
    l7PolicyId: 'string',
    type: 'string',
    compareType: 'string',
    key: 'string?',
    value: 'string',
    invert: 'boolean',
  },
} as const satisfies {
  readonly [Kind in keyof Resources]: { readonly [Field in keyof Flat[Kind]]: FieldTypeOf<Flat[Kind][Field]> };
};
