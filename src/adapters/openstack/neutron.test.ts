import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFakeClock } from '../../../test/kit/fakes/fake-clock.ts';
import { createFakeLog } from '../../../test/kit/fakes/fake-log.ts';
import { type Play, type PlayedCloud, plays, startPlayedCloud } from '../../../test/kit/stub-openstack.ts';
import type { NewPort } from '../../ports/network.ts';
import { createHttp, type Http } from './http.ts';
import { createKeystone } from './keystone.ts';
import { createNeutron } from './neutron.ts';
import { createUserSession } from './user-session.ts';

/** What Neutron is asked, word for word, and what becomes of answers that get lost. The rest is in the contract. */

let cloud: PlayedCloud;
let http: Http;
/** Ports that the stub of Neutron has. */
let ports: Record<string, unknown>[];
const clock = createFakeClock({ autoAdvance: true });
const log = createFakeLog();

beforeEach(async () => {
  cloud = await startPlayedCloud();
  http = createHttp({ settings: {}, clock, log });
  ports = [];
  cloud.play('network', (response, request) => {
    const [path] = request.path.split('?');
    if (request.method === 'POST' && path === '/v2.0/ports') return createsPort(response, request);
    if (request.method === 'GET' && path === '/v2.0/ports') return plays.ok({ ports })(response, request);
    if (request.method === 'DELETE' && path?.startsWith('/v2.0/ports/')) {
      ports = ports.filter((port) => port.id !== path.slice(12));
      return plays.status(204)(response, request);
    }
    return plays.status(404, { NeutronError: { message: 'The resource could not be found.' } })(response, request);
  });
});
afterEach(async () => {
  await http.close();
  await cloud.close();
});

function make(fields: object): Record<string, unknown> {
  const port = {
    id: randomUUID(),
    mac_address: 'fa:16:3e:00:00:01',
    status: 'DOWN',
    device_id: '',
    device_owner: '',
    admin_state_up: true,
    ...fields,
    // What Neutron chooses is not reported here.
    fixed_ips: [],
  };
  ports.push(port);
  return port;
}
const createsPort: Play = (response, request) =>
  plays.status(201, { port: make((JSON.parse(request.body) as { port: object }).port) })(response, request);
/** The port is made, and nobody hears of it. */
const createsAndIsCut: Play = (response, request) => {
  make((JSON.parse(request.body) as { port: object }).port);
  return plays.cut(response, request);
};
const isCreation = (request: { method: string }) => request.method === 'POST';

function connect() {
  const auth = { authUrl: `${cloud.url}/identity`, authType: 'password', username: 'u', password: 'p' };
  const session = createKeystone({ auth, endpoints: {}, http, clock, log });
  return { network: createNeutron({ session, http, clock, log, portLookupSeconds: 2 }), session };
}
const aPort = (fields: Partial<NewPort> = {}): NewPort => ({
  name: 'octavia-lb-vrrp-1',
  networkId: 'net',
  projectId: null,
  fixedIps: [],
  deviceId: '',
  deviceOwner: 'Octavia',
  adminStateUp: true,
  securityGroupIds: null,
  allowedAddressPairs: [],
  qosPolicyId: null,
  ...fields,
});
const creations = () => cloud.requests('network').filter(isCreation);

describe('a port is asked for', () => {
  it('with all that it shall have', async () => {
    await connect().network.createPort(
      aPort({
        projectId: 'tenant',
        fixedIps: [
          { subnetId: 's1', ipAddress: '10.0.0.5' },
          { subnetId: 's2', ipAddress: null },
        ],
        deviceId: 'lb-1',
        adminStateUp: false,
        securityGroupIds: [],
        allowedAddressPairs: [{ ipAddress: '10.0.0.9' }],
        qosPolicyId: 'gold',
      }),
    );
    expect(JSON.parse(creations()[0]?.body ?? '')).toEqual({
      port: {
        name: 'octavia-lb-vrrp-1',
        network_id: 'net',
        project_id: 'tenant',
        fixed_ips: [{ subnet_id: 's1', ip_address: '10.0.0.5' }, { subnet_id: 's2' }],
        device_id: 'lb-1',
        device_owner: 'Octavia',
        admin_state_up: false,
        security_groups: [],
        allowed_address_pairs: [{ ip_address: '10.0.0.9' }],
        qos_policy_id: 'gold',
      },
    });
  });

  it('without what is left to Neutron, or what a Neutron without the extension would refuse', async () => {
    await connect().network.createPort(aPort());
    expect(JSON.parse(creations()[0]?.body ?? '')).toEqual({
      port: {
        name: 'octavia-lb-vrrp-1',
        network_id: 'net',
        device_id: '',
        device_owner: 'Octavia',
        admin_state_up: true,
      },
    });
  });

  it('changed in what is named, and in nothing else', async () => {
    cloud.play('network', plays.ok({ port: make({ name: 'x', network_id: 'net' }) }), {
      only: ({ method }) => method === 'PUT',
    });
    await connect().network.updatePort('p', { securityGroupIds: [], qosPolicyId: null });
    const change = cloud.requests('network').find(({ method }) => method === 'PUT');
    expect(JSON.parse(change?.body ?? '')).toEqual({ port: { security_groups: [], qos_policy_id: null } });
  });
});

describe('when the answer to a creation is lost', () => {
  it('the port that was made is used, and no second one is asked for', async () => {
    cloud.play('network', createsAndIsCut, { times: 1, only: isCreation });
    const port = await connect().network.createPort(aPort());
    expect(port.id).toBe(ports[0]?.id);
    expect(creations()).toHaveLength(1);
  });

  it('and nothing was made, it is asked for again', async () => {
    cloud.play('network', plays.status(503), { times: 1, only: isCreation });
    const port = await connect().network.createPort(aPort());
    expect(ports.map(({ id }) => id)).toEqual([port.id]);
    expect(creations()).toHaveLength(2);
  });

  it('a port of that name in another network, or of a like name, is not the one', async () => {
    make({ name: 'octavia-lb-vrrp-1', network_id: 'other' });
    make({ name: 'OCTAVIA-lb-vrrp-1', network_id: 'net' });
    cloud.play('network', plays.cut, { times: 1, only: isCreation });
    const port = await connect().network.createPort(aPort());
    expect(port.id).toBe(ports[2]?.id);
  });

  it('and the first request was only slow, one port is left', async () => {
    let first: Record<string, unknown> | undefined;
    cloud.play('network', plays.cut, { times: 1, only: isCreation });
    const slow: Play = (response, request) => {
      first = make((JSON.parse(request.body) as { port: object }).port);
      return createsPort(response, request);
    };
    const { network } = connect();
    // The second request comes while the first one is carried out.
    cloud.play('network', slow, { times: 1, only: (request) => isCreation(request) && creations().length === 2 });
    const port = await network.createPort(aPort());
    expect(first).toBeDefined();
    expect(ports.map(({ id }) => id)).toEqual([port.id]);
  });

  it('and the second request finds its address taken by the first, the first is the port', async () => {
    cloud.play('network', plays.cut, { times: 1, only: isCreation });
    const taken: Play = (response, request) => {
      make((JSON.parse(request.body) as { port: object }).port);
      const message = 'IP address 10.0.0.5 already allocated in subnet s1';
      return plays.status(409, { NeutronError: { type: 'IpAddressAlreadyAllocated', message } })(response, request);
    };
    cloud.play('network', taken, { times: 1, only: (request) => isCreation(request) && creations().length === 2 });
    const port = await connect().network.createPort(aPort({ fixedIps: [{ subnetId: 's1', ipAddress: '10.0.0.5' }] }));
    expect(port.id).toBe(ports[0]?.id);
  });

  it('and nobody says whether it was made, it is not asked for again', async () => {
    cloud.play('network', createsAndIsCut, { times: 1, only: isCreation });
    cloud.play('network', plays.status(503), { only: ({ method }) => method === 'GET' });
    await expect(connect().network.createPort(aPort())).rejects.toMatchObject({
      code: 'SERVICE_UNREACHABLE',
      call: { outcomeUnknown: true },
    });
    expect(ports).toHaveLength(1);
  });

  it('and Neutron does not tell of it after a second request, that one is the port', async () => {
    cloud.play('network', plays.cut, { times: 1, only: isCreation });
    const isLookAfterwards = (request: { method: string }) => request.method === 'GET' && creations().length === 2;
    cloud.play('network', plays.status(500), { only: isLookAfterwards });
    const port = await connect().network.createPort(aPort());
    expect(ports.map(({ id }) => id)).toEqual([port.id]);
  });

  it('and Neutron can no longer be asked, the error says that a port may be there', async () => {
    cloud.play('network', plays.cut, { times: 1, only: isCreation });
    cloud.play('network', plays.status(403), { only: ({ method }) => method === 'GET' });
    await expect(connect().network.createPort(aPort())).rejects.toMatchObject({
      code: 'SERVICE_UNREACHABLE',
      call: { outcomeUnknown: true },
    });
    expect(creations()).toHaveLength(1);
  });
});

describe('what is distinguished', () => {
  const refuses = (status: number, type: string, message: string) =>
    cloud.play('network', plays.status(status, { NeutronError: { type, message, detail: '' } }), { only: isCreation });
  const rule = { protocol: 'tcp', portRangeMin: 80, portRangeMax: 80, etherType: 'IPv4', remoteIpPrefix: null };

  it('an address in use, which stays so, from a network that is full, which may not', async () => {
    refuses(409, 'IpAddressAlreadyAllocated', 'IP address 10.0.0.5 already allocated in subnet s1');
    await expect(connect().network.createPort(aPort())).rejects.toMatchObject({
      code: 'SERVICE_CONFLICT',
      retryable: false,
    });
    refuses(409, 'IpAddressGenerationFailure', 'No more IP addresses available on network net.');
    await expect(connect().network.createPort(aPort())).rejects.toMatchObject({
      code: 'SERVICE_LIMIT',
      retryable: true,
    });
    refuses(409, 'OverQuota', "Quota exceeded for resources: ['port'].");
    await expect(connect().network.createPort(aPort())).rejects.toMatchObject({ code: 'SERVICE_LIMIT' });
  });

  it('a rule that is there already from one too many', async () => {
    refuses(409, 'SecurityGroupRuleExists', 'Security group rule already exists. Rule id is 1.');
    await connect().network.createSecurityGroupRule('g', rule);
    refuses(409, 'OverQuota', "Quota exceeded for resources: ['security_group_rule'].");
    await expect(connect().network.createSecurityGroupRule('g', rule)).rejects.toMatchObject({ code: 'SERVICE_LIMIT' });
  });

  it('ports of no device from ports of this one: Neutron leaves an empty filter out', async () => {
    make({ name: 'a', network_id: 'net', device_id: 'd' });
    make({ name: 'b', network_id: 'net' });
    const { network } = connect();
    expect((await network.listPortsOfDevice('')).map(({ name }) => name)).toEqual(['b']);
    expect((await network.listPortsOfDevice('d')).map(({ name }) => name)).toEqual(['a']);
  });

  it.each(['', '.', '..'])('an ID from %j, which would be another call', async (id) => {
    await expect(connect().network.deletePort(id)).rejects.toMatchObject({ code: 'USAGE' });
    expect(cloud.requests('network')).toEqual([]);
  });
});

it('asks as a user with the token of that user, and a refusal of it stands', async () => {
  const { session } = connect();
  await session.token();
  const network = createNeutron({ session: createUserSession(session, 'of-the-user'), http, clock, log });
  cloud.play('network', plays.status(401), { only: ({ method }) => method === 'GET' });
  await expect(network.getSubnet('s')).rejects.toMatchObject({ code: 'SERVICE_UNAUTHORIZED' });
  const tokens = cloud.requests('network').map(({ headers }) => headers['x-auth-token']);
  expect(new Set(tokens)).toEqual(new Set(['of-the-user']));
});
