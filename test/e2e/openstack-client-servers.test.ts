import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from 'tar';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Cloud, startCloud } from '../../src/dev-cloud/cloud.ts';
import { type OpenstackClients, openstackClients, openstackIsMissing } from '../kit/openstack-client.ts';

/** Debian's `openstack` (python3-openstackclient) against the embedded cloud: servers and networks. */

const reason = openstackIsMissing;

/** Listens on the address it is given, so that the test can see that the server runs what is in the image. */
const agent = `
import { createServer } from 'node:http';
const host = process.argv[process.argv.indexOf('--bind-host') + 1];
createServer((_, answer) => answer.end('from the image')).listen(9443, host, () => console.log('listening on', host));
`;

describe.skipIf(reason !== null)(`the openstack client and servers${reason ? ` (skipped: ${reason})` : ''}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-openstack-servers-'));
  let cloud: Cloud;
  let clients: OpenstackClients;

  beforeAll(async () => {
    cloud = await startCloud({ stateDirectory: join(folder, 'cloud') });
    clients = openstackClients(cloud.cloudsFile);
    const createdAt = '2026-01-01T00:00:00Z';
    const manifest = { format: 'kiln-amphora-1', name: 'test', version: '1', entry: 'agent.mjs', createdAt };
    writeFileSync(join(folder, 'amphora.json'), JSON.stringify(manifest));
    writeFileSync(join(folder, 'agent.mjs'), agent);
    await create({ gzip: true, file: join(folder, 'image.tgz'), cwd: folder }, ['amphora.json', 'agent.mjs']);
    writeFileSync(join(folder, 'garbage'), 'garbage');
    await Promise.all([
      openstack('image', 'create', '--file', join(folder, 'image.tgz'), 'runs'),
      openstack('image', 'create', '--file', join(folder, 'garbage'), 'garbage'),
    ]);
  });
  afterAll(async () => {
    await clients?.close();
    await cloud?.close();
    rmSync(folder, { recursive: true });
  });

  const openstack = (...words: string[]) => clients.print('kiln-dev', words);
  type Row = Record<string, unknown>;
  const show = async (...args: string[]) => JSON.parse(await openstack(...args, '-f', 'json')) as Row;
  const list = async (...args: string[]) => JSON.parse(await openstack(...args, '-f', 'json')) as Row[];

  test('lists and shows what the cloud has from the start', { timeout: 120_000 }, async () => {
    const [flavors, networks, subnets, groups, keys] = await Promise.all([
      list('flavor', 'list'),
      list('network', 'list'),
      list('subnet', 'list'),
      list('security', 'group', 'list'),
      list('keypair', 'list'),
    ]);
    expect(flavors).toContainEqual(expect.objectContaining({ ID: '65', Name: 'amphora', 'Is Public': true }));
    expect(networks.map((row) => row.Name).sort()).toEqual(['lb-mgmt-net', 'lb-vip-net']);
    const idOf = (name: string) => networks.find((row) => row.Name === name)?.ID;
    const management = subnets.find((row) => row.Name === 'lb-mgmt-subnet');
    expect(management).toMatchObject({ Network: idOf('lb-mgmt-net') });
    expect(management?.Subnet).toMatch(/^127\.\d+\.0\.0\/16$/);
    const vips = subnets.find((row) => row.Name === 'lb-vip-subnet');
    expect(vips).toMatchObject({ Network: idOf('lb-vip-net') });
    expect(vips?.Subnet).toMatch(/^127\.\d+\.0\.0\/16$/);
    expect(groups.map((row) => row.Name).sort()).toEqual(['default', 'lb-mgmt-sec-grp']);
    expect(keys).toEqual([expect.objectContaining({ Name: 'octavia_ssh_key' })]);

    const [flavor, network, subnet, rules, ports, servers, zones] = await Promise.all([
      show('flavor', 'show', 'amphora'),
      show('network', 'show', 'lb-mgmt-net'),
      show('subnet', 'show', 'lb-mgmt-subnet'),
      list('security', 'group', 'rule', 'list', 'lb-mgmt-sec-grp'),
      list('port', 'list'),
      list('server', 'list'),
      list('availability', 'zone', 'list', '--compute'),
    ]);
    expect(flavor).toMatchObject({ id: '65', vcpus: 1 });
    expect(network).toMatchObject({ name: 'lb-mgmt-net', status: 'ACTIVE', subnets: [management?.ID] });
    expect(subnet).toMatchObject({ cidr: management?.Subnet, gateway_ip: null });
    expect(rules).toContainEqual(expect.objectContaining({ 'IP Protocol': 'tcp', 'Port Range': '9443:9443' }));
    expect(rules).toContainEqual(expect.objectContaining({ 'IP Protocol': 'icmp', Direction: 'ingress' }));
    expect([ports, servers]).toEqual([[], []]);
    expect(zones.map((row) => row['Zone Name'])).toContain('nova');
  });

  test('makes a server, sees it run, and deletes it', { timeout: 120_000 }, async () => {
    const options = ['--flavor', 'amphora', '--network', 'lb-mgmt-net', '--security-group', 'lb-mgmt-sec-grp'];
    const named = ['--image', 'runs', '--key-name', 'octavia_ssh_key', '--config-drive', 'True', 'one'];
    const made = await show('server', 'create', '--wait', ...options, ...named);
    expect(made).toMatchObject({ status: 'ACTIVE', name: 'one', key_name: 'octavia_ssh_key' });

    const [server, servers, [port, ...others]] = await Promise.all([
      show('server', 'show', 'one'),
      list('server', 'list'),
      list('port', 'list', '--server', 'one'),
    ]);
    expect(server).toMatchObject({ id: made.id, config_drive: 'True', 'OS-EXT-STS:vm_state': 'active' });
    expect(server.security_groups).toEqual([{ name: 'lb-mgmt-sec-grp' }]);
    const [address] = (server.addresses as Record<string, string[]>)['lb-mgmt-net'] as [string];
    expect(servers).toEqual([
      expect.objectContaining({ ID: made.id, Name: 'one', Status: 'ACTIVE', Image: 'runs', Flavor: 'amphora' }),
    ]);
    expect(others).toEqual([]);
    expect(port).toMatchObject({
      Status: 'ACTIVE',
      'Fixed IP Addresses': [expect.objectContaining({ ip_address: address })],
    });
    await vi.waitFor(
      async () => expect(await (await fetch(`http://${address}:9443`)).text()).toBe('from the image'),
      10_000,
    );
    expect(await openstack('console', 'log', 'show', 'one')).toBe(`listening on ${address}`);

    await openstack('server', 'delete', '--wait', 'one');
    expect(await list('server', 'list')).toEqual([]);
    expect(await list('port', 'list')).toEqual([]);
    await expect(fetch(`http://${address}:9443`)).rejects.toThrow();
    expect(existsSync(join(cloud.stateDirectory, 'servers', String(made.id)))).toBe(false);
  });

  test('says why a server could not be made', { timeout: 120_000 }, async () => {
    const options = ['--flavor', 'amphora', '--network', 'lb-mgmt-net', '--image', 'garbage'];
    // The client ends with 0 all the same.
    expect(await openstack('server', 'create', '--wait', ...options, 'broken')).toBe('Error creating server');
    const server = await show('server', 'show', 'broken');
    expect(server).toMatchObject({ status: 'ERROR', fault: { code: 500 } });
    expect((server.fault as { message: string }).message).toMatch(/is unacceptable: it is not a gzip'ed tar archive/);
    await openstack('server', 'delete', '--wait', 'broken');
  });

  test('makes and deletes networks, ports and security groups', { timeout: 180_000 }, async () => {
    await openstack('network', 'create', 'n');
    await openstack('subnet', 'create', '--network', 'n', '--subnet-range', '127.1.2.0/24', 's');
    await openstack('security', 'group', 'create', 'g');
    await openstack('security', 'group', 'rule', 'create', '--protocol', 'tcp', '--dst-port', '80', 'g');
    const port = await show(
      'port',
      'create',
      '--network',
      'n',
      '--fixed-ip',
      'subnet=s,ip-address=127.1.2.9',
      '--security-group',
      'g',
      'p',
    );
    expect(port).toMatchObject({ status: 'DOWN', fixed_ips: [expect.objectContaining({ ip_address: '127.1.2.9' })] });
    await openstack('port', 'set', '--allowed-address', 'ip-address=127.1.2.10', '--name', 'q', 'p');
    expect(await show('port', 'show', 'q')).toMatchObject({ allowed_address_pairs: [{ ip_address: '127.1.2.10' }] });
    await expect(openstack('network', 'delete', 'n')).rejects.toThrow(/still in use|ConflictException/);
    await openstack('port', 'delete', 'q');
    await openstack('network', 'delete', 'n');
    await openstack('security', 'group', 'delete', 'g');
    expect((await list('network', 'list')).map((row) => row.Name).sort()).toEqual(['lb-mgmt-net', 'lb-vip-net']);
  });
});
