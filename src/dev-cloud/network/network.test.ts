import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type SmallCloud, type smallCloudUsers, startSmallCloud } from '../../../test/kit/compute-network-fixture.ts';

let cloud: SmallCloud;
let networkId: string;
let subnetId: string;

type Who = keyof typeof smallCloudUsers;
const call = (method: string, path: string, body?: object, token: Who = 'kiln') =>
  cloud.call(method, `/network/v2.0/${path}`, { ...(body ? { body } : {}), token });
const get = async (path: string, token: Who = 'kiln') => (await call('GET', path, undefined, token)).body;
const fault = (type: string, message: string | RegExp) => ({
  NeutronError: { type, message: typeof message === 'string' ? message : expect.stringMatching(message), detail: '' },
});

beforeEach(async () => {
  cloud = await startSmallCloud();
  [{ id: networkId }] = (await get('networks?name=lb-mgmt-net')).networks;
  [{ id: subnetId }] = (await get(`subnets?network_id=${networkId}`)).subnets;
});
afterEach(() => cloud.close());

async function port(attributes: object = {}, token: Who = 'kiln') {
  return call('POST', 'ports', { port: { network_id: networkId, ...attributes } }, token);
}

describe('what a new cloud has', () => {
  test('a management network on loopback whose group lets the agent be reached', async () => {
    const { subnets } = await get(`subnets?network_id=${networkId}`);
    expect(subnets).toMatchObject([{ network_id: networkId, gateway_ip: null, name: 'lb-mgmt-subnet' }]);
    expect(subnets[0].cidr).toMatch(/^127\.\d+\.0\.0\/16$/);
    const { security_groups } = await get('security-groups?name=lb-mgmt-sec-grp');
    const ingress = security_groups[0].security_group_rules.filter(
      (rule: { direction: string }) => rule.direction === 'ingress',
    );
    expect(ingress).toMatchObject([
      { protocol: 'tcp', port_range_min: 9443, port_range_max: 9443 },
      { protocol: 'icmp', port_range_min: null },
    ]);
  });

  test('a network for VIPs that everybody may use, on loopback and apart from the other', async () => {
    const [vips] = (await get('networks?name=lb-vip-net', 'demo')).networks;
    expect(vips).toMatchObject({ shared: true, project_id: 'project-demo' });
    const [subnet] = (await get(`subnets?network_id=${vips.id}`, 'demo')).subnets;
    expect(subnet).toMatchObject({ name: 'lb-vip-subnet', gateway_ip: null });
    expect(Number(/^127\.(\d+)\.0\.0\/16$/.exec(subnet.cidr)?.[1])).toBeGreaterThanOrEqual(192);
    const made = await call('POST', 'ports', { port: { network_id: vips.id, project_id: 'project-demo' } });
    expect(made.body.port.fixed_ips).toMatchObject([{ subnet_id: subnet.id }]);
  });

  test('the same again after a restart, and nothing twice', async () => {
    const before = (await get('networks')).networks;
    await cloud.restart();
    expect((await get('networks')).networks).toEqual(before);
    expect(before).toHaveLength(2);
  });

  test('what clouds lacked that are older than it; what was deleted stays away', async () => {
    const [vips] = (await get('networks?name=lb-vip-net')).networks;
    expect((await call('DELETE', `networks/${vips.id}`)).status).toBe(204);
    cloud.context.state.table('network-seeds').delete('lb-vip-net');
    await cloud.restart();
    const [again] = (await get('networks?name=lb-vip-net')).networks;
    expect(again.id).not.toBe(vips.id);
    expect((await call('DELETE', `networks/${again.id}`)).status).toBe(204);
    await cloud.restart();
    expect((await get('networks')).networks).toMatchObject([{ id: networkId, name: 'lb-mgmt-net' }]);
  });
});

describe('ports', () => {
  test('get an address, the default group and a hardware address', async () => {
    const { body } = await port();
    const [group] = (await get('security-groups?name=default')).security_groups;
    expect(body.port).toMatchObject({
      fixed_ips: [{ subnet_id: subnetId, ip_address: expect.stringMatching(/^127\./) }],
      security_groups: [group.id],
      status: 'DOWN',
      mac_address: expect.stringMatching(/^fa:16:3e/),
    });
  });

  test('can ask for an address, once', async () => {
    const [{ cidr }] = (await get(`subnets?id=${subnetId}`)).subnets;
    const ip_address = cidr.replace('0.0/16', '7.7');
    const wanted = {
      fixed_ips: [{ subnet_id: subnetId, ip_address }],
      allowed_address_pairs: [{ ip_address: '10.0.0.1' }],
    };
    const { body } = await port(wanted);
    expect(body.port).toMatchObject(wanted);
    expect(body.port.allowed_address_pairs[0].mac_address).toBe(body.port.mac_address);
    expect(await port(wanted)).toMatchObject({
      status: 409,
      body: fault('IpAddressAlreadyAllocated', `IP address ${ip_address} already allocated in subnet ${subnetId}`),
    });
    expect(await port({ fixed_ips: [{ ip_address: '10.9.9.9' }] })).toMatchObject({
      status: 400,
      body: fault('InvalidIpForNetwork', /^IP address 10\.9\.9\.9 is not a valid IP for any/),
    });
  });

  test('run out', async () => {
    const { body } = await call('POST', 'networks', { network: { name: 'small' } });
    const { id } = body.network;
    await call('POST', 'subnets', { subnet: { network_id: id, ip_version: 4, cidr: '127.9.0.0/30' } });
    expect((await port({ network_id: id })).body.port.fixed_ips).toMatchObject([{ ip_address: '127.9.0.2' }]);
    expect(await port({ network_id: id })).toMatchObject({
      status: 409,
      body: fault('IpAddressGenerationFailure', `No more IP addresses available on network ${id}.`),
    });
  });

  test('keep their own address when they are given another', async () => {
    const { id, fixed_ips: before } = (await port()).body.port;
    const changed = await call('PUT', `ports/${id}`, { port: { fixed_ips: [...before, { subnet_id: subnetId }] } });
    expect(changed.body.port.fixed_ips).toMatchObject([...before, { subnet_id: subnetId }]);
    expect(changed.body.port.fixed_ips[1].ip_address).not.toBe(before[0].ip_address);
    expect(changed.body.port.revision_number).toBe(2);
  });

  test('are found by what they have', async () => {
    const { id, fixed_ips } = (await port({ device_id: 'd', device_owner: 'Octavia', name: 'p' })).body.port;
    await port();
    const ids = async (query: string) => (await get(`ports?${query}`)).ports.map((row: { id: string }) => row.id);
    const { ip_address } = fixed_ips[0];
    expect(await ids('device_id=d')).toEqual([id]);
    expect(await ids('name=q&name=p')).toEqual([id]);
    expect(await ids(`fixed_ips=ip_address=${ip_address}`)).toEqual([id]);
    expect(await ids(`fixed_ips=ip_address=${ip_address}&fixed_ips=subnet_id=nope`)).toEqual([]);
    expect(await ids('device_owner=Octavia&network_id=nope')).toEqual([]);
    expect(await ids('admin_state_up=True')).toHaveLength(2);
    expect(await call('GET', 'ports?foo=1')).toMatchObject({
      status: 400,
      body: fault('HTTPBadRequest', "['foo'] is invalid attribute for filtering"),
    });
  });
});

describe('lists', () => {
  test('are paged both ways and followed to the end', async () => {
    for (const name of ['c', 'a', 'b']) await call('POST', 'networks', { network: { name } });
    const follow = async (rel: string, query: string): Promise<string[]> => {
      const { networks, networks_links } = await get(`networks?${query}`);
      const names = networks.map((row: { name: string }) => row.name);
      const next = networks_links?.find((link: { rel: string }) => link.rel === rel);
      if (!next || names.length === 0) return names;
      const rest = await follow(rel, new URL(next.href).search.slice(1));
      return rel === 'next' ? [...names, ...rest] : [...rest, ...names];
    };
    const sorted = ['a', 'b', 'c', 'lb-mgmt-net', 'lb-vip-net'];
    const order = 'sort_key=name&sort_dir=asc&limit=2';
    expect(await follow('next', order)).toEqual(sorted);
    expect(await follow('previous', `${order}&page_reverse=True`)).toEqual(sorted);
    expect(await call('GET', 'networks?limit=1&marker=nope')).toMatchObject({ status: 400 });
    expect(await call('GET', 'networks?limit=-1')).toMatchObject({ status: 400 });
  });

  test('have only the fields asked for', async () => {
    const query = `networks?id=${networkId}&fields=id&fields=name`;
    expect(await get(query)).toEqual({ networks: [{ id: networkId, name: 'lb-mgmt-net' }] });
    expect(await get(`networks/${networkId}?fields=name`)).toEqual({ network: { name: 'lb-mgmt-net' } });
  });
});

describe('who may what', () => {
  test('nothing without a token', async () => {
    const answer = await cloud.call('GET', '/network/v2.0/networks', { token: null });
    expect(answer).toMatchObject({ status: 401, body: fault('HTTPUnauthorized', /requires authentication/) });
    expect((await cloud.call('GET', '/network/', { token: null })).status).toBe(200);
  });

  test('a tenant sees neither networks nor ports nor groups of others, and uses none of them', async () => {
    expect((await get('networks', 'demo')).networks).toMatchObject([{ name: 'lb-vip-net' }]);
    expect((await get('subnets', 'demo')).subnets).toMatchObject([{ name: 'lb-vip-subnet' }]);
    expect((await get('security-groups', 'demo')).security_groups).toMatchObject([{ name: 'default' }]);
    expect(await port({}, 'demo')).toMatchObject({ status: 404, body: fault('NetworkNotFound', /could not be found/) });
    expect(await call('DELETE', `networks/${networkId}`, undefined, 'demo')).toMatchObject({ status: 404 });
    const foreign = { network: { name: 'n', project_id: 'project-service' } };
    expect(await call('POST', 'networks', foreign, 'demo')).toMatchObject({ status: 403 });
  });

  test('a shared network is seen and used, not changed', async () => {
    await call('PUT', `networks/${networkId}`, { network: { shared: true } });
    const [seen] = (await get(`networks?id=${networkId}`, 'demo')).networks;
    expect(seen).toMatchObject({ id: networkId });
    expect(seen).not.toHaveProperty('provider:network_type');
    const { body } = await port({}, 'demo');
    expect(body.port).toMatchObject({ project_id: 'project-demo' });
    expect(body.port).not.toHaveProperty('binding:host_id');
    expect(await call('PUT', `networks/${networkId}`, { network: { name: 'x' } }, 'demo')).toMatchObject({
      status: 403,
    });
  });
});

describe('what is in use stays', () => {
  test('networks and subnets with ports, groups on ports', async () => {
    const [group] = (await get('security-groups?name=lb-mgmt-sec-grp')).security_groups;
    const { id } = (await port({ security_groups: [group.id] })).body.port;
    expect(await call('DELETE', `networks/${networkId}`)).toMatchObject({
      status: 409,
      body: fault('NetworkInUse', /still in use/),
    });
    expect(await call('DELETE', `subnets/${subnetId}`)).toMatchObject({ status: 409, body: fault('SubnetInUse', /./) });
    expect(await call('DELETE', `security-groups/${group.id}`)).toMatchObject({ status: 409 });
    expect((await call('DELETE', `ports/${id}`)).status).toBe(204);
    expect((await call('DELETE', `networks/${networkId}`)).status).toBe(204);
    expect((await get(`subnets?network_id=${networkId}`)).subnets).toEqual([]);
    expect(await call('GET', `ports/${id}`)).toMatchObject({
      status: 404,
      body: fault('PortNotFound', `Port ${id} could not be found.`),
    });
  });
});

describe('QoS policies', () => {
  test('are made by administrators, given to ports, and stay while a port has them', async () => {
    expect(await call('POST', 'qos/policies', { policy: { name: 'mine' } }, 'demo')).toMatchObject({ status: 403 });
    const { id } = (await call('POST', 'qos/policies', { policy: { name: 'gold', shared: true } })).body.policy;
    expect((await get('qos/policies?name=gold', 'demo')).policies).toMatchObject([{ id, rules: [] }]);
    const made = (await port({ qos_policy_id: id })).body.port;
    expect(made.qos_policy_id).toBe(id);
    expect(await call('DELETE', `qos/policies/${id}`)).toMatchObject({
      status: 409,
      body: fault('QosPolicyInUse', /./),
    });
    const changed = await call('PUT', `ports/${made.id}`, { port: { qos_policy_id: null } });
    expect(changed.body.port.qos_policy_id).toBeNull();
    expect((await call('DELETE', `qos/policies/${id}`)).status).toBe(204);
    expect(await port({ qos_policy_id: id })).toMatchObject({
      status: 404,
      body: fault('QosPolicyNotFound', `QoS policy ${id} could not be found.`),
    });
    expect((await get('extensions/qos')).extension).toMatchObject({ alias: 'qos' });
  });
});

describe('what makes no sense is refused', () => {
  test.each([
    ['networks', { network: { nonsense: 1 } }, 'HTTPBadRequest', "Unrecognized attribute(s) 'nonsense'"],
    ['networks', {}, 'HTTPBadRequest', "Unable to find 'network' in request body"],
    ['networks', { network: { name: 5 } }, 'InvalidInput', /'5' is not a valid string/],
    ['ports', { port: {} }, 'HTTPBadRequest', /Required attribute 'network_id' not specified/],
    [
      'subnets',
      { subnet: { network_id: 'NET', ip_version: 4, cidr: '10.0.0.1/24' } },
      'InvalidInput',
      /not a valid IPv4 subnet/,
    ],
    [
      'subnets',
      { subnet: { network_id: 'NET', ip_version: 6, cidr: 'fd00::/64' } },
      'InvalidInput',
      /IPv4 subnets only/,
    ],
    ['subnets', { subnet: { network_id: 'NET', ip_version: 4, cidr: '127.0.0.0/8' } }, 'InvalidInput', /overlaps/],
    [
      'networks',
      { network: { availability_zone_hints: ['nowhere'] } },
      'AvailabilityZoneNotFound',
      'AvailabilityZone nowhere could not be found.',
    ],
    // An amphora, which is a process here, could not take an address there.
    ...['10.0.0.0/24', '126.0.0.0/7', '0.0.0.0/0', '198.51.100.0/24'].map((cidr): [string, object, string, RegExp] => [
      'subnets',
      { subnet: { network_id: 'NET', ip_version: 4, cidr } },
      'InvalidInput',
      /is outside 127\.0\.0\.0\/8/,
    ]),
    [
      'ports',
      { port: { network_id: 'NET', allowed_address_pairs: [{ ip_address: 'no' }] } },
      'InvalidInput',
      /'no' is not a valid IP subnet/,
    ],
    [
      'ports',
      { port: { network_id: 'NET', fixed_ips: [{ subnet_id: 'no' }] } },
      'SubnetNotFound',
      'Subnet no could not be found.',
    ],
    [
      'security-group-rules',
      { security_group_rule: { security_group_id: 'no', direction: 'ingress' } },
      'SecurityGroupNotFound',
      /no does not exist/,
    ],
    [
      'security-group-rules',
      { security_group_rule: { security_group_id: 'GROUP', direction: 'in' } },
      'InvalidInput',
      /'in' is not in/,
    ],
    [
      'security-group-rules',
      {
        security_group_rule: { security_group_id: 'GROUP', direction: 'ingress', port_range_min: 1, port_range_max: 2 },
      },
      'SecurityGroupProtocolRequiredWithPorts',
      /Must also specify protocol/,
    ],
    [
      'security-group-rules',
      {
        security_group_rule: {
          security_group_id: 'GROUP',
          direction: 'ingress',
          protocol: 'tcp',
          port_range_min: 9,
          port_range_max: 2,
        },
      },
      'SecurityGroupInvalidPortRange',
      /port_range_min must be <= port_range_max/,
    ],
  ])('%s %j', async (path, body, type, message) => {
    const [group] = (await get('security-groups?name=lb-mgmt-sec-grp')).security_groups;
    const text = JSON.stringify(body).replace('NET', networkId).replace('GROUP', group.id);
    const answer = await call('POST', path, JSON.parse(text));
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.body).toEqual(fault(type, message));
  });

  test('the same rule twice', async () => {
    const [group] = (await get('security-groups?name=lb-mgmt-sec-grp')).security_groups;
    const rule = { security_group_id: group.id, direction: 'ingress', protocol: 'icmp' };
    const answer = await call('POST', 'security-group-rules', { security_group_rule: rule });
    expect(answer).toMatchObject({
      status: 409,
      body: fault('SecurityGroupRuleExists', /already exists\. Rule id is/),
    });
  });
});

describe('where servers can have any address', () => {
  let any: SmallCloud;
  beforeEach(async () => {
    any = await startSmallCloud({ addresses: 'any' });
  });
  afterEach(() => any.close());
  const ask = async (path: string, body: object) => (await any.call('POST', `/network/v2.0/${path}`, { body })).body;

  test('subnets are of IPv4 and IPv6, and a port gets an address of each', async () => {
    const { network } = await ask('networks', { network: { name: 'both' } });
    const make = (ip_version: number, cidr: string) =>
      ask('subnets', { subnet: { network_id: network.id, ip_version, cidr } });
    const { subnet: v4 } = await make(4, '192.0.2.0/29');
    const { subnet: v6 } = await make(6, '2001:db8::/125');
    expect(v6).toMatchObject({
      ...{ ip_version: 6, cidr: '2001:db8::/125', gateway_ip: '2001:db8::1' },
      allocation_pools: [{ start: '2001:db8::2', end: '2001:db8::7' }],
    });
    const fixed_ips = [{ subnet_id: v6.id, ip_address: '2001:DB8:0::0:6' }];
    const { port: exact } = await ask('ports', { port: { network_id: network.id, fixed_ips } });
    expect(exact.fixed_ips).toEqual([{ subnet_id: v6.id, ip_address: '2001:db8::6' }]);
    const { port: either } = await ask('ports', { port: { network_id: network.id } });
    expect(either.fixed_ips.map((one: { subnet_id: string }) => one.subnet_id)).toEqual([v4.id, v6.id]);
    expect(await make(6, '2001:db8::/126')).toEqual(fault('InvalidInput', /overlaps/));
    expect(await make(6, '198.51.100.0/24')).toEqual(fault('InvalidInput', /not a valid IPv6 subnet/));
  });
});
