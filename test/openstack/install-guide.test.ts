import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { buildAmphoraImage } from '../../src/adapters/amphora-image/build.ts';
import { followGuide, type GuidePlace, openstackCommand } from '../docs/follow-guide.ts';
import { freePort } from '../kit/free-port.ts';
import { openstackClients } from '../kit/openstack-client.ts';
import { serveOpenstack } from '../kit/openstack-socket.ts';
import { readTestbed, type TestbedAccess } from '../kit/testbed-access.ts';
import { makeDatabase } from '../kit/testbed-database.ts';

/** The test bed as the cloud that an operator has. To remake the outputs: `KILN_UPDATE_DOCS=1`, and this file alone. */
const root = join(import.meta.dirname, '..', '..');

it('docs/install.md installs on an existing cloud, and takes all away again', { timeout: 600_000 }, async () => {
  await followGuide(join(root, 'docs', 'install.md'), await bedPlace());
});

const units = join(root, 'packaging', 'systemd');
const systemd = spawnSync('systemd-analyze', ['--version']).status === 0;

it.skipIf(!systemd).each(readdirSync(units))('%s is a unit that systemd takes (skipped without it)', (unit) => {
  // A template is checked by one of its instances.
  const file = join(units, unit.replace('@.', '@worker.'));
  const folder = mkdtempSync(join(tmpdir(), 'kiln-units-'));
  try {
    const link = join(folder, unit.replace('@.', '@worker.'));
    const text = spawnSync('cat', [file.replace('@worker.', '@.')], { encoding: 'utf8' }).stdout;
    writeFileSync(link, text.replaceAll('/usr/bin/kiln', '/bin/true'));
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', link], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

async function bedPlace(): Promise<GuidePlace> {
  const bed = readTestbed();
  await clearAway(bed.files.cloudsYaml);
  const folder = mkdtempSync(join(tmpdir(), 'kiln-install-'));
  const etc = join(folder, 'etc');
  mkdirSync(etc);
  const configurationFile = join(etc, 'octavia.conf');
  writeFileSync(configurationFile, '', { mode: 0o600 });
  await buildAmphoraImage({ output: join(folder, 'amphora-2026.1.img'), name: 'amphora', version: '2026.1' });
  const usr = unpackPackage(folder);
  const database = await makeDatabase();
  const [apiPort, heartbeatPort] = [await freePort(), await freePort()];
  const keystone = bed.endpoints.identity.replace(/\/v3$/, '');
  const api = `http://127.0.0.1:${apiPort}`;
  const openstack = await serveOpenstack(writeClouds(bed, etc), join(folder, 'openstack.sock'));
  return {
    folder,
    configurationFile,
    environment: { OPENSTACK_SOCKET: join(folder, 'openstack.sock'), PATH: `${join(usr, 'bin')}:/usr/bin:/bin` },
    prepare: `openstack() { ${openstackCommand} --os-cloud "$CLOUD" "$@"; }`,
    shown: [
      [join(usr, 'share'), '/usr/share'],
      [join(folder, 'state'), '/var/lib/kiln'],
      [etc, '/etc/octavia'],
      [api, 'http://controller:9876'],
      [keystone, 'http://controller:5000'],
      ...Object.entries(bed.endpoints).map(([name, url]) => [url, `http://controller/${name}`] as const),
      ['127.81.0.0/16', '172.16.0.0/22'],
      [`${database.name} at ${bed.database.host}:${bed.database.port} as openstack`, 'kiln at controller:3306 as kiln'],
    ],
    typed: [
      // Before what it begins with.
      ['mysql+pymysql://kiln:secret@controller/kiln', database.connection],
      ['http://controller:9876', api],
      ['http://controller:5000', keystone],
      // Loopback addresses: no packet meant for an amphora leaves the machine. Neutron takes them only so.
      ['--subnet-range 172.16.0.0/22', '--subnet-range 127.81.0.0/16 --no-dhcp --gateway none'],
      ['0.0.0.0', '127.0.0.1'],
      ['9876', String(apiPort)],
      ['192.0.2.10:5555', `127.0.0.1:${heartbeatPort}`],
      ['5555', String(heartbeatPort)],
    ],
    async close() {
      await openstack.close();
      await database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The Debian package, made and unpacked. @returns its `/usr`. */
function unpackPackage(folder: string): string {
  const packages = join(folder, 'packages');
  const options = ['--fast', '--only', 'deb', '--output', packages];
  execFileSync(process.execPath, [join(root, 'scripts/package.ts'), ...options], { stdio: 'pipe' });
  const [deb = ''] = readdirSync(packages).filter((file) => file.endsWith('.deb'));
  execFileSync('dpkg-deb', ['--extract', join(packages, deb), join(folder, 'debian')]);
  return join(folder, 'debian', 'usr');
}

/** clouds.yaml with an administrator and the user that the guide makes. */
function writeClouds(bed: TestbedAccess, folder: string): string {
  const cloud = (username: string, password: string, project: string) => ({
    region_name: bed.region,
    auth: {
      auth_url: bed.endpoints.identity,
      username,
      password,
      project_name: project,
      user_domain_name: 'Default',
      project_domain_name: 'Default',
    },
  });
  const { admin } = bed.users;
  const clouds = {
    administrator: cloud(admin.name, admin.password, admin.projectName),
    'lb-controller': cloud('lb-controller', 'a-good-password', 'service'),
  };
  const file = join(folder, 'clouds.yaml');
  writeFileSync(file, JSON.stringify({ clouds }), { mode: 0o600 });
  return file;
}

/** What a run that broke off has left. */
async function clearAway(cloudsFile: string): Promise<void> {
  const openstack = openstackClients(cloudsFile);
  const kinds = [
    ['service', 'kiln'],
    ['user', 'lb-controller'],
    ['image', 'amphora-2026.1'],
    ['security', 'group', 'amphora-mgmt'],
    ['network', 'amphora-mgmt'],
    ['flavor', 'amphora-small'],
  ];
  // The test bed's own service user: what is made lies in its project.
  for (const words of kinds) {
    const name = words.pop() ?? '';
    for (const cloud of ['testbed-admin', 'testbed']) await openstack.run(cloud, [...words, 'delete', name]);
  }
  await openstack.close();
}
