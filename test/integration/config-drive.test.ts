import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fillConfigDrive } from '../../src/adapters/vm-image/config-drive.ts';
import { renderUserData } from '../../src/core/amphora/cloud-init.ts';

/** What reads Nova's config drive inside an amphora, run on drives in folders. */
const program = join(import.meta.dirname, '../../src/adapters/vm-image/recipe/files/usr/lib/kiln/config-drive');

let folder: string;
const drive = () => join(folder, 'drive');
const inRoot = (path: string) => join(folder, 'root', path);
const read = (path: string) => readFileSync(inRoot(path), 'utf8');
const modeOf = (path: string) => (statSync(inRoot(path)).mode & 0o777).toString(8);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kiln-config-drive-'));
  mkdirSync(inRoot('usr/share/zoneinfo/Europe'), { recursive: true });
  mkdirSync(inRoot('etc'));
  writeFileSync(inRoot('usr/share/zoneinfo/Europe/Berlin'), 'TZif');
});
afterEach(() => rmSync(folder, { recursive: true }));

function put(path: string, content: string | Uint8Array): void {
  const file = join(drive(), 'openstack', path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

function run() {
  const { status, stdout } = spawnSync('/usr/bin/python3', [program, drive(), inRoot('')], { encoding: 'utf8' });
  return { status, said: stdout };
}

const server = { uuid: '11111111-1111-4111-8111-111111111111', hostname: 'amphora-1.novalocal' };
const link = { id: 'tap1', type: 'ovs', mtu: 1450, ethernet_mac_address: 'FA:16:3E:00:00:01' };
const network = (networks: object[], services: object[] = []) =>
  put('latest/network_data.json', JSON.stringify({ links: [link], networks, services }));

describe('files', () => {
  it.each([
    ['path first, as Nova writes it', '"path": "/etc/octavia/certs/server.pem", "content_path": "/content/0000"'],
    ['content_path first', '"content_path": "/content/0000", "path": "/etc/octavia/certs/server.pem"'],
  ])('are written for root alone: %s', (_order, entry) => {
    put('latest/meta_data.json', `{"uuid": "${server.uuid}", "files": [{${entry}}], "name": "a {b} \\"c\\""}`);
    put('content/0000', 'a key');
    expect(run()).toMatchObject({ status: 0 });
    expect(read('etc/octavia/certs/server.pem')).toBe('a key');
    expect(modeOf('etc/octavia/certs/server.pem')).toBe('600');
  });

  it('are written once a server: a renewed certificate outlives a reboot, not another server of the same disk', () => {
    const files = [{ path: '/etc/octavia/certs/server.pem', content_path: '/content/0000' }];
    put('latest/meta_data.json', JSON.stringify({ ...server, files }));
    put('content/0000', 'first');
    run();
    writeFileSync(inRoot('etc/octavia/certs/server.pem'), 'renewed');
    run();
    expect(read('etc/octavia/certs/server.pem')).toBe('renewed');
    put('latest/meta_data.json', JSON.stringify({ ...server, uuid: '2', files }));
    run();
    expect(read('etc/octavia/certs/server.pem')).toBe('first');
  });

  it.each(['etc/passwd', '/etc/../root/x', ''])('never to the path %j', (path) => {
    put('latest/meta_data.json', JSON.stringify({ ...server, files: [{ path, content_path: '/content/0000' }] }));
    put('content/0000', 'x');
    const { status, said } = run();
    expect(status).toBe(1);
    expect(said).toContain('is no absolute path without ..');
    // Not marked as done: the next boot tries again.
    expect(existsSync(inRoot('var/lib/kiln/server-id'))).toBe(false);
  });

  it('a file that the drive lacks is named', () => {
    const files = [{ path: '/etc/x', content_path: '/content/0007' }];
    put('latest/meta_data.json', JSON.stringify({ ...server, files }));
    expect(run()).toMatchObject({ status: 1, said: expect.stringContaining('content/0007') });
  });
});

describe('the server', () => {
  it('gets its name and the keys that Nova gave, for root alone', () => {
    const keys = { one: 'ssh-ed25519 AAAA one\n', two: 'ssh-ed25519 BBBB two' };
    put('latest/meta_data.json', JSON.stringify({ ...server, public_keys: keys }));
    run();
    expect(read('etc/hostname')).toBe('amphora-1\n');
    expect(read('root/.ssh/authorized_keys')).toBe('ssh-ed25519 AAAA one\nssh-ed25519 BBBB two\n');
    expect([modeOf('root/.ssh'), modeOf('root/.ssh/authorized_keys')]).toEqual(['700', '600']);
  });

  it('without keys there is no file of keys, and SSH does not start', () => {
    put('latest/meta_data.json', JSON.stringify({ ...server, public_keys: {} }));
    run();
    expect(existsSync(inRoot('root/.ssh'))).toBe(false);
  });

  it('a name that is no host name is left out', () => {
    put('latest/meta_data.json', JSON.stringify({ ...server, hostname: 'a b;reboot' }));
    expect(run()).toMatchObject({ status: 0, said: expect.stringContaining("'a b;reboot' can't be a host name") });
    expect(existsSync(inRoot('etc/hostname'))).toBe(false);
  });
});

describe('user data', () => {
  const userData = (text: string | Uint8Array) => {
    put('latest/meta_data.json', JSON.stringify(server));
    put('latest/user_data', text);
    return run();
  };

  it('of Kiln with `user_data_config_drive`: files, time zone, and commands for later', () => {
    const pem = '-----BEGIN X-----\nline: "two"\n-----END X-----\n';
    const text = renderUserData(
      { '/etc/octavia/certs/server.pem': pem, '/etc/octavia/amphora-agent.conf': '[DEFAULT]\n' },
      'Europe/Berlin',
    );
    expect(userData(text)).toMatchObject({ status: 0 });
    expect(read('etc/octavia/certs/server.pem')).toBe(pem);
    expect(modeOf('etc/octavia/certs/server.pem')).toBe('600');
    expect(modeOf('etc/octavia/amphora-agent.conf')).toBe('644');
    expect(read('run/kiln/user-commands')).toBe('systemctl restart rsyslog\nservice amphora-agent restart\n');
    expect(readlinkSync(inRoot('etc/localtime'))).toBe('/usr/share/zoneinfo/Europe/Berlin');
  });

  it('reads every encoding, and commands as lists of words', () => {
    const packed = gzipSync('packed').toString('base64');
    userData(`#cloud-config
write_files:
- {path: /a, content: ${Buffer.from('plain').toString('base64')}, encoding: b64, permissions: '0640'}
- {path: /b, content: ${packed}, encoding: gz+b64}
- {path: /c, content: ${packed}, encoding: gzip+base64}
runcmd:
- [echo, "it's", "$HOME"]
`);
    expect([read('a'), read('b'), read('c'), modeOf('a')]).toEqual(['plain', 'packed', 'packed', '640']);
    expect(spawnSync('sh', [inRoot('run/kiln/user-commands')], { encoding: 'utf8' }).stdout).toBe("it's $HOME\n");
  });

  it.each([
    ['a script', '#!/bin/sh\nreboot\n', 'only #cloud-config is read'],
    ['what is no YAML', '#cloud-config\na: [', 'user data is left out'],
    ['keys that it does not know', '#cloud-config\npackages: [vim]\nusers: []\n', 'left out: packages, users'],
    ['a zone that is not there', '#cloud-config\ntimezone: ../../etc/passwd\n', 'is not known here'],
    ['other bytes', Uint8Array.of(0xff, 0xfe, 0), 'only #cloud-config is read'],
  ])('goes on after %s', (_what, text, said) => {
    expect(userData(text)).toMatchObject({ status: 0, said: expect.stringContaining(said) });
  });

  it.each(['', '\n', '#cloud-config\n', '#cloud-config\n{}\n'])('may be nothing: %j', (text) => {
    expect(userData(text)).toMatchObject({ status: 0 });
    expect(existsSync(inRoot('run/kiln/user-commands'))).toBe(false);
  });
});

describe('the network', () => {
  const unit = () => read('run/systemd/network/10-kiln-0.network');
  beforeEach(() => put('latest/meta_data.json', JSON.stringify(server)));

  it('by DHCP; the first interface is the management network', () => {
    network([{ id: 'network0', type: 'ipv4_dhcp', link: 'tap1' }]);
    expect(run().said).toContain('{"management": "fa:16:3e:00:00:01"}');
    expect(unit()).toBe(
      '[Match]\nMACAddress=fa:16:3e:00:00:01\n\n[Link]\nMTUBytes=1450\n\n' +
        '[Network]\nDHCP=ipv4\nIPv6AcceptRA=no\nLinkLocalAddressing=ipv6\n',
    );
    expect(existsSync(inRoot('etc/resolv.conf'))).toBe(false);
  });

  it('with fixed addresses, routes and name servers', () => {
    const services = [{ type: 'dns', address: '192.0.2.53' }];
    network(
      [
        {
          ...{ type: 'ipv4', link: 'tap1', ip_address: '192.0.2.7', netmask: '255.255.255.128', services },
          routes: [{ network: '0.0.0.0', netmask: '0.0.0.0', gateway: '192.0.2.1' }],
        },
        {
          ...{ type: 'ipv6', link: 'tap1', ip_address: '2001:db8::7', netmask: 'ffff:ffff:ffff:ffff::' },
          routes: [{ network: '::', netmask: '::', gateway: '2001:db8::1' }],
        },
      ],
      services,
    );
    expect(run()).toMatchObject({ status: 0 });
    expect(unit()).toContain(
      'DHCP=no\nIPv6AcceptRA=no\nLinkLocalAddressing=ipv6\nDNS=192.0.2.53\nAddress=192.0.2.7/25\nAddress=2001:db8::7/64\n\n' +
        '[Route]\nDestination=0.0.0.0/0\nGateway=192.0.2.1\n\n[Route]\nDestination=::/0\nGateway=2001:db8::1\n',
    );
    expect(read('etc/resolv.conf')).toBe('nameserver 192.0.2.53\n');
  });

  it.each([
    ['ipv6_slaac', 'DHCP=no\nIPv6AcceptRA=yes'],
    ['ipv6_dhcp', 'DHCP=ipv6\nIPv6AcceptRA=yes'],
    ['ipv6_dhcpv6-stateful', 'DHCP=ipv6\nIPv6AcceptRA=yes'],
    ['ipv6_dhcpv6-stateless', 'DHCP=ipv6\nIPv6AcceptRA=yes'],
  ])('%s', (type, lines) => {
    network([{ type, link: 'tap1' }]);
    run();
    expect(unit()).toContain(lines);
  });

  it('with fixed addresses, as they are on the drives that tests of virtual machines make', async () => {
    const addresses = [
      { address: '192.0.2.7', prefixLength: 20, gateway: '192.0.0.1' },
      { address: '2001:db8::7', prefixLength: 64, gateway: null },
    ];
    const card = { portId: 'aaaaaaaa-bbbb', networkId: 'n', macAddress: 'fa:16:3e:00:00:01', mtu: 1450, addresses };
    await fillConfigDrive(
      {
        ...{ serverId: server.uuid, hostname: 'amphora-1', userData: null, interfaces: [card] },
        ...{ files: { '/etc/one': 'text' }, publicKeys: { key: 'ssh-ed25519 AAAA' } },
      },
      drive(),
    );
    expect(run()).toMatchObject({ status: 0, said: '{"management": "fa:16:3e:00:00:01"}\n' });
    for (const line of ['Address=192.0.2.7/20', 'Address=2001:db8::7/64', 'Destination=0.0.0.0/0', 'Gateway=192.0.0.1'])
      expect(unit()).toContain(`${line}\n`);
    expect(read('etc/one')).toBe('text');
    expect(read('root/.ssh/authorized_keys')).toBe('ssh-ed25519 AAAA\n');
  });

  it('is set up at every boot', () => {
    network([{ type: 'ipv4_dhcp', link: 'tap1' }]);
    run();
    rmSync(inRoot('run'), { recursive: true });
    run();
    expect(unit()).toContain('DHCP=ipv4');
  });

  it('may be absent', () => expect(run()).toMatchObject({ status: 0, said: '{"management": null}\n' }));

  it.each([
    ['an address without a mask', { type: 'ipv4', link: 'tap1', ip_address: '192.0.2.7' }, 'without a netmask'],
    ['what is no address', { type: 'ipv4', link: 'tap1', ip_address: 'x\n[Exec]', netmask: '24' }, 'ValueError'],
  ])('refuses %s', (_what, one, said) => {
    network([one]);
    expect(run()).toMatchObject({ status: 1, said: expect.stringContaining(said) });
  });
});

it.each([
  ['no metadata', () => undefined, 'meta_data.json is missing'],
  ['what is no JSON', () => put('latest/meta_data.json', '{"uuid": '), 'meta_data.json is no JSON'],
  ['metadata without an ID', () => put('latest/meta_data.json', '{}'), 'has no uuid'],
  ['a list', () => put('latest/meta_data.json', '[]'), 'has no uuid'],
])('says what is wrong with a drive that has %s', (_what, spoil, said) => {
  mkdirSync(drive());
  spoil();
  expect(run()).toMatchObject({ status: 1, said: expect.stringContaining(said) });
});
