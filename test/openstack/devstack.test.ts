import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeLeftRegions } from '../conformance/catalog.ts';
import { freePort } from '../kit/free-port.ts';
import { type NovaWithGuests, startNovaWithGuests } from '../kit/nova-with-guests.ts';
import { serveOpenstack } from '../kit/openstack-socket.ts';
import { readTestbed } from '../kit/testbed-access.ts';

/**
 * devstack/plugin.sh, all phases, each of them twice, against the test bed. DevStack's functions are our stand-in's, or with
 * KILN_DEVSTACK_DIR=<a checkout of DevStack> its own (docs/devstack.md). What is made has names of its own.
 */
const root = join(import.meta.dirname, '..', '..');
const bed = readTestbed();
const run = Math.random().toString(16).slice(2, 10);
const named = (what: string) => `kiln-devstack-${run}-${what}`;
const password = `password-${run}`;
const stackPhases = ['pre-install', 'install', 'post-config', 'extra', 'test-config'].map((phase) => `stack ${phase}`);
const roles = ['observer', 'global_observer', 'member', 'quota_admin', 'admin'].map((role) => `load-balancer_${role}`);

let scratch: string;
let checkout: string;
let confFile: string;
let nova: NovaWithGuests;
let openstack: Awaited<ReturnType<typeof serveOpenstack>>;
let apiUrl: string;
let before: Awaited<ReturnType<typeof inTheCloud>>;

beforeAll(async () => {
  await removeLeftRegions(bed);
  scratch = mkdtempSync(join(tmpdir(), 'kiln-devstack-'));
  checkout = join(scratch, 'dest', 'kiln');
  confFile = join(scratch, 'etc', 'kiln', 'octavia.conf');
  for (const part of ['bin', 'scripts', 'src', 'devstack', 'package.json', 'package-lock.json'])
    cpSync(join(root, part), join(checkout, part), { recursive: true });
  // What is installed is there already; a link to it in place of `npm ci`, so that clean has something to remove.
  mkdirSync(join(scratch, 'bin'));
  const npm = `#!/bin/sh\n[ "$1" = ci ] && exec ln -sfn ${join(root, 'node_modules')} node_modules\n`;
  writeFileSync(join(scratch, 'bin', 'npm'), npm, { mode: 0o755 });
  mkdirSync(join(scratch, 'etc'));
  mkdirSync(join(scratch, 'data'));
  nova = await startNovaWithGuests(bed.endpoints);
  apiUrl = `http://127.0.0.1:${await freePort()}`;

  writeFileSync(join(scratch, 'clouds.yaml'), cloudsYaml());
  writeFileSync(join(scratch, 'localrc'), await localrc());
  openstack = await serveOpenstack(join(scratch, 'clouds.yaml'), join(scratch, 'openstack.sock'));
  before = await inTheCloud();
}, 120_000);

afterAll(async () => {
  // Whatever failed: nothing of ours stays in the test bed that others use.
  if (existsSync(join(scratch, 'data', 'kiln'))) await phases('unstack', 'clean');
  await openstack?.close();
  await nova?.close();
  rmSync(scratch, { recursive: true, force: true });
}, 240_000);

/** The clouds that DevStack writes for its administrator. */
function cloudsYaml(): string {
  const { admin } = bed.users;
  const cloud = (name: string, scope: string) =>
    `  ${name}:
    region_name: ${bed.region}
    auth:
      auth_url: ${bed.endpoints.identity}
      username: ${admin.name}
      password: ${admin.password}
      user_domain_name: ${admin.domainName}
      ${scope}
`;
  const project = `project_name: ${admin.projectName}\n      project_domain_name: ${admin.domainName}`;
  return `clouds:\n${cloud('devstack-admin', project)}${cloud('devstack-system-admin', 'system_scope: all')}`;
}

async function localrc(): Promise<string> {
  const octet = 203 + Math.floor(Math.random() * 50);
  const settings = {
    // What DevStack's stackrc and stack.sh set.
    DEST: join(scratch, 'dest'),
    DATA_DIR: join(scratch, 'data'),
    'GITDIR[kiln]': checkout,
    STACK_USER: userInfo().username,
    HOST_IP: '127.0.0.1',
    SERVICE_HOST: '127.0.0.1',
    SERVICE_LISTEN_ADDRESS: '127.0.0.1',
    SERVICE_PASSWORD: password,
    SERVICE_PROJECT_NAME: bed.users.kiln.projectName,
    KEYSTONE_SERVICE_URI: bed.endpoints.identity,
    REGION_NAME: bed.region,
    ENABLED_SERVICES: 'key,n-api,g-api,neutron-api',
    SERVICE_TIMEOUT: '60',
    CURL_GET: 'curl -g',
    // DevStack's own pip and apt want its virtual environment and its list of requirements.
    ...(process.env.KILN_DEVSTACK_DIR ? { OFFLINE: 'True', KILN_INSTALL_CLIENT: 'False' } : {}),
    // What a local.conf sets: names that the test bed has not, and no Open vSwitch.
    KILN_CONF_DIR: join(scratch, 'etc', 'kiln'),
    KILN_API_PORT: new URL(apiUrl).port,
    KILN_HEALTH_PORT: String(await freePort()),
    KILN_USERNAME: named('user'),
    KILN_MGMT_NETWORK: named('net'),
    KILN_MGMT_SUBNET: named('subnet'),
    KILN_MGMT_CIDR: `127.${octet}.0.0/16`,
    KILN_MGMT_SECGROUP: named('amphorae'),
    KILN_HEALTH_SECGROUP: named('health'),
    KILN_MGMT_INTERFACE: 'none',
    KILN_AMP_FLAVOR: named('flavor'),
    KILN_AMP_RAM_MIB: '64',
    KILN_AMP_DISK_GIB: '1',
    KILN_AMP_SSH_KEY: named('key'),
    KILN_AMP_IMAGE_TAG: named('tag'),
    KILN_AMP_IMAGE_NAME: named('image'),
    KILN_AMP_IMAGE_BUILDER: 'kiln',
    LOCAL_POST_CONFIG: `nova endpoint ${nova.url}`,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}='${value}'\n`)
    .join('');
}

interface Ended {
  status: number | null;
  output: string;
}

function startPhases(...names: string[]): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn('bash', [join(root, 'test', 'devstack', 'run-phases.sh'), join(scratch, 'localrc'), ...names], {
    cwd: scratch,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    // Of this machine's environment nothing but where programs are: no proxy, no OS_*.
    env: {
      PATH: `${join(scratch, 'bin')}:${join(root, 'test', 'kit', 'bin')}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
      HOME: scratch,
      LC_ALL: 'C.UTF-8',
      OPENSTACK_SOCKET: join(scratch, 'openstack.sock'),
      ...(process.env.KILN_DEVSTACK_DIR ? { DEVSTACK_DIR: process.env.KILN_DEVSTACK_DIR } : {}),
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (data: Buffer) => {
      output += data.toString();
    });
  const ended = once(child, 'exit').then(([status]) => ({ status: status as number | null, output }));
  return { child, ended };
}

async function phases(...names: string[]): Promise<Ended> {
  return await startPhases(...names).ended;
}

/** As `phases`, for what has to succeed, and to find nothing to warn of. */
async function succeed(...names: string[]): Promise<string> {
  const { status, output } = await phases(...names);
  expect(status, output).toBe(0);
  expect(output).not.toContain('[WARNING]');
  return output;
}

// biome-ignore lint/suspicious/noExplicitAny: answers of every shape.
async function get(url: string, token: string, headers: Record<string, string> = {}): Promise<any> {
  const answer = await request(url, { headers: { 'x-auth-token': token, ...headers } });
  const text = await answer.body.text();
  if (answer.statusCode !== 200) throw new Error(`GET ${url}: ${answer.statusCode} ${text}`);
  return JSON.parse(text);
}

/** Everything of this run's names in the cloud, and the catalog; with the test bed's own roles. */
async function inTheCloud() {
  const token = await bed.token('admin');
  const { identity, compute, network, image } = bed.endpoints;
  const [users, allRoles, services, networks, groups, flavors, images] = await Promise.all([
    get(`${identity}/users`, token),
    get(`${identity}/roles`, token),
    get(`${identity}/services`, token),
    get(`${network}/v2.0/networks`, token),
    get(`${network}/v2.0/security-groups`, token),
    get(`${compute}/flavors/detail?is_public=None`, token),
    get(`${image}/v2/images?limit=1000`, token),
  ]);
  const ours = <Thing extends { name: string }>(things: Thing[]) => things.filter(({ name }) => name?.includes(run));
  return {
    users: ours(users.users as { name: string; id: string }[]),
    roles: (allRoles.roles as { name: string }[]).map(({ name }) => name).filter((name) => roles.includes(name)),
    services: (services.services as { type: string; id: string }[]).filter(({ type }) => type === 'load-balancer'),
    networks: ours(networks.networks as { name: string; id: string; project_id: string; subnets: string[] }[]),
    groups: ours(
      groups.security_groups as { name: string; id: string; project_id: string; security_group_rules: object[] }[],
    ),
    flavors: ours(flavors.flavors as { name: string; id: string; ram: number }[]),
    images: ours(images.images as { name: string; id: string; owner: string; status: string; tags: string[] }[]).map(
      ({ name, id, owner, status, tags }) => ({ name, id, owner, status, tags }), // its time of change is not ours to keep
    ),
  };
}

async function serversOf(userId: string): Promise<unknown[]> {
  const url = `${bed.endpoints.compute}/servers?all_tenants=1&user_id=${userId}`;
  return (await get(url, await bed.token('admin'))).servers;
}

/** An option of octavia.conf. */
const option = (section: string, name: string) =>
  new RegExp(`^\\[${section}\\]\\n(?:[^\\[].*\\n|\\n)*?${name} *= *(.*)$`, 'm').exec(
    readFileSync(confFile, 'utf8'),
  )?.[1];

async function logIn(): Promise<{ projectId: string; roles: string[] }> {
  const domain = { name: 'Default' };
  const answer = await request(`${bed.endpoints.identity}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      auth: {
        identity: { methods: ['password'], password: { user: { name: named('user'), domain, password } } },
        scope: { project: { name: bed.users.kiln.projectName, domain } },
      },
    }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: Keystone's own shape.
  const { token } = (await answer.body.json()) as any;
  return { projectId: token.project.id, roles: token.roles.map((role: { name: string }) => role.name) };
}

describe('the DevStack plugin', () => {
  it('stack, run twice, brings up a Kiln that boots amphorae from the tag', { timeout: 480_000 }, async () => {
    for (const phase of stackPhases) await succeed(phase);
    const first = await inTheCloud();
    const firstConf = readFileSync(confFile, 'utf8');
    const output = await succeed(...stackPhases);
    const second = await inTheCloud();

    // The second run made nothing anew.
    expect(second).toEqual(first);
    expect(readFileSync(confFile, 'utf8')).toBe(firstConf);
    expect(output).toContain('is this file already');

    // Keystone
    const { projectId, roles: held } = await logIn();
    expect(held).toEqual(expect.arrayContaining(['admin', 'service']));
    expect(projectId).toBe(bed.users.kiln.projectId);
    expect(second.roles.sort()).toEqual([...roles].sort());
    const token = await bed.token('demo');
    const { catalog } = (await get(`${bed.endpoints.identity}/auth/catalog`, token)) as {
      catalog: { type: string; endpoints: { interface: string; url: string }[] }[];
    };
    const endpoints = catalog.find(({ type }) => type === 'load-balancer')?.endpoints ?? [];
    expect(endpoints.map((endpoint) => [endpoint.interface, endpoint.url]).sort()).toEqual([
      ['admin', apiUrl],
      ['internal', apiUrl],
      ['public', apiUrl],
    ]);

    // Neutron
    expect(second.networks).toMatchObject([
      { name: named('net'), project_id: projectId, subnets: [expect.any(String)] },
    ]);
    const groups = Object.fromEntries(second.groups.map((group) => [group.name, group]));
    const letIn = (name: string) =>
      ((groups[name]?.security_group_rules ?? []) as { direction: string; protocol: string; port_range_min: number }[])
        .filter(({ direction }) => direction === 'ingress')
        .map(({ protocol, port_range_min: port }) => `${protocol} ${port}`)
        .sort();
    expect(letIn(named('amphorae'))).toEqual(['icmp null', 'tcp 22', 'tcp 9443']);
    expect(letIn(named('health'))).toEqual(['icmp null', `udp ${option('health_manager', 'bind_port')}`]);

    // Nova and Glance
    expect(second.flavors).toMatchObject([{ name: named('flavor'), ram: 64 }]);
    const userId = second.users[0]?.id ?? '';
    const keys = await get(`${bed.endpoints.compute}/os-keypairs?user_id=${userId}`, await bed.token('admin'), {
      'x-openstack-nova-api-version': '2.10',
    });
    expect(keys.keypairs.map((pair: { keypair: { name: string } }) => pair.keypair.name)).toEqual([named('key')]);
    expect(second.images).toMatchObject([
      { name: named('image'), owner: projectId, status: 'active', tags: [named('tag')] },
    ]);

    // octavia.conf
    expect(statSync(confFile).mode & 0o777).toBe(0o600);
    expect(option('controller_worker', 'amp_image_tag')).toBe(named('tag'));
    expect(option('controller_worker', 'amp_image_owner_id')).toBe(projectId);
    expect(firstConf).not.toMatch(/^amp_image_id/m);
    expect(option('controller_worker', 'amp_boot_network_list')).toBe(second.networks[0]?.id);
    expect(option('controller_worker', 'amp_secgroup_list')).toBe(groups[named('amphorae')]?.id);
    expect(option('controller_worker', 'amp_flavor_id')).toBe(second.flavors[0]?.id);
    const authority = new X509Certificate(readFileSync(option('controller_worker', 'client_ca') ?? ''));
    const own = new X509Certificate(readFileSync(option('haproxy_amphora', 'client_cert') ?? ''));
    expect(own.verify(authority.publicKey)).toBe(true);

    // What the plugin itself saw, in both runs: two amphorae from the image, and none left.
    expect(output).toContain('and an amphora booted from it');
    expect(output).toMatch(/\$ kiln doctor[\s\S]*0 failed/);
    expect(nova.booted).toEqual([second.images[0]?.id, second.images[0]?.id]);
    await expect.poll(() => serversOf(userId), { timeout: 60_000 }).toEqual([]);
    expect(nova.running()).toBe(0);

    // The API, as a tenant finds it.
    const listed = await get(`${endpoints[0]?.url}/v2.0/lbaas/loadbalancers`, token);
    expect(listed.loadbalancers).toEqual([]);
    // No secret is on a command line or in what was said.
    for (const secret of [
      option('certificates', 'ca_private_key_passphrase'),
      option('health_manager', 'heartbeat_key'),
    ]) {
      expect(secret).toMatch(/^[0-9a-f]{48}$/);
      expect(output).not.toContain(secret);
      expect(openstack.commands.flat()).not.toContain(secret);
    }
  });

  it('test-config ends stack, and says what to do, when nothing carries the tag', { timeout: 120_000 }, async () => {
    const [image] = (await inTheCloud()).images;
    const tagUrl = `${bed.endpoints.image}/v2/images/${image?.id}/tags/${named('tag')}`;
    const headers = { 'x-auth-token': await bed.token('admin') };
    expect((await request(tagUrl, { method: 'DELETE', headers })).statusCode).toBe(204);
    const { status, output } = await phases('stack test-config');
    expect(status).not.toBe(0);
    expect(output).toContain('exit status 3');
    expect(output).toMatch(/kiln image tag IMAGE/);
    expect(output).toContain('KILN_VERIFY=False leaves this check out');
    // The next stack gives it back.
    expect(await succeed('stack extra')).toContain('is this file already');
    expect((await inTheCloud()).images).toEqual([image]);
  });

  it('unstack and clean, each twice, leave nothing, though there is a load balancer', {
    timeout: 240_000,
  }, async () => {
    const [network] = (await inTheCloud()).networks;
    const created = await request(`${apiUrl}/v2.0/lbaas/loadbalancers`, {
      method: 'POST',
      headers: { 'x-auth-token': await bed.token('admin'), 'content-type': 'application/json' },
      body: JSON.stringify({ loadbalancer: { name: named('lb'), vip_subnet_id: network?.subnets[0] } }),
    });
    const { loadbalancer } = (await created.body.json()) as { loadbalancer: { id: string } };
    expect(created.statusCode).toBe(201);
    const status = async () =>
      (await get(`${apiUrl}/v2.0/lbaas/loadbalancers/${loadbalancer.id}`, await bed.token('admin'))).loadbalancer
        .provisioning_status;
    await expect.poll(status, { timeout: 60_000, interval: 200 }).toBe('ACTIVE');
    const ports = async () => {
      const url = `${bed.endpoints.network}/v2.0/ports?network_id=${network?.id}`;
      return (await get(url, await bed.token('admin'))).ports as object[];
    };
    expect(await ports()).not.toEqual([]);

    await succeed('unstack');
    await succeed('unstack');
    const after = await inTheCloud();
    expect(after).toEqual(before);
    expect(await ports()).toEqual([]);
    await expect(fetch(apiUrl)).rejects.toThrow();
    expect(readFileSync(join(scratch, 'data', 'kiln', 'made-in-the-cloud'), 'utf8')).toBe('');

    await succeed('clean');
    await succeed('clean');
    for (const gone of ['etc/kiln', 'data/kiln', 'dest/kiln/node_modules'])
      expect(existsSync(join(scratch, gone)), gone).toBe(false);
  });

  it('a stack that is killed in the middle is taken away, too', { timeout: 240_000 }, async () => {
    await succeed('stack install', 'stack post-config');
    const { child, ended } = startPhases('stack extra');
    const made = join(scratch, 'data', 'kiln', 'made-in-the-cloud');
    while (child.exitCode === null && !(existsSync(made) && readFileSync(made, 'utf8').includes('security-group')))
      await pause(20);
    process.kill(-(child.pid ?? 0), 'SIGKILL');
    expect((await ended).status).toBe(null);

    await succeed('unstack');
    expect(await inTheCloud()).toEqual(before);
    // Packages that were there before stack stay.
    await succeed('clean', 'stack install');
    rmSync(join(scratch, 'data', 'kiln', 'packages-installed'));
    await succeed('clean');
    expect(existsSync(join(checkout, 'node_modules', 'undici'))).toBe(true);
  });
});

describe('scripts', () => {
  it('certificates.sh takes the passphrase from the environment alone, and renews nothing that is good', () => {
    const folder = join(scratch, 'certificates');
    const make = (passphrase: string) =>
      execFileSync('sh', [join(root, 'scripts', 'certificates.sh'), folder], {
        env: { PATH: process.env.PATH, KILN_CA_PASSPHRASE: passphrase, KILN_KEY_BITS: '2048' },
        encoding: 'utf8',
        stdio: 'pipe',
      });
    expect(make('first')).toContain(`client_ca = ${folder}/client_ca.cert.pem`);
    const own = readFileSync(join(folder, 'client.cert-and-key.pem'), 'utf8');
    make('first');
    expect(readFileSync(join(folder, 'client.cert-and-key.pem'), 'utf8')).toBe(own);
    expect(() => make('second')).toThrow('does not open');
    expect(() => make('')).toThrow('KILN_CA_PASSPHRASE is empty');
  });
});
