import type {
  HealthMonitor,
  L7Policy,
  L7Rule,
  Listener,
  LoadBalancer,
  Member,
  Pool,
} from '../../src/model/load-balancer.ts';

/** Resources as the store keeps them, with Octavia's defaults; say only what the test is about. */

const common = (id: string) => ({
  id,
  projectId: 'p1',
  name: '',
  adminStateUp: true,
  provisioningStatus: 'ACTIVE' as const,
  operatingStatus: 'ONLINE' as const,
  tags: [],
  createdAt: '2026-11-23T11:00:00.000Z',
  updatedAt: null,
});

export function storedLoadBalancer(id: string, over: Partial<LoadBalancer> = {}): LoadBalancer {
  return {
    ...common(id),
    description: '',
    vip: { address: '192.0.2.1', networkId: 'net', subnetId: null, portId: null, octaviaOwned: true },
    vipQosPolicyId: null,
    vipSgIds: [],
    additionalVips: [],
    provider: 'octavia',
    flavorId: null,
    availabilityZone: null,
    topology: 'SINGLE',
    serverGroupId: null,
    ...over,
  };
}

export function storedListener(id: string, loadBalancerId: string, over: Partial<Listener> = {}): Listener {
  return {
    ...common(id),
    loadBalancerId,
    description: '',
    protocol: 'HTTP',
    protocolPort: 80,
    connectionLimit: -1,
    defaultPoolId: null,
    defaultTlsContainerRef: null,
    sniContainerRefs: [],
    insertHeaders: {},
    timeoutClientData: 50_000,
    timeoutMemberConnect: 5_000,
    timeoutMemberData: 50_000,
    timeoutTcpInspect: 0,
    clientCaTlsContainerRef: null,
    clientAuthentication: 'NONE',
    clientCrlContainerRef: null,
    allowedCidrs: [],
    tlsCiphers: null,
    tlsVersions: [],
    alpnProtocols: [],
    hstsMaxAge: null,
    hstsIncludeSubdomains: false,
    hstsPreload: false,
    ...over,
  };
}

export function storedPool(id: string, loadBalancerId: string, over: Partial<Pool> = {}): Pool {
  return {
    ...common(id),
    loadBalancerId,
    description: '',
    protocol: 'HTTP',
    lbAlgorithm: 'ROUND_ROBIN',
    sessionPersistence: null,
    tlsEnabled: false,
    tlsContainerRef: null,
    caTlsContainerRef: null,
    crlContainerRef: null,
    tlsCiphers: null,
    tlsVersions: [],
    alpnProtocols: [],
    ...over,
  };
}

export function storedMember(id: string, poolId: string, over: Partial<Member> = {}): Member {
  return {
    ...common(id),
    poolId,
    address: '198.51.100.1',
    protocolPort: 80,
    weight: 1,
    backup: false,
    subnetId: null,
    monitorAddress: null,
    monitorPort: null,
    ...over,
  };
}

export function storedHealthMonitor(id: string, poolId: string, over: Partial<HealthMonitor> = {}): HealthMonitor {
  return {
    ...common(id),
    poolId,
    type: 'HTTP',
    delay: 5,
    timeout: 3,
    maxRetries: 3,
    maxRetriesDown: 3,
    httpMethod: 'GET',
    urlPath: '/',
    expectedCodes: '200',
    httpVersion: null,
    domainName: null,
    ...over,
  };
}

export function storedL7Policy(id: string, listenerId: string, over: Partial<L7Policy> = {}): L7Policy {
  return {
    ...common(id),
    listenerId,
    description: '',
    action: 'REJECT',
    redirectPoolId: null,
    redirectUrl: null,
    redirectPrefix: null,
    redirectHttpCode: null,
    position: 1,
    ...over,
  };
}

export function storedL7Rule(id: string, l7PolicyId: string, over: Partial<L7Rule> = {}): L7Rule {
  const { name: _, ...rest } = common(id);
  return {
    ...rest,
    l7PolicyId,
    type: 'PATH',
    compareType: 'STARTS_WITH',
    key: null,
    value: '/',
    invert: false,
    ...over,
  };
}
