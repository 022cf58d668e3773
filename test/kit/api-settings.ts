import type { ApiSettings } from '../../src/core/lbaas/settings.ts';

const owaspSuiteB =
  'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:' +
  'ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:' +
  'ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-GCM-SHA256:' +
  'DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305';

/** The defaults of Octavia's options (octavia/common/config.py). */
export const defaultApiSettings: ApiSettings = {
  providers: { amphora: 'The Octavia Amphora driver.', octavia: 'Deprecated alias of the Octavia Amphora driver.' },
  defaultProvider: 'amphora',
  quotaDefaults: { loadbalancer: -1, listener: -1, pool: -1, member: -1, healthmonitor: -1, l7policy: -1, l7rule: -1 },
  topology: 'SINGLE',
  timeoutClientData: 50_000,
  timeoutMemberConnect: 5_000,
  timeoutMemberData: 50_000,
  timeoutTcpInspect: 0,
  listenerCiphers: owaspSuiteB,
  listenerTlsVersions: ['TLSv1.2', 'TLSv1.3'],
  listenerAlpnProtocols: ['h2', 'http/1.1', 'http/1.0'],
  poolCiphers: owaspSuiteB,
  poolTlsVersions: ['TLSv1.2', 'TLSv1.3'],
  poolAlpnProtocols: ['h2', 'http/1.1', 'http/1.0'],
  minimumTlsVersion: null,
  prohibitedCiphers: [],
  allowTlsTerminatedListeners: true,
  allowPrometheusListeners: true,
  allowPingHealthMonitors: true,
  udpConnectMinimumDelaySeconds: 3,
  allowVipPortId: true,
  allowVipNetworkId: true,
  allowVipSubnetId: true,
  validVipNetworks: [],
  deniedVipNetworks: [],
  reservedAddresses: ['169.254.169.254'],
};
