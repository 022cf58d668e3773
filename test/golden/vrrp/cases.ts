/** What keepalived's VRRP is configured for: each case is a golden file of its name. */
import type { VirtualAddress, VrrpInstance, VrrpSettings } from '../../../src/core/keepalived/vrrp/settings.ts';

export interface Case {
  instance: VrrpInstance;
  settings: VrrpSettings;
}

const settings: VrrpSettings = {
  basePath: '/var/lib/octavia',
  advertIntervalSeconds: 1,
  checkIntervalSeconds: 5,
  failCount: 2,
  successCount: 2,
  garpRefreshIntervalSeconds: 5,
  garpRefreshCount: 2,
  authenticationKey: 'a key that no tenant knows',
};

const ipv4 = (address: string, fields: Partial<VirtualAddress> = {}): VirtualAddress => ({
  address,
  subnetCidr: '203.0.113.0/24',
  gateway: '203.0.113.1',
  hostRoutes: [],
  ...fields,
});
const ipv6 = (address: string, fields: Partial<VirtualAddress> = {}): VirtualAddress => ({
  address,
  subnetCidr: '2001:db8::/64',
  gateway: '2001:db8::1',
  hostRoutes: [],
  ...fields,
});

const master: VrrpInstance = {
  loadBalancerId: '11111111-0000-4000-8000-000000000001',
  interfaceName: 'eth1',
  virtualRouterId: 1,
  priority: 100,
  vrrpIp: '203.0.113.11',
  peerIps: ['203.0.113.12'],
  vip: ipv4('203.0.113.5'),
  additionalVips: [],
};
const backup = { ...master, priority: 90, vrrpIp: '203.0.113.12', peerIps: ['203.0.113.11'] };
const six = { vrrpIp: '2001:db8::11', peerIps: ['2001:db8::12'], vip: ipv6('2001:db8::5') };

const like = (instance: Partial<VrrpInstance>, changes: Partial<VrrpSettings> = {}): Case => ({
  instance: { ...master, ...instance },
  settings: { ...settings, ...changes },
});

export const cases: Record<string, Case> = {
  master: like({}),
  backup: like(backup),
  'another-interface': like({ interfaceName: 'eth2' }),
  'without-gateway': like({ vip: ipv4('203.0.113.5', { gateway: null }) }),
  'host-routes': like({
    vip: ipv4('203.0.113.5', {
      hostRoutes: [
        { destination: '198.51.100.0/24', nexthop: '203.0.113.2' },
        { destination: '192.0.2.0/25', nexthop: '203.0.113.3' },
      ],
    }),
  }),
  'additional-vips': like({ additionalVips: [ipv4('203.0.113.7'), ipv4('203.0.113.6')] }),
  'another-subnet': like({
    additionalVips: [ipv4('198.51.100.9', { subnetCidr: '198.51.100.0/25', gateway: '198.51.100.1' })],
  }),
  'both-families': like({ additionalVips: [ipv6('2001:db8::5')] }),
  ipv6: like(six),
  'ipv6-host-routes': like({
    ...six,
    vip: ipv6('2001:db8::5', { hostRoutes: [{ destination: '2001:db8:1::/48', nexthop: '2001:db8::2' }] }),
  }),
  'ipv6-and-ipv4': like({ ...six, additionalVips: [ipv4('203.0.113.6')] }),
  /** Its other half is being built, or is gone. */
  'without-peer': like({ peerIps: [] }),
  /** While one is replaced there are three. */
  'two-peers': like({ peerIps: ['203.0.113.12', '203.0.113.13'] }),
  'options-of-the-operator': like(
    {},
    {
      basePath: '/srv/octavia',
      advertIntervalSeconds: 3,
      checkIntervalSeconds: 2,
      failCount: 4,
      successCount: 6,
      garpRefreshIntervalSeconds: 7,
      garpRefreshCount: 8,
    },
  ),
  'no-garp-refresh': like({}, { garpRefreshIntervalSeconds: 0 }),
  /** An image is tried in an amphora that no VIP's port was plugged into. */
  'interface-absent': like({ isInterfaceAbsent: true }),
  'sub-second': like({}, { advertIntervalSeconds: 0.25 }),
  'sub-second-ipv6': like(six, { advertIntervalSeconds: 0.25 }),
};
