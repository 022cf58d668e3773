/** What HAProxy is configured for: each case is a golden file of its name. */
import { l7RuleCompareTypes } from '../../../src/model/load-balancer.ts';
import {
  aCase,
  aListener,
  aMember,
  aMonitor,
  amphoraId,
  anHttpMonitor,
  aPolicy,
  aPool,
  aRule,
  aTlsListener,
  aVip,
  type Case,
  certificatePath,
  defaultSettings,
  listenerFiles,
  poolFiles,
  poolId,
  tlsFileNames,
} from './build.ts';

const path = {
  server: certificatePath(tlsFileNames.server),
  client: certificatePath(tlsFileNames.client),
  ca: certificatePath(tlsFileNames.ca),
  revocationList: certificatePath(tlsFileNames.revocationList),
};
const ref = 'https://keys/9';

/** One listener, one pool, one monitor. */
const monitored = (monitor: Parameters<typeof aMonitor>[0], pool: Parameters<typeof aPool>[0] = {}) =>
  aCase({ pools: [aPool({ ...pool, healthMonitor: aMonitor(monitor) })] });
const httpMonitored = (monitor: Parameters<typeof aMonitor>[0]) =>
  aCase({ pools: [aPool({ healthMonitor: anHttpMonitor(monitor) })] });
const passedThrough = (healthMonitor: ReturnType<typeof aMonitor>) =>
  aCase({
    listeners: [aListener({ protocol: 'HTTPS', protocolPort: 443 })],
    pools: [aPool({ protocol: 'HTTPS', healthMonitor })],
  });
const tcp = { protocol: 'TCP' as const };
/** One listener with these policies; pool 2 for those that redirect to one. */
const withPolicies = (...l7Policies: ReturnType<typeof aPolicy>[]) =>
  aCase({ listeners: [aListener({ l7Policies })], pools: [aPool(), aPool({ members: [aMember({}, 3)] }, 2)] });
const withRules = (...rules: ReturnType<typeof aRule>[]) => withPolicies(aPolicy({ rules }));
const clientAuthenticated = {
  clientCaTlsContainerRef: ref,
  clientAuthentication: 'MANDATORY' as const,
};
const certificateHeaders = ['Verify', 'Has-Cert', 'DN', 'CN', 'SHA1', 'Not-Before', 'Not-After'].map((end) => [
  `X-SSL-Client-${end}`,
  'true',
]);

export const cases: Record<string, Case> = {
  // Listeners
  http: aCase({}),
  'http-without-pool': aCase({ listeners: [aListener({ defaultPoolId: null })], pools: [] }),
  'no-listener': aCase({ listeners: [], pools: [] }),
  tcp: aCase({ listeners: [aListener({ ...tcp, timeoutTcpInspect: 3000 })], pools: [aPool(tcp)] }),
  'https-pass-through': aCase({
    listeners: [aListener({ protocol: 'HTTPS', protocolPort: 443 })],
    pools: [aPool({ protocol: 'HTTPS' })],
  }),
  'several-listeners': aCase({
    listeners: [
      aListener(),
      aListener({ protocolPort: 8080 }, 2),
      aListener({ ...tcp, defaultPoolId: poolId(2), protocolPort: 22 }, 3),
      aListener({ protocol: 'UDP', defaultPoolId: null, protocolPort: 53 }, 4),
    ],
    pools: [aPool(), aPool({ ...tcp, members: [aMember({}, 3)] }, 2)],
  }),
  prometheus: aCase({
    listeners: [aListener({ protocol: 'PROMETHEUS', protocolPort: 9100, defaultPoolId: null })],
    pools: [],
  }),
  timeouts: aCase({
    listeners: [
      aListener({
        timeoutClientData: 1000,
        timeoutMemberConnect: 2000,
        timeoutMemberData: 3000,
        timeoutTcpInspect: 4000,
      }),
    ],
  }),
  'timeouts-of-the-operator': aCase({
    listeners: [aListener({ timeoutClientData: 0, timeoutMemberConnect: 0, timeoutMemberData: 0 })],
    settings: {
      defaultTimeouts: {
        clientDataMilliseconds: 11_000,
        memberConnectMilliseconds: 12_000,
        memberDataMilliseconds: 13_000,
        tcpInspectMilliseconds: 14_000,
      },
    },
  }),
  'connection-limits': aCase({
    listeners: [aListener({ connectionLimit: 2000 }), aListener({ connectionLimit: 300 }, 2)],
  }),
  'allowed-cidrs': aCase({ listeners: [aListener({ allowedCidrs: ['192.0.2.0/24', '2001:db8::/32'] })] }),
  'insert-headers': aCase({
    listeners: [
      aListener({
        insertHeaders: { 'X-Forwarded-For': 'true', 'X-Forwarded-Port': 'True', 'X-Forwarded-Proto': 'true' },
      }),
    ],
  }),
  'insert-headers-not-wanted': aCase({
    listeners: [aListener({ insertHeaders: { 'X-Forwarded-For': 'false', 'X-SSL-Client-DN': 'true' } })],
  }),
  'disabled-listener': aCase({ listeners: [aListener({ adminStateUp: false }), aListener({}, 2)] }),
  'disabled-load-balancer': aCase({ loadBalancer: { adminStateUp: false } }),
  'being-deleted': aCase({
    listeners: [
      aListener({
        l7Policies: [
          aPolicy({ provisioningStatus: 'PENDING_DELETE' }),
          aPolicy({ rules: [aRule({ provisioningStatus: 'PENDING_DELETE' }, 2), aRule({}, 3)] }, 2),
        ],
      }),
      aListener({ defaultPoolId: poolId(2) }, 2),
      aListener({ provisioningStatus: 'PENDING_DELETE' }, 3),
    ],
    pools: [
      aPool({
        members: [aMember(), aMember({ provisioningStatus: 'PENDING_DELETE' }, 2)],
        healthMonitor: aMonitor({ provisioningStatus: 'PENDING_DELETE' }),
      }),
      aPool({ provisioningStatus: 'PENDING_DELETE', members: [] }, 2),
    ],
  }),

  // TLS towards clients
  'terminated-https': aCase({ listeners: [aTlsListener()], files: listenerFiles() }),
  'terminated-https-options': aCase({
    listeners: [
      aTlsListener({
        tlsCiphers: 'ECDHE-ECDSA-AES128-GCM-SHA256:!aNULL:@SECLEVEL=1',
        tlsVersions: ['TLSv1.2', 'TLSv1.3'],
        alpnProtocols: ['h2', 'http/1.1', 'http/1.0'],
      }),
    ],
    files: listenerFiles(),
  }),
  'terminated-https-hsts': aCase({
    listeners: [aTlsListener({ hstsMaxAge: 31_536_000, hstsIncludeSubdomains: true, hstsPreload: true })],
    files: listenerFiles(),
  }),
  'terminated-https-hsts-off': aCase({ listeners: [aTlsListener({ hstsMaxAge: 0 })], files: listenerFiles() }),
  'client-authentication': aCase({
    listeners: [aTlsListener({ ...clientAuthenticated, clientCrlContainerRef: ref })],
    files: listenerFiles({ clientCa: path.ca, clientRevocationList: path.revocationList }),
  }),
  'client-authentication-optional': aCase({
    listeners: [
      aTlsListener({
        ...clientAuthenticated,
        clientAuthentication: 'OPTIONAL',
        insertHeaders: Object.fromEntries([
          ...certificateHeaders,
          ['X-SSL-Issuer', 'true'],
          ['X-Forwarded-Proto', 'true'],
        ]),
      }),
    ],
    files: listenerFiles({ clientCa: path.ca }),
  }),
  'prometheus-tls': aCase({
    listeners: [aTlsListener({ protocol: 'PROMETHEUS', defaultPoolId: null, tlsVersions: ['TLSv1.3'] })],
    pools: [],
    files: listenerFiles(),
  }),
  'tls-cache': aCase({
    listeners: [aTlsListener({ connectionLimit: 1000 })],
    files: listenerFiles(),
    settings: {
      machine: { cpuCount: 4, activeTunedProfiles: ['amphora'], memoryKiB: { free: 50_000, buffers: 5000, cached: 10_000 } },
    },
  }),

  // Addresses
  ipv6: aCase({
    loadBalancer: { vip: aVip('2001:db8::5') },
    pools: [aPool({ members: [aMember({ address: '2001:db8::10' })] })],
  }),
  'additional-vips': aCase({
    loadBalancer: { additionalVips: [aVip('198.51.100.5'), aVip('2001:db8::5')] },
    listeners: [aTlsListener({ alpnProtocols: ['h2'] })],
    files: listenerFiles(),
  }),

  // Pools and members
  'disabled-pool': aCase({ pools: [aPool({ adminStateUp: false })] }),
  'proxy-protocol': aCase({ pools: [aPool({ protocol: 'PROXY' })] }),
  'proxy-protocol-tcp': aCase({ listeners: [aListener(tcp)], pools: [aPool({ protocol: 'PROXY' })] }),
  'proxy-protocol-2': aCase({ listeners: [aListener(tcp)], pools: [aPool({ protocol: 'PROXYV2' })] }),
  'proxy-protocol-2-terminated-https': aCase({
    listeners: [aTlsListener({ insertHeaders: { 'X-Forwarded-For': 'true', 'X-Forwarded-Proto': 'true' } })],
    pools: [aPool({ protocol: 'PROXYV2' })],
    files: listenerFiles(),
  }),
  'least-connections': aCase({ pools: [aPool({ lbAlgorithm: 'LEAST_CONNECTIONS' })] }),
  'source-ip': aCase({ pools: [aPool({ lbAlgorithm: 'SOURCE_IP' })] }),
  'persistence-source-ip': aCase({
    pools: [
      aPool({
        sessionPersistence: {
          type: 'SOURCE_IP',
          cookieName: null,
          persistenceTimeout: null,
          persistenceGranularity: null,
        },
      }),
    ],
  }),
  'persistence-http-cookie': aCase({
    pools: [
      aPool({
        sessionPersistence: {
          type: 'HTTP_COOKIE',
          cookieName: null,
          persistenceTimeout: null,
          persistenceGranularity: null,
        },
      }),
    ],
  }),
  'persistence-app-cookie': aCase({
    pools: [
      aPool({
        sessionPersistence: {
          type: 'APP_COOKIE',
          cookieName: 'JSESSIONID',
          persistenceTimeout: null,
          persistenceGranularity: null,
        },
      }),
    ],
  }),
  members: aCase({
    pools: [
      aPool({
        members: [
          aMember({ weight: 256 }),
          aMember({ weight: 0 }, 2),
          aMember({ backup: true }, 3),
          aMember({ adminStateUp: false }, 4),
          aMember({ protocolPort: 65_535 }, 5),
        ],
      }),
    ],
  }),
  'no-member': aCase({ pools: [aPool({ members: [] })] }),

  // TLS towards members
  're-encryption': aCase({ pools: [aPool({ tlsEnabled: true })] }),
  're-encryption-ca': aCase({
    pools: [aPool({ tlsEnabled: true, caTlsContainerRef: ref })],
    files: poolFiles({ ca: path.ca }),
  }),
  're-encryption-everything': aCase({
    pools: [
      aPool({
        tlsEnabled: true,
        tlsContainerRef: ref,
        caTlsContainerRef: ref,
        crlContainerRef: ref,
        tlsCiphers: 'ECDHE-RSA-AES256-GCM-SHA384',
        tlsVersions: ['TLSv1.2'],
        alpnProtocols: ['h2', 'http/1.1'],
        healthMonitor: anHttpMonitor({ type: 'HTTPS' }),
      }),
    ],
    files: poolFiles({ clientCertificate: path.client, ca: path.ca, revocationList: path.revocationList }),
  }),

  // Monitors
  'monitor-http': httpMonitored({ urlPath: '/health?deep=1', expectedCodes: '200,202', httpMethod: 'HEAD' }),
  'monitor-http-codes': httpMonitored({ expectedCodes: '200-204', httpVersion: 1.0 }),
  'monitor-http-1.1': httpMonitored({ httpVersion: 1.1, domainName: 'www.example.org' }),
  'monitor-https': passedThrough(anHttpMonitor({ type: 'HTTPS' })),
  'monitor-tcp': monitored({}),
  'monitor-ping': monitored({ type: 'PING' }),
  'monitor-tls-hello': passedThrough(aMonitor({ type: 'TLS-HELLO' })),
  'monitor-tls-hello-re-encryption': monitored({ type: 'TLS-HELLO' }, { tlsEnabled: true, alpnProtocols: ['h2'] }),
  'monitor-udp-connect': monitored({ type: 'UDP-CONNECT' }),
  'monitor-disabled': monitored({ adminStateUp: false }),
  'monitor-elsewhere': monitored(
    {},
    {
      members: [
        aMember({ monitorAddress: '198.51.100.9', monitorPort: 9000 }),
        aMember({ monitorPort: 9001 }, 2),
        aMember({ monitorAddress: '2001:db8::9' }, 3),
      ],
    },
  ),

  // L7 policies
  'l7-actions': withPolicies(
    aPolicy({ action: 'REDIRECT_TO_URL', redirectUrl: 'https://example.org/a?b=%20c', redirectHttpCode: 301 }, 3),
    aPolicy({ action: 'REJECT' }),
    aPolicy({ action: 'REDIRECT_TO_POOL', redirectPoolId: poolId(2) }, 2),
    aPolicy({ action: 'REDIRECT_PREFIX', redirectPrefix: 'https://example.org', redirectHttpCode: 308 }, 4),
    aPolicy({ action: 'REDIRECT_TO_URL', redirectUrl: 'https://example.org/' }, 5),
  ),
  'l7-redirect-codes': withPolicies(
    ...[301, 302, 303, 307, 308].map((redirectHttpCode, index) =>
      aPolicy({ action: 'REDIRECT_TO_URL', redirectUrl: 'https://example.org/', redirectHttpCode }, index + 1),
    ),
  ),
  'l7-rules': withPolicies(
    ...l7RuleCompareTypes.map((compareType, index) =>
      aPolicy(
        {
          rules: [
            aRule({ type: 'HOST_NAME', compareType, value: 'www.example.org' }, index * 10),
            aRule({ type: 'PATH', compareType, value: '/images' }, index * 10 + 1),
            aRule({ type: 'HEADER', compareType, key: 'X-Colour', value: 'blue' }, index * 10 + 2),
            aRule({ type: 'COOKIE', compareType, key: 'session', value: 'abc' }, index * 10 + 3),
          ],
        },
        index + 1,
      ),
    ),
    aPolicy(
      {
        rules: [
          aRule({ type: 'FILE_TYPE', compareType: 'EQUAL_TO', value: 'jpg' }, 60),
          aRule({ type: 'FILE_TYPE', compareType: 'REGEX', value: '(jpg|png)' }, 61),
        ],
      },
      7,
    ),
  ),
  'l7-rules-tls': aCase({
    listeners: [
      aTlsListener({
        ...clientAuthenticated,
        l7Policies: [
          aPolicy({
            rules: [
              aRule({ type: 'SSL_CONN_HAS_CERT', compareType: 'EQUAL_TO', value: 'True', invert: true }),
              aRule({ type: 'SSL_VERIFY_RESULT', compareType: 'EQUAL_TO', value: '10' }, 2),
              aRule({ type: 'SSL_DN_FIELD', compareType: 'STARTS_WITH', key: 'CN', value: 'client' }, 3),
            ],
          }),
        ],
      }),
    ],
    files: listenerFiles({ clientCa: path.ca }),
  }),
  'l7-ampersand': withPolicies(
    aPolicy({ action: 'REDIRECT_TO_URL', redirectUrl: 'https://example.org/?a=1&b=<2>' }),
    aPolicy({ rules: [aRule({ compareType: 'EQUAL_TO', value: '/a&b' }, 2)] }, 2),
  ),
  'l7-inverted': withRules(aRule({ invert: true }), aRule({ value: '/public' }, 2)),
  'l7-disabled': withPolicies(
    aPolicy({ adminStateUp: false }),
    aPolicy({ rules: [aRule({ adminStateUp: false }, 2)] }, 2),
    aPolicy({ rules: [] }, 3),
    aPolicy({ rules: [aRule({}, 4), aRule({ adminStateUp: false }, 5)] }, 4),
  ),
  'l7-disabled-pool': aCase({
    listeners: [aListener({ l7Policies: [aPolicy({ action: 'REDIRECT_TO_POOL', redirectPoolId: poolId(2) })] })],
    pools: [aPool(), aPool({ adminStateUp: false }, 2)],
  }),
  'l7-values': withRules(
    aRule({ compareType: 'REGEX', value: '^/a(b|c){2}\\.\\d+$' }),
    aRule({ type: 'HEADER', compareType: 'EQUAL_TO', key: 'X-Odd', value: '"it\'s" #1 for $HOME \\ 100%' }, 2),
    aRule({ type: 'COOKIE', compareType: 'CONTAINS', key: "it's,here", value: '-f' }, 3),
    aRule({ type: 'HOST_NAME', compareType: 'EQUAL_TO', value: 'group' }, 4),
    aRule({ type: 'PATH', compareType: 'CONTAINS', value: 'grün' }, 5),
  ),

  // The operator's side
  'active-standby': aCase({
    loadBalancer: { topology: 'ACTIVE_STANDBY' },
    listeners: [aListener({ peerPort: 1031 })],
    pools: [
      aPool({
        sessionPersistence: {
          type: 'SOURCE_IP',
          cookieName: null,
          persistenceTimeout: null,
          persistenceGranularity: null,
        },
      }),
    ],
    settings: {
      peers: [
        { amphoraId: amphoraId(1), address: '203.0.113.11' },
        { amphoraId: amphoraId(2), address: '203.0.113.12' },
      ],
    },
  }),
  'haproxy-1.8': aCase({
    listeners: [aListener(), aListener({ protocol: 'PROMETHEUS', defaultPoolId: null }, 2)],
    pools: [
      aPool({
        tlsEnabled: true,
        alpnProtocols: ['h2'],
        healthMonitor: anHttpMonitor({ httpVersion: 1.1, domainName: 'www.example.org' }),
      }),
    ],
    settings: { version: { major: 1, minor: 8 } },
  }),
  logging: aCase({
    listeners: [aListener(), aListener({ ...tcp, defaultPoolId: poolId(2) }, 2)],
    pools: [aPool(), aPool(tcp, 2)],
    settings: {
      logging: {
        ...defaultSettings.logging,
        address: '/run/log',
        userFacility: 3,
        administrativeFacility: 4,
        format: '%{+Q}r {{ lb_id }} %ST of {{ project_id }}',
      },
    },
  }),
  'no-connection-logging': aCase({ settings: { logging: { ...defaultSettings.logging, logsConnections: false } } }),
};
