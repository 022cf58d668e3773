/** What keepalived is configured for: each case is a golden file of its name. */
import type { Listener, LoadBalancerTree } from '../../../src/model/load-balancer.ts';
import { aCase, aListener, aMember, aMonitor, anHttpMonitor, aPool, aVip } from '../haproxy/build.ts';

export interface Case {
  tree: LoadBalancerTree;
  listener: Listener;
}

type Deps = Parameters<typeof aCase>[0];
type Fields<Make extends (fields: never) => unknown> = NonNullable<Parameters<Make>[0]>;

export const settings = { basePath: '/var/lib/octavia' };

const udp = { protocol: 'UDP' as const, protocolPort: 53 };
const sctp = { protocol: 'SCTP' as const, protocolPort: 3868 };

/** The first listener of a load balancer. */
export function lvsCase(deps: Deps): Case {
  const { tree } = aCase(deps);
  const [listener] = tree.listeners;
  if (!listener) throw new Error('a case is about a listener');
  return { tree, listener };
}

const withPool = (pool: Fields<typeof aPool>, loadBalancer: Deps['loadBalancer'] = {}) =>
  lvsCase({ loadBalancer, listeners: [aListener(udp)], pools: [aPool({ protocol: 'UDP', ...pool })] });
const withListener = (listener: Fields<typeof aListener>) =>
  lvsCase({ listeners: [aListener({ ...udp, ...listener })], pools: [aPool({ protocol: 'UDP' })] });
const withMembers = (...members: ReturnType<typeof aMember>[]) => withPool({ members });
const monitored = (healthMonitor: ReturnType<typeof aMonitor>) => withPool({ healthMonitor });
const kept = (persistenceTimeout: number | null, persistenceGranularity: string | null) => ({
  sessionPersistence: { type: 'SOURCE_IP' as const, cookieName: null, persistenceTimeout, persistenceGranularity },
});
const six = { vip: aVip('2001:db8::5') };
const sixMembers = [aMember({ address: '2001:db8::11' }), aMember({ address: '2001:db8::12' }, 2)];

export const cases: Record<string, Case> = {
  udp: withPool({}),
  sctp: lvsCase({ listeners: [aListener(sctp)], pools: [aPool({ protocol: 'SCTP' })] }),
  'without-pool': lvsCase({ listeners: [aListener({ ...udp, defaultPoolId: null })], pools: [] }),
  'without-members': withMembers(),
  'disabled-listener': withListener({ adminStateUp: false }),
  'disabled-load-balancer': withPool({}, { adminStateUp: false }),
  'disabled-pool': withPool({ adminStateUp: false, healthMonitor: aMonitor({ type: 'UDP-CONNECT' }) }),
  'disabled-member': withMembers(aMember(), aMember({ adminStateUp: false }, 2), aMember({}, 3)),
  'disabled-monitor': monitored(aMonitor({ type: 'UDP-CONNECT', adminStateUp: false })),
  'pool-being-deleted': withPool({ provisioningStatus: 'PENDING_DELETE' }),
  'member-being-deleted': withMembers(aMember({ provisioningStatus: 'PENDING_DELETE' }), aMember({}, 2)),
  'monitor-being-deleted': monitored(aMonitor({ type: 'UDP-CONNECT', provisioningStatus: 'PENDING_DELETE' })),
  'connection-limit': withListener({ connectionLimit: 98 }),
  'connection-limit-0': withListener({ connectionLimit: 0 }),
  weights: withMembers(aMember({ weight: 0 }), aMember({ weight: 256 }, 2)),
  backup: withMembers(aMember(), aMember({ backup: true }, 2)),
  'least-connections': withPool({ lbAlgorithm: 'LEAST_CONNECTIONS' }),
  'source-ip': withPool({ lbAlgorithm: 'SOURCE_IP' }),

  // Persistence
  persistence: withPool(kept(null, null)),
  'persistence-given': withPool(kept(33, '255.255.0.0')),
  'persistence-too-long': withPool(kept(2_147_483_647, null)),
  'persistence-ipv6': withPool({ ...kept(60, null), members: sixMembers }, six),
  'persistence-ipv6-given': withPool({ ...kept(60, 'ffff:ffff:ffff:ffff::'), members: sixMembers }, six),
  'persistence-of-both-families': withPool(
    { ...kept(60, '255.255.255.0'), members: [aMember(), aMember({ address: '2001:db8::11' }, 2)] },
    { additionalVips: [aVip('2001:db8::5')] },
  ),

  // Health monitors
  'monitor-udp-connect': monitored(aMonitor({ type: 'UDP-CONNECT' })),
  'monitor-sctp': lvsCase({
    listeners: [aListener(sctp)],
    pools: [aPool({ protocol: 'SCTP', healthMonitor: aMonitor({ type: 'SCTP' }) })],
  }),
  'monitor-tcp': monitored(aMonitor({ type: 'TCP' })),
  'monitor-http': monitored(anHttpMonitor({ urlPath: '/health' })),
  'monitor-http-codes': monitored(anHttpMonitor({ expectedCodes: '200,202-204,404' })),
  'monitor-http-head': monitored(anHttpMonitor({ httpMethod: 'HEAD' })),
  'monitor-http-odd-path': monitored(
    anHttpMonitor({ urlPath: "/it's?a=1&b=$HOME#!{x}%20~SEQ(a,1,3)/real_server 192.0.2.9 1" }),
  ),
  'monitor-elsewhere': withPool({
    healthMonitor: aMonitor({ type: 'UDP-CONNECT' }),
    members: [
      aMember({ monitorAddress: '198.51.100.1', monitorPort: 9000 }),
      aMember({ monitorPort: 9000 }, 2),
      aMember({ monitorAddress: '2001:db8::9' }, 3),
    ],
  }),
  'monitor-elsewhere-tcp': withPool({
    healthMonitor: aMonitor({ type: 'TCP' }),
    members: [aMember({ monitorAddress: '198.51.100.1', monitorPort: 9000 })],
  }),
  'monitor-of-another-kind': monitored(aMonitor({ type: 'PING' })),

  // Addresses
  ipv6: withPool({ healthMonitor: aMonitor({ type: 'UDP-CONNECT' }), members: sixMembers }, six),
  'several-vips': withPool({}, { additionalVips: [aVip('203.0.113.6'), aVip('203.0.113.7')] }),
  'both-families': withPool(
    {
      healthMonitor: anHttpMonitor(),
      members: [aMember(), aMember({ address: '2001:db8::11' }, 2), aMember({ adminStateUp: false }, 3)],
    },
    { vip: aVip('2001:db8::5'), additionalVips: [aVip('203.0.113.6'), aVip('2001:db8::6')] },
  ),
  'members-of-one-family': withPool(
    { members: [aMember(), aMember({ address: '2001:db8::11', adminStateUp: false }, 2)] },
    { additionalVips: [aVip('2001:db8::5')] },
  ),
  'disabled-members-of-both-families': withPool(
    { members: [aMember({ adminStateUp: false }), aMember({ address: '2001:db8::11', adminStateUp: false }, 2)] },
    { additionalVips: [aVip('2001:db8::5')] },
  ),
  'members-of-the-other-family': withPool({ members: sixMembers }),
};
