import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { storedListener, storedLoadBalancer } from '../../../test/kit/stored-resources.ts';
import type { LoadBalancerTree } from '../../model/load-balancer.ts';
import type { SecurityGroupRule } from '../../model/network.ts';
import { rulesToAdd, rulesToRemove, vipSecurityRules } from './security-rules.ts';

function tree(listeners: Parameters<typeof storedListener>[2][], over: Parameters<typeof storedLoadBalancer>[1] = {}) {
  return {
    loadBalancer: storedLoadBalancer('lb', over),
    listeners: listeners.map((fields, index) => ({ ...storedListener(`li${index}`, 'lb', fields), l7Policies: [] })),
    pools: [],
  } satisfies LoadBalancerTree;
}
const short = (
  rules: readonly {
    protocol: string | null;
    portRangeMin: number | null;
    etherType: string;
    remoteIpPrefix: string | null;
  }[],
) => rules.map((rule) => `${rule.protocol} ${rule.portRangeMin} ${rule.etherType} ${rule.remoteIpPrefix}`);

describe('what a VIP lets in', () => {
  it('each port of a listener that stays, by its transport', () => {
    const rules = vipSecurityRules(
      tree([
        { protocol: 'HTTP', protocolPort: 80 },
        { protocol: 'UDP', protocolPort: 53 },
        { protocol: 'SCTP', protocolPort: 9 },
        { protocol: 'TCP', protocolPort: 81, provisioningStatus: 'PENDING_DELETE' },
      ]),
    );
    expect(short(rules)).toEqual(['tcp 80 IPv4 null', 'udp 53 IPv4 null', 'sctp 9 IPv4 null']);
  });

  it('from the allowed CIDRs alone, each for the family of the VIPs that it fits', () => {
    const listener = { protocolPort: 80, allowedCidrs: ['10.0.0.0/8', '2001:db8::/32'] };
    expect(short(vipSecurityRules(tree([listener])))).toEqual(['tcp 80 IPv4 10.0.0.0/8']);
    const vip = { address: '2001:db8::1', networkId: 'n', subnetId: null, portId: null, octaviaOwned: true };
    expect(short(vipSecurityRules(tree([listener], { additionalVips: [vip] })))).toEqual([
      'tcp 80 IPv4 10.0.0.0/8',
      'tcp 80 IPv6 2001:db8::/32',
    ]);
  });

  it('for a pair, what its amphorae tell each other', () => {
    expect(short(vipSecurityRules(tree([], { topology: 'ACTIVE_STANDBY' })))).toEqual([
      'tcp 1025 IPv4 null',
      '112 null IPv4 null',
      '51 null IPv4 null',
    ]);
  });

  it.each([
    [
      { remoteIpPrefix: '2001:DB8:0::/32', etherType: 'IPv6' },
      { remoteIpPrefix: '2001:db8::/32', etherType: 'IPv6' },
    ],
    [
      { remoteIpPrefix: '2001:db8::1', etherType: 'IPv6' },
      { remoteIpPrefix: '2001:db8::1/128', etherType: 'IPv6' },
    ],
    [{ remoteIpPrefix: '192.0.2.1' }, { remoteIpPrefix: '192.0.2.1/32' }],
    [{ remoteIpPrefix: '0.0.0.0/0' }, { remoteIpPrefix: null }],
    [{ protocol: '112' }, { protocol: 'vrrp' }],
    [{ protocol: 'TCP' }, { protocol: '6' }],
  ])('a rule %j that Neutron shows as %j is the same', (asked, shown) => {
    const rule = { protocol: 'tcp', portRangeMin: 80, portRangeMax: 80, etherType: 'IPv4', remoteIpPrefix: null };
    const present = [{ ...rule, ...shown, id: 'r', direction: 'ingress' as const }];
    expect(rulesToAdd(present, [{ ...rule, ...asked }])).toEqual([]);
    expect(rulesToRemove(present, [{ ...rule, ...asked }])).toEqual([]);
    expect(rulesToRemove(present, [{ ...rule, ...asked, portRangeMax: 81 }])).toHaveLength(1);
  });

  it('whatever was there: after adding and removing, it is what is wanted, and what goes out is untouched', () => {
    const rule = fc.record({
      protocol: fc.constantFrom('tcp', 'udp', null),
      portRangeMin: fc.constantFrom(80, 81, null),
      etherType: fc.constantFrom('IPv4', 'IPv6'),
      remoteIpPrefix: fc.constantFrom('10.0.0.0/8', '0.0.0.0/0', null),
    });
    const whole = fc.tuple(rule, fc.constantFrom('ingress' as const, 'egress' as const));
    fc.assert(
      fc.property(fc.array(whole), fc.array(rule), (before, wishes) => {
        const present = before.map(
          ([one, direction], index): SecurityGroupRule => ({
            ...one,
            portRangeMax: one.portRangeMin,
            direction,
            id: `${index}`,
          }),
        );
        const wanted = wishes.map((one) => ({ ...one, portRangeMax: one.portRangeMin }));
        const removed = new Set(rulesToRemove(present, wanted).map(({ id }) => id));
        const after: SecurityGroupRule[] = [
          ...present.filter(({ id }) => !removed.has(id)),
          ...rulesToAdd(present, wanted).map((one, index) => ({
            ...one,
            id: `new${index}`,
            direction: 'ingress' as const,
          })),
        ];
        expect(rulesToAdd(after, wanted)).toEqual([]);
        expect(rulesToRemove(after, wanted)).toEqual([]);
        const goingOut = ({ direction }: SecurityGroupRule) => direction === 'egress';
        expect(after.filter(goingOut)).toEqual(present.filter(goingOut));
      }),
    );
  });
});
