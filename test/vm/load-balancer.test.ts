import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFailed } from 'vitest';
import { type BridgedNetwork, openBridgedNetwork } from '../kit/bridged-network.ts';
import { freePort } from '../kit/free-port.ts';
import { type KilnProcess, runKiln, startKiln } from '../kit/kiln-process.ts';
import { readTestbed, type TestbedAccess } from '../kit/testbed-access.ts';
import { openTlsWorkshop } from '../kit/tls-material.ts';

/**
 * A load balancer as an operator has it: `kiln serve`, real Keystone, Glance, Neutron and Nova, and virtual machines that Nova boots
 * by libvirt and QEMU from the image that carries the tag. Clients and members are in network namespaces on the same bridges.
 */
const minutes = 60_000;
const keptCache = process.env.KILN_VM_CACHE || '/var/tmp/kiln-vm-cache';
const tag = `vm-lb-${process.pid}`;

let folder: string;
let bed: TestbedAccess;
let kiln: KilnProcess;
let environment: Record<string, string>;
let api: string;
let clients: BridgedNetwork;
let backends: BridgedNetwork;
/** The file: built here, or that of KILN_VM_IMAGE. */
let image: string;
let firstImage: string;
const programs: ChildProcess[] = [];
const images: string[] = [];

/** A server that answers with its name, on HTTP and on UDP at the next port. */
const backendProgram = `
import http.server, socket, sys, threading
name, port = sys.argv[1].encode(), int(sys.argv[2])
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header('Content-Length', str(len(name))); self.end_headers(); self.wfile.write(name)
    def log_message(self, *words): pass
def datagrams():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(('0.0.0.0', port + 1))
        while True:
            udp.sendto(name, udp.recvfrom(2000)[1])
threading.Thread(target=datagrams, daemon=True).start()
http.server.ThreadingHTTPServer(('0.0.0.0', port), Answer).serve_forever()
`;
const askOverUdp = `
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
    udp.settimeout(5); udp.sendto(b'?', (sys.argv[1], int(sys.argv[2]))); print(udp.recv(2000).decode(), end='')
`;

function startBackend(name: string, port: number): ChildProcess {
  const words = ['netns', 'exec', backends.namespace, '/usr/bin/python3', '-c', backendProgram, name, `${port}`];
  const child = spawn('ip', words, { stdio: 'ignore' });
  programs.push(child);
  return child;
}
const asClient = (program: string, ...words: string[]) =>
  execFileSync('ip', ['netns', 'exec', clients.namespace, program, ...words], { encoding: 'utf8', stdio: 'pipe' });
/** Who answered, of so many requests, each on a connection of its own. */
const answersOf = (url: string, count = 4) =>
  new Set(Array.from({ length: count }, () => asClient('curl', '-sS', '--max-time', '20', url)));

async function call<Body>(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<Body> {
  const answer = await fetch(`${api}/v2/${path}`, {
    method,
    headers: { 'x-project-id': bed.users.kiln.projectId, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return (text === '' ? {} : JSON.parse(text)) as Body;
}
interface LoadBalancer {
  id: string;
  vip_address: string;
  provisioning_status: string;
  operating_status: string;
  provisioning_reason?: object;
}
const show = async (id: string) =>
  (await call<{ loadbalancer: LoadBalancer }>('GET', `lbaas/loadbalancers/${id}`)).loadbalancer;
/** Waits until its operation has ended, well: an operation that was undone leaves a reason. */
async function settled(id: string): Promise<LoadBalancer> {
  onTestFailed(() =>
    console.log(
      kiln.lines
        .filter((line) => /"level":[45]0/.test(line))
        .slice(-20)
        .join('\n'),
    ),
  );
  await expect
    .poll(async () => (await show(id)).provisioning_status, { timeout: 25 * minutes, interval: 1000 })
    .not.toMatch(/^PENDING/);
  const now = await show(id);
  expect(now.provisioning_status).toBe('ACTIVE');
  expect(now.provisioning_reason).toBeUndefined();
  return now;
}
const operatingStatus = (id: string, status: string) =>
  expect.poll(async () => (await show(id)).operating_status, { timeout: 5 * minutes, interval: 1000 }).toBe(status);
const amphoraOf = async (id: string) => {
  const { amphorae } = await call<{ amphorae: { image_id: string; compute_id: string; status: string }[] }>(
    'GET',
    `octavia/amphorae?loadbalancer_id=${id}`,
  );
  expect(amphorae).toHaveLength(1);
  return amphorae[0] as (typeof amphorae)[number];
};
async function push(file: string): Promise<string> {
  const run = await runKiln(['image', 'push', file, '--tag', tag, '--json', '--config-file', bed.files.octaviaConf]);
  expect(run.status, run.output).toBe(0);
  const { id } = JSON.parse(run.stdout);
  images.push(id);
  return id;
}

beforeAll(async () => {
  bed = readTestbed();
  folder = mkdtempSync(join(tmpdir(), 'kiln-vm-lb-'));
  image = process.env.KILN_VM_IMAGE || join(folder, 'amphora.qcow2');
  if (!process.env.KILN_VM_IMAGE) {
    const built = await runKiln(['image', 'build', '--type', 'vm', '--output', image, '--cache', keptCache]);
    expect(built.status, built.output).toBe(0);
  }
  clients = await openBridgedNetwork(bed, 'vmclients', '198.18.80');
  backends = await openBridgedNetwork(bed, 'vmmembers', '198.18.81');
  startBackend('one', 8001);
  startBackend('two', 8003);
  firstImage = await push(image);
  const port = await freePort();
  api = `http://127.0.0.1:${port}`;
  environment = {
    OS_KILN__STATE_PATH: join(folder, 'state'),
    OS_API_SETTINGS__AUTH_STRATEGY: 'noauth',
    OS_API_SETTINGS__BIND_PORT: `${port}`,
    OS_CONTROLLER_WORKER__AMP_IMAGE_TAG: tag,
    OS_CONTROLLER_WORKER__AMP_ACTIVE_RETRIES: '600',
    OS_HEALTH_MANAGER__HEARTBEAT_INTERVAL: '3',
    // Emulated processors are slow, and this machine may be busy: nobody is replaced for it.
    OS_HEALTH_MANAGER__HEARTBEAT_TIMEOUT: '600',
    OS_HAPROXY_AMPHORA__REST_REQUEST_READ_TIMEOUT: '240',
  };
  kiln = startKiln(['serve', '--config-file', bed.files.octaviaConf], environment);
  await kiln.line(/"msg":"serving"/);
}, 40 * minutes);

afterAll(async () => {
  await kiln?.stop();
  for (const program of programs) program.kill();
  await clients?.close();
  await backends?.close();
  const headers = { 'x-auth-token': await bed.token('kiln') };
  for (const id of images) await fetch(`${bed.endpoints.image}/v2/images/${id}`, { method: 'DELETE', headers });
  if (folder) rmSync(folder, { recursive: true, force: true });
}, 5 * minutes);

let lb: LoadBalancer;
const member = (port: number) => ({ address: backends.address, subnet_id: backends.subnetId, protocol_port: port });

it('boots the tagged image and carries HTTP to members in another network', { timeout: 40 * minutes }, async () => {
  const started = Date.now();
  const { loadbalancer } = await call<{ loadbalancer: LoadBalancer }>('POST', 'lbaas/loadbalancers', {
    loadbalancer: {
      name: 'vm',
      vip_subnet_id: clients.subnetId,
      listeners: [
        {
          name: 'web',
          protocol: 'HTTP',
          protocol_port: 80,
          default_pool: {
            name: 'web',
            protocol: 'HTTP',
            lb_algorithm: 'ROUND_ROBIN',
            healthmonitor: { type: 'HTTP', delay: 3, timeout: 2, max_retries: 1, max_retries_down: 1, url_path: '/' },
            members: [member(8001), member(8003)],
          },
        },
      ],
    },
  });
  lb = await settled(loadbalancer.id);
  console.log(`ACTIVE after ${Math.round((Date.now() - started) / 1000)} s`);
  expect((await amphoraOf(lb.id)).image_id).toBe(firstImage);
  expect(answersOf(`http://${lb.vip_address}/`)).toEqual(new Set(['one', 'two']));
});

it('is ONLINE by its heartbeats, and counts its traffic', { timeout: 10 * minutes }, async () => {
  await operatingStatus(lb.id, 'ONLINE');
  const stats = async () =>
    (await call<{ stats: { total_connections: number } }>('GET', `lbaas/loadbalancers/${lb.id}/stats`)).stats;
  await expect
    .poll(async () => (await stats()).total_connections, { timeout: 2 * minutes, interval: 1000 })
    .toBeGreaterThanOrEqual(4);
});

/** A pool of the load balancer, with the two members. */
async function makePool(protocol: string, ports: readonly number[]): Promise<string> {
  const { pool } = await call<{ pool: { id: string } }>('POST', 'lbaas/pools', {
    pool: { loadbalancer_id: lb.id, protocol, lb_algorithm: 'ROUND_ROBIN', members: ports.map(member) },
  });
  await settled(lb.id);
  return pool.id;
}
async function makeListener(fields: object): Promise<void> {
  await call('POST', 'lbaas/listeners', { listener: { loadbalancer_id: lb.id, ...fields } });
  await settled(lb.id);
}

it('carries TLS that ends at it, with HTTP/2', { timeout: 20 * minutes }, async () => {
  const workshop = openTlsWorkshop();
  try {
    const own = workshop.make('shop.example', { dnsNames: ['shop.example'] });
    const bundle = join(folder, 'bundle.pem');
    writeFileSync(bundle, own.certificate + own.key, { mode: 0o600 });
    const { projectId } = bed.users.kiln;
    const command = [
      '--quiet',
      'secret',
      'store',
      bundle,
      '--project',
      projectId,
      '--config-file',
      bed.files.octaviaConf,
    ];
    const stored = await runKiln(command, environment);
    expect(stored.status, stored.output).toBe(0);
    const poolId = await makePool('HTTP', [8001, 8003]);
    await makeListener({
      protocol: 'TERMINATED_HTTPS',
      protocol_port: 443,
      default_tls_container_ref: stored.stdout.trim(),
      default_pool_id: poolId,
    });
    const words = [
      '-sS',
      '--max-time',
      '60',
      '--cacert',
      own.certificateFile,
      '--resolve',
      `shop.example:443:${lb.vip_address}`,
    ];
    const said = asClient('curl', ...words, '-w', ' over HTTP/%{http_version}', 'https://shop.example/');
    expect(said).toMatch(/^(one|two) over HTTP\/2$/);
  } finally {
    workshop.close();
  }
});

it('carries UDP', { timeout: 20 * minutes }, async () => {
  const poolId = await makePool('UDP', [8002, 8004]);
  await makeListener({ protocol: 'UDP', protocol_port: 5353, default_pool_id: poolId });
  const ask = () => asClient('/usr/bin/python3', '-c', askOverUdp, lb.vip_address, '5353');
  expect(new Set([ask(), ask(), ask(), ask()])).toEqual(new Set(['one', 'two']));
  // What was there goes on.
  expect(answersOf(`http://${lb.vip_address}/`)).toEqual(new Set(['one', 'two']));
});

it('sees a member fail and come back', { timeout: 15 * minutes }, async () => {
  programs[1]?.kill();
  await operatingStatus(lb.id, 'DEGRADED');
  expect(answersOf(`http://${lb.vip_address}/`)).toEqual(new Set(['one']));
  startBackend('two', 8003);
  await operatingStatus(lb.id, 'ONLINE');
  expect(answersOf(`http://${lb.vip_address}/`)).toEqual(new Set(['one', 'two']));
});

it('boots the new image after the tag has moved, by a failover', { timeout: 40 * minutes }, async () => {
  const secondImage = await push(image);
  const before = await amphoraOf(lb.id);
  await call('PUT', `lbaas/loadbalancers/${lb.id}/failover`);
  await settled(lb.id);
  const after = await amphoraOf(lb.id);
  expect(after.image_id).toBe(secondImage);
  expect(after.compute_id).not.toBe(before.compute_id);
  expect(answersOf(`http://${lb.vip_address}/`)).toEqual(new Set(['one', 'two']));
});

it('is deleted, with everything that was made for it', { timeout: 10 * minutes }, async () => {
  await call('DELETE', `lbaas/loadbalancers/${lb.id}?cascade=true`);
  await expect
    .poll(
      () =>
        show(lb.id).then(
          () => 'there',
          (error: Error) => (/: 404 /.test(error.message) ? 'gone' : error.message),
        ),
      {
        timeout: 8 * minutes,
        interval: 1000,
      },
    )
    .toBe('gone');
  const headers = { 'x-auth-token': await bed.token('kiln') };
  const left = async (url: string) =>
    (await (await fetch(url, { headers })).json()) as Record<string, { name: string }[]>;
  const { servers = [] } = await left(`${bed.endpoints.compute}/servers`);
  expect(servers.map(({ name }) => name).filter((name) => name.startsWith('amphora-'))).toEqual([]);
  for (const { networkId } of [clients, backends]) {
    const { ports = [] } = await left(`${bed.endpoints.network}/v2.0/ports?network_id=${networkId}`);
    expect(ports).toEqual([]);
  }
});
