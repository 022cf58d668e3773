import { createHash } from 'node:crypto';
import type {
  HealthMonitor,
  L7Policy,
  L7Rule,
  Listener,
  LoadBalancerTree,
  Member,
  Pool,
} from '../../model/load-balancer.ts';
import { stableId } from '../operations/stable-id.ts';

/** Ports that HAProxy may listen at, and connect to, where SELinux guards it. */
const ENTRANCE = 8080;
const EXIT = 8008;
const CHECKED_EVERY_SECONDS = 1;

/**
 * A load balancer that nobody has, and that needs no network: HAProxy is its own member. The exit answers 403 to whoever comes;
 * the entrance takes requests, and passes them on to the exit; and the exit's pool watches the entrance. So its member is UP if
 * a request goes in, through, and back, and heartbeats tell.
 */
export function probeTree(loadBalancerId: string, createdAt: string): LoadBalancerTree {
  const address = addressOf(loadBalancerId);
  const resource = (purpose: string) => ({
    id: stableId(loadBalancerId, purpose),
    projectId: '',
    name: 'kiln-probe',
    adminStateUp: true,
    provisioningStatus: 'ACTIVE' as const,
    operatingStatus: 'ONLINE' as const,
    tags: [],
    createdAt,
    updatedAt: createdAt,
  });
  const idOf = (purpose: string) => resource(purpose).id;

  const listener = (name: string, protocolPort: number, pool: string): Listener => ({
    ...resource(name),
    loadBalancerId,
    description: '',
    protocol: 'HTTP',
    protocolPort,
    connectionLimit: -1,
    defaultPoolId: idOf(pool),
    defaultTlsContainerRef: null,
    sniContainerRefs: [],
    insertHeaders: { 'X-Forwarded-For': 'true' },
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
  });
  const pool = (name: string): Pool => ({
    ...resource(name),
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
  });
  const member = (of: string, protocolPort: number): Member => ({
    ...resource(`member of ${of}`),
    poolId: idOf(of),
    address,
    protocolPort,
    weight: 1,
    backup: false,
    subnetId: null,
    monitorAddress: null,
    monitorPort: null,
  });
  const monitor: HealthMonitor = {
    ...resource('health monitor'),
    poolId: idOf('watching'),
    type: 'HTTP',
    delay: CHECKED_EVERY_SECONDS,
    timeout: CHECKED_EVERY_SECONDS,
    maxRetries: 1,
    maxRetriesDown: 1,
    httpMethod: 'GET',
    urlPath: '/',
    expectedCodes: '403',
    httpVersion: null,
    domainName: null,
  };
  const refusal: L7Policy = {
    ...resource('policy'),
    listenerId: idOf('exit'),
    description: '',
    action: 'REJECT',
    redirectPoolId: null,
    redirectUrl: null,
    redirectPrefix: null,
    redirectHttpCode: null,
    position: 1,
  };
  const anything: L7Rule = {
    ...resource('rule'),
    l7PolicyId: refusal.id,
    type: 'PATH',
    compareType: 'STARTS_WITH',
    key: null,
    value: '/',
    invert: false,
  };
  return {
    loadBalancer: {
      ...resource('load balancer'),
      id: loadBalancerId,
      description: '',
      vip: { address, networkId: '', subnetId: null, portId: null, octaviaOwned: true },
      vipQosPolicyId: null,
      vipSgIds: [],
      additionalVips: [],
      provider: 'amphora',
      flavorId: null,
      availabilityZone: null,
      topology: 'SINGLE',
      serverGroupId: null,
    },
    listeners: [
      { ...listener('entrance', ENTRANCE, 'passing on'), l7Policies: [] },
      { ...listener('exit', EXIT, 'watching'), l7Policies: [{ ...refusal, rules: [anything] }] },
    ],
    pools: [
      { ...pool('passing on'), members: [member('passing on', EXIT)], healthMonitor: null },
      { ...pool('watching'), members: [member('watching', ENTRANCE)], healthMonitor: monitor },
    ],
  };
}

/** Of the loopback network, which an amphora always has; each its own, for amphorae that are processes on one machine. */
function addressOf(loadBalancerId: string): string {
  const [a = 0, b = 0, c = 0] = createHash('sha256').update(loadBalancerId).digest();
  return `127.${1 + (a % 62)}.${b}.${1 + (c % 254)}`;
}
