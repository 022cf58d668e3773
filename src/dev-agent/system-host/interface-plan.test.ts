import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressChanges, routeChanges, ruleChanges } from './apply-plan.ts';
import { networkOf, planNetwork, planVip } from './interface-plan.ts';

const vip = {
  macAddress: 'fa:16:3e:00:00:01',
  mtu: 1450,
  isSriov: false,
  vrrp: { address: '203.0.113.11', subnetCidr: '203.0.113.0/24' },
  vips: [
    {
      address: '203.0.113.5',
      subnetCidr: '203.0.113.0/24',
      gateway: '203.0.113.1',
      hostRoutes: [{ destination: '198.51.100.0/24', nexthop: '203.0.113.2' }],
    },
    { address: '2001:db8::5', subnetCidr: '2001:db8::/64', gateway: '2001:db8::1', hostRoutes: [] },
  ],
};

describe('the interface of the VIP', () => {
  // octavia/tests/unit/amphorae/backends/utils/test_interface_file.py has the same cases.
  it('has the VIP, and routes and rules for its answers, when the amphora is alone', () => {
    const plan = planVip('eth1', vip, [], false);
    expect(plan.addresses).toEqual([
      { address: '203.0.113.11', prefixLength: 24, ours: true },
      { address: '203.0.113.5', prefixLength: 32, ours: true },
      { address: '2001:db8::5', prefixLength: 128, ours: true },
    ]);
    expect(plan.routes.map((route) => Object.values(route).join(' '))).toEqual([
      '0.0.0.0/0 203.0.113.1  254',
      '0.0.0.0/0 203.0.113.1  1',
      '203.0.113.0/24   254',
      '203.0.113.0/24  203.0.113.5 1',
      '198.51.100.0/24 203.0.113.2  254',
      '198.51.100.0/24 203.0.113.2  1',
      '::/0 2001:db8::1  254',
      '::/0 2001:db8::1  1',
      '2001:db8::/64   254',
      '2001:db8::/64  2001:db8::5 1',
    ]);
    expect(plan.rules).toEqual([
      { source: '203.0.113.5', table: 1 },
      { source: '2001:db8::5', table: 1 },
    ]);
  });

  it("leaves what moves with the VIP to a pair's keepalived", () => {
    const plan = planVip('eth1', vip, [], true);
    expect(plan.addresses.filter(({ ours }) => ours)).toEqual([
      { address: '203.0.113.11', prefixLength: 24, ours: true },
    ]);
    expect(plan.rules).toEqual([]);
    expect(plan.routes.filter(({ source }) => source !== null)).toEqual([]);
    expect(plan.routes.filter(({ table }) => table === 1)).toEqual([
      { destination: '198.51.100.0/24', gateway: '203.0.113.2', source: null, table: 1 },
    ]);
  });

  it('has the addresses of further subnets of its port', () => {
    const further = [
      {
        address: '192.0.2.7',
        subnetCidr: '192.0.2.0/25',
        gateway: null,
        hostRoutes: [{ destination: '192.0.2.128/25', nexthop: '192.0.2.1' }],
      },
    ];
    const plan = planVip('eth1', vip, further, false);
    expect(plan.addresses).toContainEqual({ address: '192.0.2.7', prefixLength: 25, ours: true });
    expect(plan.routes.at(-1)).toEqual({
      ...{ destination: '192.0.2.128/25', gateway: '192.0.2.1', source: null, table: 254 },
    });
  });
});

it("a network of members gets no default route: that is the VIP's", () => {
  const address = { address: '192.0.2.7', subnetCidr: '192.0.2.0/24', gateway: '192.0.2.1', hostRoutes: [] };
  const plan = planNetwork('eth2', { macAddress: 'm', mtu: null, vip: null, isSriov: false, addresses: [address] });
  expect(plan).toMatchObject({ addresses: [{ address: '192.0.2.7', prefixLength: 24 }], routes: [], rules: [] });
});

describe('what is changed', () => {
  const plan = planVip('eth1', vip, [], false);
  const shownAddresses = (...addresses: Array<[local: string, prefixlen: number, scope: string]>) => [
    { addr_info: addresses.map(([local, prefixlen, scope]) => ({ local, prefixlen, scope })) },
  ];

  it('is all of it on a new interface', () => {
    expect(addressChanges(plan, 4, [])).toEqual([
      'address add 203.0.113.11/24 dev eth1',
      'address add 203.0.113.5/32 dev eth1',
    ]);
    expect(addressChanges(plan, 6, [])).toEqual(['address add 2001:db8::5/128 dev eth1 nodad']);
    expect(routeChanges(plan, 4, []).slice(0, 4)).toEqual([
      'route add 0.0.0.0/0 via 203.0.113.1 dev eth1 onlink table 254 proto static',
      'route add 0.0.0.0/0 via 203.0.113.1 dev eth1 onlink table 1 proto static',
      'route add 203.0.113.0/24 dev eth1 scope link table 254 proto static',
      'route add 203.0.113.0/24 dev eth1 scope link src 203.0.113.5 table 1 proto static',
    ]);
    expect(ruleChanges(plan, 6, [])).toEqual(['rule add from 2001:db8::5/128 table 1 protocol static']);
  });

  it('is nothing where all is as it should be', () => {
    expect(
      addressChanges(plan, 4, shownAddresses(['203.0.113.11', 24, 'global'], ['203.0.113.5', 32, 'global'])),
    ).toEqual([]);
    const shown = [
      { dst: 'default', gateway: '2001:db8::1' },
      { dst: 'default', gateway: '2001:db8::1', table: '1' },
      { dst: '2001:db8::/64' },
      { dst: '2001:db8::/64', prefsrc: '2001:DB8:0::5', table: 1 },
    ];
    expect(routeChanges(plan, 6, shown)).toEqual([]);
    expect(ruleChanges(plan, 4, [{ src: '203.0.113.5', table: '1', protocol: '4' }])).toEqual([]);
  });

  it('takes away what is of former plans, and nothing of the kernel or keepalived', () => {
    expect(
      addressChanges(
        plan,
        6,
        shownAddresses(['2001:db8::5', 128, 'global'], ['2001:db8::6', 128, 'global'], ['fe80::1', 64, 'link']),
      ),
    ).toEqual(['address del 2001:db8::6/128 dev eth1']);
    expect(routeChanges({ ...plan, routes: [] }, 4, [{ dst: '10.0.0.1', gateway: '203.0.113.2', table: '1' }])).toEqual(
      ['route del 10.0.0.1/32 via 203.0.113.2 dev eth1 table 1 proto static'],
    );
    const rules = [
      { src: 'all', table: '254' },
      { src: '203.0.113.5', table: '1', protocol: 'keepalived' },
      { src: '203.0.113.9', table: '1', protocol: 'static' },
    ];
    expect(ruleChanges({ ...plan, rules: [] }, 4, rules)).toEqual(['rule del from 203.0.113.9/32 table 1']);
  });

  it("leaves a pair's VIP where keepalived has put it, and does not add it", () => {
    const ofPair = planVip('eth1', vip, [], true);
    const shown = shownAddresses(['203.0.113.11', 24, 'global'], ['203.0.113.5', 32, 'global']);
    expect(addressChanges(ofPair, 4, shown)).toEqual([]);
    expect(addressChanges(ofPair, 4, [])).toEqual(['address add 203.0.113.11/24 dev eth1']);
  });
});

describe('networkOf', () => {
  it.each([
    ['203.0.113.77/24', '203.0.113.0/24'],
    ['203.0.113.77/0', '0.0.0.0/0'],
    ['203.0.113.77/31', '203.0.113.76/31'],
    ['2001:db8:0:0:1::5/64', '2001:db8::/64'],
    ['2001:db8::ffff/113', '2001:db8::8000/113'],
    ['::ffff:192.0.2.1/128', '::ffff:c000:201/128'],
    ['fd00::1/0', '::/0'],
  ])('%s is %s', (cidr, network) => {
    expect(networkOf(cidr)).toBe(network);
  });

  it('is its own network', () => {
    const cidr = fc.oneof(
      fc.tuple(fc.ipV4(), fc.nat({ max: 32 })),
      fc.tuple(
        fc.ipV6().filter((text) => !text.includes('.')),
        fc.nat({ max: 128 }),
      ),
    );
    fc.assert(
      fc.property(cidr, ([address, length]) => {
        const once = networkOf(`${address}/${length}`);
        expect(networkOf(once)).toBe(once);
      }),
    );
  });
});
