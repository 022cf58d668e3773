import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  type SmallCloud,
  type SmallCloudAnswer,
  type smallCloudUsers,
  startSmallCloud,
} from '../../../test/kit/compute-network-fixture.ts';
import type { GuestPort } from '../hypervisor/index.ts';

const image = '00000000-0000-4000-8000-0000000000aa';
const runs = 'console.log("up"); setInterval(() => {}, 1000);';
let cloud: SmallCloud;
let networkId: string;

beforeEach(async () => {
  cloud = await startSmallCloud();
  await cloud.addImage(image, runs);
  networkId = (await cloud.call('GET', '/network/v2.0/networks?name=lb-mgmt-net')).body.networks[0].id;
});
afterEach(() => cloud.close());

type Who = keyof typeof smallCloudUsers;
const at = (version: string) => ({ version });

async function boot(changes: object = {}, options: { token?: Who; version?: string } = {}): Promise<SmallCloudAnswer> {
  const server = { name: 's', imageRef: image, flavorRef: '65', networks: [{ uuid: networkId }], ...changes };
  return cloud.call('POST', '/compute/v2.1/servers', { body: { server }, ...options });
}
const show = async (id: string, token: Who = 'kiln', version = '2.93') =>
  cloud.call('GET', `/compute/v2.1/servers/${id}`, { token, version });
async function bootUntil(status: string, changes: object = {}): Promise<string> {
  const made = await boot(changes);
  expect(made).toMatchObject({ status: 202 });
  await reaches(made.body.server.id, status);
  return made.body.server.id;
}
const reaches = (id: string, status: string) =>
  vi.waitFor(async () => expect((await show(id)).body.server.status).toBe(status), { timeout: 60_000, interval: 20 });
const goes = (id: string) =>
  vi.waitFor(async () => expect((await show(id)).status).toBe(404), { timeout: 60_000, interval: 20 });
async function consoleOf(id: string): Promise<string> {
  const body = { 'os-getConsoleOutput': {} };
  return (await cloud.call('POST', `/compute/v2.1/servers/${id}/action`, { body })).body.output;
}
const ports = async (query = '') => (await cloud.call('GET', `/network/v2.0/ports${query}`)).body.ports;

describe('the life of a server', () => {
  test('its address is its own, and is free again when it is deleted', async () => {
    const [one, two] = await Promise.all([bootUntil('ACTIVE'), bootUntil('ACTIVE', { name: 'other' })]);
    const [first, second] = [await ports(`?device_id=${one}`), await ports(`?device_id=${two}`)];
    expect(first).toHaveLength(1);
    expect(first[0].fixed_ips[0].ip_address).toMatch(/^127\.\d+\.\d+\.\d+$/);
    expect(first[0].fixed_ips[0].ip_address).not.toBe(second[0].fixed_ips[0].ip_address);
    await vi.waitFor(async () => expect(await consoleOf(one)).toBe('up\n'), 60_000);

    expect((await cloud.call('DELETE', `/compute/v2.1/servers/${one}`)).status).toBe(204);
    // Nova too still shows it while it goes.
    expect((await show(one)).body.server['OS-EXT-STS:task_state']).toBe('deleting');
    await goes(one);
    expect(await ports()).toEqual(second);
    expect(existsSync(join(cloud.folder, 'servers', one))).toBe(false);
  });

  test('one that is deleted while it is built goes for good', async () => {
    const { body } = await boot();
    await cloud.call('DELETE', `/compute/v2.1/servers/${body.server.id}`);
    await goes(body.server.id);
    expect(await ports()).toEqual([]);
    expect(existsSync(join(cloud.folder, 'servers', body.server.id))).toBe(false);
  });

  test('a port that was there before stays when the server goes', async () => {
    const { body } = await cloud.call('POST', '/network/v2.0/ports', { body: { port: { network_id: networkId } } });
    const id = await bootUntil('ACTIVE', { networks: [{ port: body.port.id }] });
    expect((await ports())[0]).toMatchObject({ device_id: id, status: 'ACTIVE' });
    expect(await boot({ networks: [{ port: body.port.id }] })).toMatchObject({ status: 409 });
    await cloud.call('DELETE', `/compute/v2.1/servers/${id}`);
    await goes(id);
    expect((await ports())[0]).toMatchObject({ id: body.port.id, device_id: '', status: 'DOWN' });
  });

  test('one whose program ends is SHUTOFF and can be started', async () => {
    await cloud.addImage(image, 'console.log("up"); setTimeout(() => process.exit(), 2_000);');
    const id = await bootUntil('SHUTOFF');
    expect((await show(id)).body.server['OS-EXT-STS:power_state']).toBe(4);
    expect(await cloud.call('POST', `/compute/v2.1/servers/${id}/action`, { body: { 'os-stop': null } })).toMatchObject(
      {
        status: 409,
        body: { conflictingRequest: { message: `Cannot 'stop' instance ${id} while it is in vm_state stopped` } },
      },
    );
    const started = await cloud.call('POST', `/compute/v2.1/servers/${id}/action`, { body: { 'os-start': null } });
    expect(started.status).toBe(202);
    await vi.waitFor(async () => expect(await consoleOf(id)).toBe('up\nup\n'), 60_000);
    await reaches(id, 'SHUTOFF');
  });

  test('what ran when the cloud ended runs again, under its old address', async () => {
    const id = await bootUntil('ACTIVE');
    const gone = await bootUntil('ACTIVE', { name: 'gone' });
    const stopped = await bootUntil('ACTIVE', { name: 'stopped' });
    await cloud.call('POST', `/compute/v2.1/servers/${stopped}/action`, { body: { 'os-stop': null } });
    await reaches(stopped, 'SHUTOFF');
    await vi.waitFor(async () => expect(await consoleOf(id)).toBe('up\n'), 60_000);
    const before = (await show(id)).body;
    const { servers } = (await cloud.call('GET', '/compute/v2.1/servers')).body;
    expect(servers.map((server: { name: string }) => server.name)).toEqual(['stopped', 'gone', 's']);
    await cloud.call('DELETE', `/compute/v2.1/servers/${gone}`);
    await cloud.restart();
    await goes(gone);
    expect((await show(id)).body.server.addresses).toEqual(before.server.addresses);
    await vi.waitFor(async () => expect(await consoleOf(id)).toBe('up\nup\n'), 60_000);
    expect((await show(id)).body.server.status).toBe('ACTIVE');
    expect((await show(stopped)).body.server.status).toBe('SHUTOFF');
  });

  test('one that was being built when the cloud ended has a fault', async () => {
    const { body } = await boot();
    await cloud.restart();
    const { server } = (await show(body.server.id)).body;
    expect(server.status).toBe('ERROR');
    expect(server.fault.message).toContain('was being built when the cloud ended');
  });
});

describe('a server that can not be built', () => {
  test('says what is wrong with its image; inner details are for administrators', async () => {
    const garbage = join(cloud.folder, 'garbage');
    await writeFile(garbage, 'garbage');
    await cloud.addImage(image, runs, { dataFile: garbage });
    const id = await bootUntil('ERROR');
    const { server } = (await show(id)).body;
    expect(server.fault.message).toMatch(
      new RegExp(`^Build of instance ${id} aborted: Image ${image} is unacceptable: it is not a gzip'ed tar archive`),
    );
    expect(server.fault).toMatchObject({ code: 500, details: expect.any(String) });
    expect(server['OS-EXT-STS:power_state']).toBe(0);
    expect(server).not.toHaveProperty('progress');
    // Its port is its own until it is deleted.
    expect(await ports()).toHaveLength(1);
    await cloud.call('DELETE', `/compute/v2.1/servers/${id}`);
    await goes(id);
    expect(await ports()).toEqual([]);
  });

  test("a group of another project's is found by an administrator and fails on the host", async () => {
    const { body } = await cloud.call('POST', '/network/v2.0/security-groups', {
      body: { security_group: { name: 'theirs' } },
      token: 'demo',
    });
    const group = body.security_group.id;
    const id = await bootUntil('ERROR', { security_groups: [{ name: group }] });
    const { fault } = (await show(id)).body.server;
    expect(fault.message).toMatch(/^Exceeded maximum number of retries\./);
    expect(fault.details).toContain(`Security group ${group} does not exist`);
  });

  const gibibyte = 1024 ** 3;
  test.each([
    ['an image that is queued', { status: 'queued' }, {}, `Image ${image} is not active.`],
    ['too little memory', { minRamMiB: 2000 }, {}, "Flavor's memory is too small for requested image."],
    [
      'an image larger than the disk',
      { sizeBytes: 2 * gibibyte + 1 },
      {},
      `Flavor's disk is too small for requested image. Flavor disk is ${2 * gibibyte} bytes, image is ${2 * gibibyte + 1} bytes.`,
    ],
    [
      'an image that wants more disk',
      { minDiskGiB: 3 },
      {},
      `Flavor's disk is smaller than the minimum size specified in image metadata. Flavor disk is ${2 * gibibyte} bytes, minimum size is ${3 * gibibyte} bytes.`,
    ],
    ['an unknown key', {}, { key_name: 'nobody' }, 'Invalid key_name provided.'],
    ['an unknown zone', {}, { availability_zone: 'mars' }, 'The requested availability zone is not available'],
    [
      'an unknown group',
      {},
      { security_groups: [{ name: 'no' }] },
      "Unable to find security_group with name or id 'no'",
    ],
    [
      'an unknown port',
      {},
      { networks: [{ port: '00000000-0000-0000-0000-000000000000' }] },
      'Port id 00000000-0000-0000-0000-000000000000 could not be found.',
    ],
    [
      'a name that is no text',
      {},
      { name: 5 },
      "Invalid input for field/attribute name. Value: 5. 5 is not of type 'string'",
    ],
    ['no image', {}, { imageRef: '' }, 'Invalid imageRef provided.'],
    ['a volume', {}, { block_device_mapping_v2: [{ source_type: 'volume' }] }, /no volumes/],
  ])('%s is refused at once', async (_name, imageChanges, changes, message) => {
    await cloud.addImage(image, runs, imageChanges);
    const answer = await boot(changes);
    expect(answer).toMatchObject({ status: 400, body: { badRequest: { code: 400 } } });
    expect(answer.body.badRequest.message).toMatch(typeof message === 'string' ? literally(message) : message);
    expect((await cloud.call('GET', '/compute/v2.1/servers')).body.servers).toEqual([]);
  });

  test('a hint at a group that is not there', async () => {
    const server = { name: 's', imageRef: image, flavorRef: '65', networks: [{ uuid: networkId }] };
    const body = { server, 'os:scheduler_hints': { group: image } };
    const answer = await cloud.call('POST', '/compute/v2.1/servers', { body });
    expect(answer.body).toEqual({ badRequest: { code: 400, message: `Instance group ${image} could not be found.` } });
  });
});

describe('who sees what', () => {
  test('nothing without a token', async () => {
    const answer = await cloud.call('GET', '/compute/v2.1/servers', { token: null });
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Keystone uri="http://127.0.0.1:8774/identity"');
    expect((await cloud.call('GET', '/compute/')).status).toBe(200);
  });

  test("a project sees its own; an administrator everybody's when asked for", async () => {
    const id = await bootUntil('ACTIVE', { name: 'ours' });
    expect((await show(id, 'demo')).body).toEqual({
      itemNotFound: { code: 404, message: `Instance ${id} could not be found.` },
    });
    const names = async (token: Who, query = '') =>
      (await cloud.call('GET', `/compute/v2.1/servers${query}`, { token })).body.servers?.map(
        (server: { name: string }) => server.name,
      );
    expect(await names('kiln')).toEqual(['ours']);
    expect(await names('demo')).toEqual([]);
    expect(await names('admin')).toEqual([]);
    expect(await names('admin', '?all_tenants=1')).toEqual(['ours']);
    expect((await cloud.call('GET', '/compute/v2.1/servers?all_tenants=1', { token: 'demo' })).status).toBe(403);
    expect((await cloud.call('DELETE', `/compute/v2.1/servers/${id}`, { token: 'demo' })).status).toBe(404);
    expect((await show(id, 'admin')).status).toBe(200);
    expect((await cloud.call('GET', '/compute/v2.1/os-services', { token: 'demo' })).status).toBe(403);
  });

  test('a tenant sees no host, and no network of another project', async () => {
    expect((await boot({}, { token: 'demo' })).body.badRequest.message).toBe(
      `Network ${networkId} could not be found.`,
    );
    const { body } = await boot({ networks: 'none' }, { token: 'demo', version: '2.37' });
    const { server } = (await show(body.server.id, 'demo')).body;
    const hostFields = Object.keys(server).filter((key) => key.startsWith('OS-EXT-SRV-ATTR:'));
    expect(hostFields).toEqual(['OS-EXT-SRV-ATTR:hostname']);
    expect(server).not.toHaveProperty('host_status');
  });
});

describe('lists', () => {
  const list = async (query: string, version = '2.1') =>
    (await cloud.call('GET', `/compute/v2.1/servers${query}`, at(version))).body;

  test('are paged, the newest first, and can be followed to the end', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    for (const name of names) await boot({ name });
    const seen: string[] = [];
    let query = '?limit=2';
    for (let page = 0; page < 3; page++) {
      const answer = await list(query);
      seen.push(...answer.servers.map((server: { name: string }) => server.name));
      if (!answer.servers_links) break;
      query = new URL(answer.servers_links[0].href).search;
    }
    expect(seen).toEqual(names.toReversed());
    expect(await list('?marker=nope')).toEqual({ badRequest: { code: 400, message: 'marker [nope] not found' } });
    expect((await list('?limit=x')).badRequest.message).toContain('query parameters limit');
  });

  test('are filtered as Nova does', async () => {
    await bootUntil('ACTIVE', { name: 'amphora-1' });
    await boot({ name: 'web' });
    const names = async (query: string) => (await list(query)).servers.map((server: { name: string }) => server.name);
    expect(await names('?name=amphora')).toEqual(['amphora-1']);
    expect(await names('?name=%5Eamphora-1%24')).toEqual(['amphora-1']);
    expect(await names('?name=(')).toEqual([]);
    expect(await names('?status=active')).toContain('amphora-1');
    expect(await names('?status=ERROR')).toEqual([]);
    expect(await names('?flavor=1')).toEqual([]);
    expect(await names('?unheard=of&flavor=65')).toHaveLength(2);
    expect(await names('?status=nonsense')).toEqual([]);
    expect((await list('?status=nonsense', '2.38')).badRequest.message).toBe('Invalid status value');
    expect(await names('?sort_key=display_name&sort_dir=asc')).toEqual(['amphora-1', 'web']);
    expect(await names('?host=elsewhere')).toEqual([]);
    expect(await names('?changes-since=2001-01-01T00:00:00Z')).toHaveLength(2);
    expect(await names('?changes-since=2999-01-01T00:00:00')).toEqual([]);
    expect((await list('?changes-since=soon')).badRequest.message).toContain('changes-since');
    const count = async (query: string) => (await list(query, '2.93')).servers.length;
    expect(await count('?tags=none')).toBe(0);
    expect(await count('?not-tags=none')).toBe(2);
    expect(await count('?locked=true')).toBe(0);
    expect(await count('?changes-before=2001-01-01T00:00:00Z')).toBe(0);
  });
});

describe('what stands beside servers', () => {
  test('flavors: made, shown and deleted by administrators, with extra specs', async () => {
    const flavor = { name: 'f', ram: 128, vcpus: 1, disk: 0, id: 'x' };
    const path = '/compute/v2.1/flavors';
    expect((await cloud.call('POST', path, { body: { flavor }, token: 'demo' })).status).toBe(403);
    expect((await cloud.call('POST', path, { body: { flavor } })).status).toBe(200);
    expect((await cloud.call('POST', path, { body: { flavor } })).body.conflictingRequest.message).toBe(
      'Flavor with ID x already exists.',
    );
    const specs = { extra_specs: { 'hw:cpu_policy': 'shared' } };
    expect((await cloud.call('POST', `${path}/x/os-extra_specs`, { body: specs })).body).toEqual(specs);
    expect((await cloud.call('GET', `${path}/x`, at('2.61'))).body.flavor).toMatchObject(specs);
    expect((await cloud.call('GET', `${path}/x`, at('2.75'))).body.flavor.swap).toBe(0);
    expect((await cloud.call('GET', `${path}?minRam=100`)).body.flavors).toHaveLength(2);
    expect((await cloud.call('DELETE', `${path}/x`)).status).toBe(202);
    expect((await cloud.call('GET', `${path}/x`)).status).toBe(404);
  });

  test('key pairs belong to a user', async () => {
    const path = '/compute/v2.1/os-keypairs';
    const made = await cloud.call('POST', path, { body: { keypair: { name: 'k' } }, ...at('2.2') });
    expect(made.status).toBe(201);
    expect(made.body.keypair).toMatchObject({
      type: 'ssh',
      public_key: expect.stringMatching(/^ssh-rsa /),
      private_key: expect.stringContaining('BEGIN RSA PRIVATE KEY'),
      fingerprint: expect.stringMatching(/^([0-9a-f]{2}:){15}[0-9a-f]{2}$/),
    });
    expect((await cloud.call('GET', `${path}/k`, { token: 'demo' })).status).toBe(404);
    expect((await cloud.call('GET', path)).body.keypairs).toHaveLength(2);
    expect((await cloud.call('POST', path, { body: { keypair: { name: 'n' } }, ...at('2.92') })).status).toBe(400);
    expect((await cloud.call('DELETE', `${path}/k`)).status).toBe(202);
    expect((await cloud.call('GET', `${path}/k`)).status).toBe(404);
  });

  test('server groups know their members', async () => {
    const path = '/compute/v2.1/os-server-groups';
    const group = { name: 'g', policy: 'soft-anti-affinity' };
    const { body } = await cloud.call('POST', path, { body: { server_group: group }, ...at('2.64') });
    const server = { name: 's', imageRef: image, flavorRef: '65', networks: [{ uuid: networkId }] };
    const hints = { 'os:scheduler_hints': { group: body.server_group.id } };
    const made = await cloud.call('POST', '/compute/v2.1/servers', { body: { server, ...hints } });
    const shown = await cloud.call('GET', `${path}/${body.server_group.id}`, at('2.64'));
    expect(shown.body.server_group).toMatchObject({ ...group, rules: {}, members: [made.body.server.id] });
    expect((await show(made.body.server.id)).body.server.server_groups).toEqual([body.server_group.id]);
    expect((await cloud.call('GET', `${path}/${body.server_group.id}`, { token: 'demo' })).status).toBe(404);
    expect((await cloud.call('DELETE', `${path}/${body.server_group.id}`)).status).toBe(204);
  });
});

describe('microversions', () => {
  test.each([
    ['compute 2.15', '2.15'],
    ['volume 3.0, compute 2.9', '2.9'],
    ['compute latest', '2.93'],
    ['volume 3.0', '2.1'],
  ])('%s is answered as %s', async (asked, spoken) => {
    const answer = await cloud.call('GET', '/compute/v2.1/servers', { headers: { 'openstack-api-version': asked } });
    expect(answer.headers['openstack-api-version']).toBe(`compute ${spoken}`);
  });

  test.each(['2.0', '2.94', '3.1', '1.1'])('%s is not spoken', async (version) => {
    expect((await cloud.call('GET', '/compute/v2.1/servers', at(version))).status).toBe(406);
  });
});

function literally(text: string): RegExp {
  return new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`);
}

test('a port whose card the hypervisor can not add is not the server’s', async () => {
  await cloud.close();
  const plugged: string[] = [];
  const plug = async (_serverId: string, { id, addresses }: GuestPort) => {
    plugged.push(id, ...addresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`));
    throw new Error('no slot is left');
  };
  cloud = await startSmallCloud({ hypervisor: { plug } });
  await cloud.addImage(image, runs);
  [{ id: networkId }] = (await cloud.call('GET', '/network/v2.0/networks?name=lb-mgmt-net')).body.networks;
  const serverId = await bootUntil('ACTIVE');
  const body = { port: { network_id: networkId } };
  const { port } = (await cloud.call('POST', '/network/v2.0/ports', { body })).body;
  const path = `/compute/v2.1/servers/${serverId}/os-interface`;
  const attached = await cloud.call('POST', path, { body: { interfaceAttachment: { port_id: port.id } } });
  expect(attached.status).toBe(500);
  expect(plugged).toEqual([port.id, `${port.fixed_ips[0].ip_address}/16`]);
  expect((await cloud.call('GET', path)).body.interfaceAttachments).toHaveLength(1);
  expect(await ports(`?device_id=${serverId}`)).toHaveLength(1);
});
