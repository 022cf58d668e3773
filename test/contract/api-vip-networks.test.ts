import { afterEach, expect, it } from 'vitest';
import { createVipAllocator } from '../../src/services/vip-allocator.ts';
import { openStoredApiHarness, type StoredApiHarness } from '../kit/api.ts';
import { defaultApiSettings } from '../kit/api-settings.ts';
import { aNetwork, aSubnet, createFakeNetwork } from '../kit/fakes/fake-network.ts';

/** `[networking] valid_vip_networks` and `denylist_vip_networks`, at the API: whichever way a request names the network. */
const id = (last: string) => `b5a1d6f0-0000-4000-8000-00000000000${last}`;
const denied = { networkId: id('a'), subnetId: id('b'), otherSubnetId: id('c') };
const open = { networkId: id('d'), subnetId: id('e') };
const refusal = 'Validation failure: Supplied VIP network_id is not allowed by the configuration of this deployment.';

let api: StoredApiHarness | undefined;
afterEach(() => api?.close());

async function deployment(networking: Partial<typeof defaultApiSettings>) {
  const network = createFakeNetwork();
  const { networkId, subnetId, otherSubnetId } = denied;
  network.addNetwork(aNetwork({ id: networkId, subnetIds: [subnetId, otherSubnetId] }), [
    aSubnet({ id: subnetId, networkId, cidr: '10.9.0.0/24' }),
    aSubnet({ id: otherSubnetId, networkId, cidr: '10.9.1.0/24' }),
  ]);
  network.addNetwork(aNetwork({ id: open.networkId, subnetIds: [open.subnetId] }), [
    aSubnet({ id: open.subnetId, networkId: open.networkId, cidr: '10.8.0.0/24' }),
  ]);
  api = await openStoredApiHarness({
    settings: () => ({ ...defaultApiSettings, ...networking }),
    vips: createVipAllocator({ network }),
  });
  const { call } = api;
  const port = await network.createPort({
    name: 'of a tenant',
    networkId,
    projectId: 'p',
    fixedIps: [{ subnetId, ipAddress: null }],
    deviceId: '',
    deviceOwner: '',
    adminStateUp: true,
    securityGroupIds: null,
    allowedAddressPairs: [],
    qosPolicyId: null,
  });
  return {
    portId: port.id,
    ports: () => network.ports().filter((one) => one.id !== port.id),
    post: (loadbalancer: object) => call('POST', '/lbaas/loadbalancers', { loadbalancer }),
    made: async () => (await call('GET', '/lbaas/loadbalancers')).body.loadbalancers as object[],
  };
}

const ways: [string, (portId: string) => object][] = [
  ['vip_network_id', () => ({ vip_network_id: denied.networkId })],
  ['vip_subnet_id', () => ({ vip_subnet_id: denied.subnetId })],
  ['vip_port_id', (portId) => ({ vip_port_id: portId })],
  ['vip_network_id and vip_subnet_id', () => ({ vip_network_id: denied.networkId, vip_subnet_id: denied.subnetId })],
  ['vip_network_id and vip_address', () => ({ vip_network_id: denied.networkId, vip_address: '10.9.1.7' })],
  [
    'additional_vips',
    () => ({ vip_subnet_id: denied.subnetId, additional_vips: [{ subnet_id: denied.otherSubnetId }] }),
  ],
];
const configurations: [string, Partial<typeof defaultApiSettings>][] = [
  ['denylist_vip_networks', { deniedVipNetworks: [denied.networkId.toUpperCase()] }],
  ['valid_vip_networks', { validVipNetworks: [open.networkId] }],
  [
    'both, which name it',
    { validVipNetworks: [open.networkId, denied.networkId], deniedVipNetworks: [denied.networkId] },
  ],
];

it.each(
  configurations.flatMap(([option, networking]) => ways.map(([way, fields]) => ({ option, networking, way, fields }))),
)(
  'a VIP named by $way in a network that $option keeps out is refused, and nothing is left behind',
  async ({ networking, fields }) => {
    const { post, portId, ports, made } = await deployment(networking);
    const { status, body } = await post(fields(portId));
    expect([status, body.faultstring]).toEqual([400, refusal]);
    expect([ports(), await made()]).toEqual([[], []]);
    expect((await post({ vip_subnet_id: open.subnetId })).status).toBe(201);
  },
);

it('a VIP elsewhere with an additional one in a network that is kept out is refused too', async () => {
  const { post, ports, made } = await deployment({ deniedVipNetworks: [denied.networkId] });
  const { status, body } = await post({
    vip_subnet_id: open.subnetId,
    additional_vips: [{ subnet_id: denied.subnetId }],
  });
  expect([status, body.faultstring]).toEqual([
    400,
    'Validation failure: All VIP subnets must belong to the same network.',
  ]);
  expect([ports(), await made()]).toEqual([[], []]);
});
