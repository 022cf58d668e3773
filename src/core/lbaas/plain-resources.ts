import type {
  HealthMonitor,
  L7Policy,
  L7Rule,
  Listener,
  LoadBalancer,
  Member,
  Pool,
  Resource,
} from '../../model/load-balancer.ts';
import { basePeerPort } from '../haproxy/peers.ts';

/** Resources that have nothing set: every field has what Octavia's API gives it when a request names only what it must. */

export function plainLoadBalancer(row: Resource): LoadBalancer {
  return {
    ...row,
    description: '',
    vip: { address: '192.0.2.1', networkId: 'net', subnetId: null, portId: null, octaviaOwned: true },
    vipQosPolicyId: null,
    vipSgIds: [],
    additionalVips: [],
    provider: 'amphora',
    flavorId: null,
    availabilityZone: null,
    topology: 'SINGLE',
    serverGroupId: null,
  };
}

export function plainListener(row: Resource, loadBalancerId: string): Listener {
  return {
    ...row,
    loadBalancerId,
    description: '',
    protocol: 'HTTP',
    protocolPort: 80,
    peerPort: basePeerPort,
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
  };
}

export function plainPool(row: Resource, loadBalancerId: string): Pool {
  return {
    ...row,
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
  };
}

export function plainMember(row: Resource, poolId: string): Member {
  return {
    ...row,
    poolId,
    address: '198.51.100.1',
    protocolPort: 80,
    weight: 1,
    backup: false,
    subnetId: null,
    monitorAddress: null,
    monitorPort: null,
  };
}

export function plainHealthMonitor(row: Resource, poolId: string): HealthMonitor {
  return {
    ...row,
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
  };
}

export function plainL7Policy(row: Resource, listenerId: string): L7Policy {
  return {
    ...row,
    listenerId,
    description: '',
    action: 'REJECT',
    redirectPoolId: null,
    redirectUrl: null,
    redirectPrefix: null,
    redirectHttpCode: null,
    position: 1,
  };
}

export function plainL7Rule(row: Resource, l7PolicyId: string): L7Rule {
  const { name: _, ...rest } = row;
  return {
    ...rest,
    l7PolicyId,
    type: 'PATH',
    compareType: 'STARTS_WITH',
    key: null,
    value: '/',
    invert: false,
  };
}
