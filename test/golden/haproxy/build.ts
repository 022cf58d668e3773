/** Load balancers to render: say only what a case is about. IDs, as in 5000…1, tell kind and number. */
import type { HaproxySettings, TlsFiles } from '../../../src/core/haproxy/settings.ts';
import {
  plainHealthMonitor,
  plainL7Policy,
  plainL7Rule,
  plainListener,
  plainLoadBalancer,
  plainMember,
  plainPool,
} from '../../../src/core/lbaas/plain-resources.ts';
import type {
  HealthMonitor,
  L7Rule,
  Listener,
  LoadBalancer,
  LoadBalancerTree,
  Member,
  Vip,
} from '../../../src/model/load-balancer.ts';

export type ListenerNode = LoadBalancerTree['listeners'][number];
export type PoolNode = LoadBalancerTree['pools'][number];
export type PolicyNode = ListenerNode['l7Policies'][number];

export interface Case {
  tree: LoadBalancerTree;
  files: TlsFiles;
  settings: HaproxySettings;
}

const uuid = (kind: number, number: number) => `${kind}0000000-0000-4000-8000-${`${number}`.padStart(12, '0')}`;
export const loadBalancerId = uuid(1, 1);
export const listenerId = (number = 1) => uuid(2, number);
export const amphoraId = (number = 1) => uuid(8, number);
export const poolId = (number = 1) => uuid(3, number);

const resource = {
  projectId: 'e3cd678b11784734bc366148aa37580e',
  name: '',
  adminStateUp: true,
  provisioningStatus: 'ACTIVE' as const,
  operatingStatus: 'ONLINE' as const,
  tags: [],
  createdAt: '2026-11-22T12:00:00Z',
  updatedAt: null,
};

export function aVip(address: string): Vip {
  return { address, networkId: uuid(9, 1), subnetId: null, portId: null, octaviaOwned: true };
}

export function aLoadBalancer(fields: Partial<LoadBalancer> = {}): LoadBalancer {
  return { ...plainLoadBalancer({ ...resource, id: loadBalancerId }), vip: aVip('203.0.113.5'), ...fields };
}

export function aListener(fields: Partial<ListenerNode> = {}, number = 1): ListenerNode {
  const base: Listener = {
    ...plainListener({ ...resource, id: listenerId(number) }, loadBalancerId),
    protocolPort: 79 + number,
    defaultPoolId: poolId(),
  };
  return { ...base, l7Policies: [], ...fields };
}

export function aTlsListener(fields: Partial<ListenerNode> = {}, number = 1): ListenerNode {
  return aListener(
    { protocol: 'TERMINATED_HTTPS', protocolPort: 443, defaultTlsContainerRef: 'https://keys/1', ...fields },
    number,
  );
}

export function aPool(fields: Partial<PoolNode> = {}, number = 1): PoolNode {
  const base = plainPool({ ...resource, id: poolId(number) }, loadBalancerId);
  return { ...base, members: [aMember(), aMember({}, 2)], healthMonitor: null, ...fields };
}

export function aMember(fields: Partial<Member> = {}, number = 1): Member {
  return {
    ...plainMember({ ...resource, id: uuid(4, number) }, poolId()),
    address: `192.0.2.${number}`,
    protocolPort: 8080,
    ...fields,
  };
}

export function aMonitor(fields: Partial<HealthMonitor> = {}): HealthMonitor {
  return {
    ...plainHealthMonitor({ ...resource, id: uuid(5, 1) }, poolId()),
    type: 'TCP',
    maxRetries: 2,
    maxRetriesDown: 4,
    httpMethod: null,
    urlPath: null,
    expectedCodes: null,
    ...fields,
  };
}

export function anHttpMonitor(fields: Partial<HealthMonitor> = {}): HealthMonitor {
  return aMonitor({ type: 'HTTP', httpMethod: 'GET', urlPath: '/', expectedCodes: '200', ...fields });
}

export function aPolicy(fields: Partial<PolicyNode> = {}, number = 1): PolicyNode {
  return {
    ...plainL7Policy({ ...resource, id: uuid(6, number) }, listenerId()),
    position: number,
    rules: [aRule({}, number)],
    ...fields,
  };
}

export function aRule(fields: Partial<L7Rule> = {}, number = 1): L7Rule {
  return { ...plainL7Rule({ ...resource, id: uuid(7, number) }, uuid(6, 1)), value: '/admin', ...fields };
}

export const defaultSettings: HaproxySettings = {
  basePath: '/var/lib/octavia',
  version: { major: 2, minor: 6 },
  logging: {
    address: '/run/rsyslog/octavia/log',
    userFacility: 0,
    administrativeFacility: 1,
    logsConnections: true,
    format:
      '{{ project_id }} {{ lb_id }} %f %ci %cp %t %{+Q}r %ST %B %U %[ssl_c_verify] %{+Q}[ssl_c_s_dn] %b %s %Tt %tsc',
  },
  defaultConnectionLimit: 50_000,
  stickTableSize: '10k',
  defaultTimeouts: {
    clientDataMilliseconds: 50_000,
    memberConnectMilliseconds: 5000,
    memberDataMilliseconds: 50_000,
    tcpInspectMilliseconds: 0,
  },
  defaultListenerCiphers: 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256',
  defaultPoolCiphers: 'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384',
  machine: { cpuCount: null, activeTunedProfiles: [], memoryKiB: null },
  peers: [],
};

/** Named by the SHA-1 of what is in them, as Octavia does; the test that has HAProxy read them makes them. */
export const tlsFileNames = {
  server: `${'5e'.repeat(20)}.pem`,
  client: `${'c1'.repeat(20)}.pem`,
  ca: `${'ca'.repeat(20)}.pem`,
  revocationList: `${'c7'.repeat(20)}.pem`,
};

export const certificatePath = (name: string) => `/var/lib/octavia/certs/${loadBalancerId}/${name}`;

/** The material of listener and pool 1: `TlsFiles` with only what a case is about. */
export function listenerFiles(fields: Partial<TlsFiles['listeners'][string]> = {}): TlsFiles {
  const certificateList = certificatePath(`${listenerId()}.pem`);
  return {
    listeners: { [listenerId()]: { certificateList, clientCa: null, clientRevocationList: null, ...fields } },
    pools: {},
  };
}

export function poolFiles(fields: Partial<TlsFiles['pools'][string]>): TlsFiles {
  return {
    listeners: {},
    pools: { [poolId()]: { clientCertificate: null, ca: null, revocationList: null, ...fields } },
  };
}

export function aCase(parts: {
  loadBalancer?: Partial<LoadBalancer>;
  listeners?: readonly ListenerNode[];
  pools?: readonly PoolNode[];
  files?: TlsFiles;
  settings?: Partial<HaproxySettings>;
}): Case {
  return {
    tree: {
      loadBalancer: aLoadBalancer(parts.loadBalancer),
      listeners: parts.listeners ?? [aListener()],
      pools: parts.pools ?? [aPool()],
    },
    files: parts.files ?? { listeners: {}, pools: {} },
    settings: { ...defaultSettings, ...parts.settings },
  };
}
