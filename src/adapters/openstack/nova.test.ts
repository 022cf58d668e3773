import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aServerSpec } from '../../../test/kit/builders.ts';
import { createFakeClock } from '../../../test/kit/fakes/fake-clock.ts';
import { createFakeLog } from '../../../test/kit/fakes/fake-log.ts';
import { type PlayedCloud, plays, startPlayedCloud } from '../../../test/kit/stub-openstack.ts';
import { createHttp, type Http } from './http.ts';
import { createKeystone } from './keystone.ts';
import { createNova } from './nova.ts';

/** What Nova is asked, word for word; how it answers is shown by the contract and fault tests. */

let cloud: PlayedCloud;
let http: Http;
const clock = createFakeClock({ autoAdvance: true });
const log = createFakeLog();

beforeEach(async () => {
  cloud = await startPlayedCloud();
  http = createHttp({ settings: {}, clock, log });
});
afterEach(async () => {
  await http.close();
  await cloud.close();
});

function connect(endpointOverride?: string) {
  const auth = { authUrl: `${cloud.url}/identity`, authType: 'password', username: 'u', password: 'p' };
  const endpoints = { compute: { serviceType: 'compute', endpointOverride: endpointOverride ?? null } };
  const session = createKeystone({ auth, endpoints, http, clock, log });
  return createNova({ session, http, clock, log });
}

it('sends all that a server is made of, at a microversion that takes files', async () => {
  const spec = aServerSpec({
    name: 'amphora-1',
    imageId: 'image',
    flavorId: 'flavor',
    keyName: 'key',
    securityGroupIds: ['sg1', 'sg2'],
    networkIds: ['n1', 'n2'],
    portIds: ['p1'],
    availabilityZone: 'az1',
    serverGroupId: 'group',
    files: { '/etc/octavia/a.conf': 'größe' },
    userData: '#cloud-config',
  });
  await connect().createServer(spec);
  const [request] = cloud.requests('compute');
  expect(request?.headers['openstack-api-version']).toBe('compute 2.15');
  expect(JSON.parse(request?.body ?? '')).toEqual({
    server: {
      name: 'amphora-1',
      imageRef: 'image',
      flavorRef: 'flavor',
      key_name: 'key',
      security_groups: [{ name: 'sg1' }, { name: 'sg2' }],
      networks: [{ uuid: 'n1' }, { uuid: 'n2' }, { port: 'p1' }],
      availability_zone: 'az1',
      config_drive: true,
      personality: [{ path: '/etc/octavia/a.conf', contents: Buffer.from('größe').toString('base64') }],
      user_data: Buffer.from('#cloud-config').toString('base64'),
    },
    'os:scheduler_hints': { group: 'group' },
  });
});

it('leaves out what is not given', async () => {
  await connect().createServer(aServerSpec({ name: 'a', imageId: 'i', flavorId: 'f', networkIds: ['n'] }));
  expect(JSON.parse(cloud.requests('compute')[0]?.body ?? '')).toEqual({
    server: {
      name: 'a',
      imageRef: 'i',
      flavorRef: 'f',
      security_groups: [],
      networks: [{ uuid: 'n' }],
      config_drive: true,
    },
  });
});

it('asks a cloud that is too old for extra specs in flavors separately', async () => {
  const flavor = { id: '65', name: 'amphora', vcpus: 1, ram: 64, disk: 0 };
  cloud.play('compute', (response, request) => {
    const version = request.headers['openstack-api-version'];
    if (request.path.endsWith('/os-extra_specs')) return plays.ok({ extra_specs: { a: 'b' } })(response, request);
    return (version === 'compute 2.61' ? plays.status(406) : plays.ok({ flavor }))(response, request);
  });
  expect(await connect().getFlavor('65')).toEqual({
    id: '65',
    name: 'amphora',
    vcpus: 1,
    ramMiB: 64,
    diskGiB: 0,
    extraSpecs: { a: 'b' },
  });
});

it.each(['/compute', '/compute/', '/compute/v2.1', '/compute/v2', '/compute/v2.1/abc', '/compute/v2/abc'])(
  'finds the API below the endpoint %s',
  async (endpoint) => {
    expect(await connect(cloud.url + endpoint).getServer('s1')).toMatchObject({ id: 's1' });
    expect(cloud.requests('compute')[0]?.path).toBe('/v2.1/servers/s1');
  },
);

it.each(['', '.', '..'])('does not ask for a server %j: that would be another call', async (id) => {
  await expect(connect().deleteServer(id)).rejects.toMatchObject({ code: 'USAGE' });
  expect(cloud.requests('compute')).toEqual([]);
});

describe('a port is plugged in', () => {
  const attached = (...portIds: string[]) =>
    plays.ok({
      interfaceAttachments: portIds.map((id) => ({ port_id: id, net_id: 'n', mac_addr: 'm', fixed_ips: [] })),
    });
  const isAttachment = ({ method }: { method: string }) => method === 'POST';
  const inUse = plays.status(409, { conflictingRequest: { code: 409, message: 'Port p1 is still in use.' } });

  it('by its ID, and not again when it is there already', async () => {
    cloud.play('compute', plays.ok({ interfaceAttachment: {} }), { times: 1, only: isAttachment });
    await connect().attachPort('s1', 'p1');
    const [request] = cloud.requests('compute');
    expect(request?.path).toBe('/v2.1/servers/s1/os-interface');
    expect(JSON.parse(request?.body ?? '')).toEqual({ interfaceAttachment: { port_id: 'p1' } });

    cloud.play('compute', inUse, { only: isAttachment });
    cloud.play('compute', attached('p0', 'p1'), { only: ({ method }) => method === 'GET' });
    await connect().attachPort('s1', 'p1');
  });

  it('although the answer is lost, when Nova did it', async () => {
    cloud.play('compute', plays.cut, { only: isAttachment });
    cloud.play('compute', attached('p1'), { only: ({ method }) => method === 'GET' });
    await connect().attachPort('s1', 'p1');
    expect(cloud.requests('compute').filter(isAttachment)).toHaveLength(1);
  });

  it('nowhere, when another server has it', async () => {
    cloud.play('compute', inUse, { only: isAttachment });
    cloud.play('compute', attached('p0'), { only: ({ method }) => method === 'GET' });
    await expect(connect().attachPort('s1', 'p1')).rejects.toMatchObject({
      code: 'SERVICE_CONFLICT',
      call: { serviceMessage: 'Port p1 is still in use.' },
    });
  });
});
