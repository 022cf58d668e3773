import type { ServerSettings } from '../../src/core/amphora/server-spec.ts';

/** Octavia's defaults, for tests that need settings of amphora servers and care for few of them. */
export const defaultServerSettings: ServerSettings = {
  keyName: null,
  securityGroupIds: [],
  bootNetworkIds: ['0e3cbbd5-5f2c-4b1c-8a55-0d4a3c1d2e01'],
  availabilityZone: null,
  filesInUserData: false,
  timezone: 'UTC',
  agent: {
    debug: false,
    haproxyAmphora: {
      baseCertDir: '/var/lib/octavia/certs',
      basePath: '/var/lib/octavia',
      bindHost: '::',
      bindPort: 9443,
      haproxyCmd: '/usr/sbin/haproxy',
    },
    healthManager: {
      controllerIpPortList: ['192.0.2.10:5555'],
      heartbeatIntervalSeconds: 10,
      heartbeatKey: 'insecure',
    },
    amphoraAgent: {
      agentServerCa: '/etc/octavia/certs/client_ca.pem',
      agentServerCert: '/etc/octavia/certs/server.pem',
      agentServerNetworkDir: null,
      agentRequestReadTimeoutSeconds: 180,
      amphoraUdpDriver: 'keepalived_lvs',
      agentTlsProtocol: 'TLSv1.2',
      userLogFacility: 0,
      administrativeLogFacility: 1,
    },
  },
  logForwarding: {
    adminLogTargets: [],
    tenantLogTargets: [],
    logProtocol: 'UDP',
    logRetryCount: 5,
    logRetryIntervalSeconds: 2,
    logQueueSize: 10_000,
    forwardAllLogs: false,
    disableLocalLogStorage: false,
  },
};
