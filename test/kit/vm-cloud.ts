import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFailed } from 'vitest';
import { type BridgedNetwork, type Bridges, bridgesIn, openBridgedNetwork } from './bridged-network.ts';
import { freePort } from './free-port.ts';
import { runKiln } from './kiln-process.ts';
import { readTestbed } from './testbed-access.ts';
import { neutronAt } from './testbed-network.ts';
import { type MadeCertificate, openTlsWorkshop } from './tls-material.ts';
import { kilnController, type VmController } from './vm-controller.ts';

/** An OpenStack whose Nova boots virtual machines, as Kiln's user has it. */
export interface VmSite {
  endpoints: Record<'image' | 'compute' | 'network', string>;
  projectId: string;
  octaviaConf: string;
  /** Of the key pair that octavia.conf names. */
  sshPrivateKey: string;
  bridges: Bridges;
  /** Whose agent is in the image that is built for it: `octavia` (Debian's octavia-agent) or `kiln`. */
  agent: string;
  token(): Promise<string>;
}

/** The test bed with libvirt: real Keystone, Glance, Neutron and Nova. */
export function testbedSite(): VmSite {
  const bed = readTestbed();
  return {
    endpoints: bed.endpoints,
    projectId: bed.users.kiln.projectId,
    ...bed.files,
    bridges: bridgesIn(null),
    agent: vmAgent,
    token: () => bed.token('kiln'),
  };
}

/**
 * What an operator has whose amphorae are virtual machines: a controller, and an OpenStack which boots them from the image that carries
 * the tag. Clients and members are in network namespaces on the same bridges.
 */
export interface VmCloud {
  site: VmSite;
  /** Removed at the end. */
  folder: string;
  /** Ends the controller, does the work, and starts it again. */
  withoutController(work: () => Promise<void>): Promise<void>;
  environment: Record<string, string>;
  clients: BridgedNetwork;
  backends: BridgedNetwork;
  /** The image: built here, or that of KILN_VM_IMAGE. */
  image: string;
  /** For `shop.example`. */
  certificate: MadeCertificate;
  call<Body>(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<Body>;
  show(id: string): Promise<LoadBalancer>;
  /** Waits until its operation has ended, well: an operation that was undone leaves a reason. */
  settled(id: string): Promise<LoadBalancer>;
  /** Waits for a status that heartbeats bring. */
  operating(id: string, status: string): Promise<void>;
  amphorae(id: string): Promise<Amphora[]>;
  /** Uploads the image and has it carry the tag. @returns its ID */
  push(): Promise<string>;
  startMember(member: VmMember): void;
  /** Its processes; the address stays, where ICMP says that nothing listens. */
  stopMember(member: VmMember): void;
  removeAddress(member: VmMember): void;
  /** Deletes a load balancer with all that is in it, and waits. */
  gone(id: string): Promise<void>;
  /** Which TCP ports answer at an address of the management network; a port that nothing lets through counts as closed. */
  openPorts(address: string): number[];
  /** Whether its agent has its port open. */
  takesConnections(amphora: Amphora): Promise<boolean>;
  /** Runs a program in the clients' network. @returns what it said */
  asClient(program: string, ...words: string[]): string;
  /** As root, in the guest, with Nova's key. */
  inGuest(amphora: Amphora, command: string): string;
  /** A request to Nova as Kiln's user. */
  nova(method: 'GET' | 'POST', path: string, body?: object): Promise<Record<string, unknown>>;
  /** What each server says on its console and, where SSH reaches it, what runs there. */
  diagnosis(): Promise<string>;
  /** Servers whose ports in the clients' network have that MAC address. */
  portsAt(macAddress: string): Promise<string[]>;
  /** Names of what is left in the cloud of its load balancers; servers that were there before are not among them. */
  leftovers(): Promise<string[]>;
  close(): Promise<void>;
}

export interface LoadBalancer {
  id: string;
  vip_address: string;
  additional_vips: { ip_address: string }[];
  provisioning_status: string;
  operating_status: string;
  provisioning_reason?: object;
}
export interface Amphora {
  id: string;
  image_id: string;
  compute_id: string;
  status: string;
  role: string;
  lb_network_ip: string;
}
export interface VmMember {
  name: string;
  address: string;
}
/** Two members in the backends' network, which answer with their names. */
export const one: VmMember = { name: 'one', address: '198.18.81.1' };
export const two: VmMember = { name: 'two', address: '198.18.81.2' };
export const both = new Set([one.name, two.name]);
/** Where a member answers. */
export const memberPorts = { http: 8080, https: 8443, udp: 8053, sctp: 9999 } as const;

export const minutes = 60_000;
/** Whose agent is in images for the test bed. */
export const vmAgent = process.env.KILN_VM_AGENT || 'octavia';
/** Kept between runs: the packages as a tree. */
export const keptCache = process.env.KILN_VM_CACHE || '/var/tmp/kiln-vm-cache';
const python = '/usr/bin/python3';
const programs = { members: join(import.meta.dirname, 'vm-members.py'), sctp: join(import.meta.dirname, 'sctp.py') };

/**
 * @param name short: interfaces bear it. @param more environment of `kiln serve`. @param controlledBy default: `kiln serve`, to be told the
 * tag of its images.
 */
export async function openVmCloud(
  name: string,
  more: Record<string, string> = {},
  site = testbedSite(),
  controlledBy?: (tag: string) => VmController,
): Promise<VmCloud> {
  const folder = mkdtempSync(join(tmpdir(), `kiln-vm-${name}-`));
  const tag = `vm-${name}-${process.pid}`;
  const image = process.env.KILN_VM_IMAGE || join(folder, 'amphora.qcow2');
  if (!process.env.KILN_VM_IMAGE) {
    const words = ['image', 'build', '--type', 'vm', '--agent', site.agent, '--output', image, '--cache', keptCache];
    const built = await runKiln(words);
    expect(built.status, built.output).toBe(0);
  }
  const neutron = neutronAt(site.endpoints.network, await site.token());
  const clients = await openBridgedNetwork(neutron, site.bridges, `${name}c`, '198.18.80');
  const backends = await openBridgedNetwork(neutron, site.bridges, `${name}m`, '198.18.81');
  const workshop = openTlsWorkshop();
  const certificate = workshop.make('shop.example', { dnsNames: ['shop.example'] });
  const images: string[] = [];
  const members = new Map<string, ChildProcess[]>();
  const port = await freePort();
  const environment = {
    OS_KILN__STATE_PATH: join(folder, 'state'),
    OS_CONTROLLER_WORKER__AMP_IMAGE_TAG: tag,
    OS_CONTROLLER_WORKER__AMP_ACTIVE_RETRIES: '600',
    OS_HEALTH_MANAGER__HEARTBEAT_INTERVAL: '3',
    // Emulated processors are slow, and this machine may be busy: nobody is replaced for it.
    OS_HEALTH_MANAGER__HEARTBEAT_TIMEOUT: '600',
    ...more,
  };
  const controller = controlledBy?.(tag) ?? kilnController(port, site, environment);

  const ip = (...words: string[]) => spawnSync('ip', ['-n', backends.namespace, ...words]);
  const withLength = (address: string) => `${address}/${address.includes(':') ? 64 : 24}`;
  function startMember({ name, address }: VmMember): void {
    ip('address', 'replace', withLength(address), 'dev', 'eth0', 'nodad');
    const start = (...words: string[]) =>
      spawn('ip', ['netns', 'exec', backends.namespace, python, ...words], { stdio: 'ignore' });
    const { certificateFile, keyFile } = certificate;
    members.set(address, [
      start(programs.members, name, address, certificateFile, keyFile),
      start(programs.sctp, 'serve', address, `${memberPorts.sctp}`, name),
    ]);
  }
  const stopMember = ({ address }: VmMember) => {
    for (const program of members.get(address) ?? []) program.kill();
  };

  async function callController<Body>(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    body?: object,
  ): Promise<Body> {
    const answer = await fetch(`${controller.url}/${path}`, {
      method,
      headers: { ...(await controller.headers()), ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return (text === '' ? {} : JSON.parse(text)) as Body;
  }
  const show = async (id: string) =>
    (await callController<{ loadbalancer: LoadBalancer }>('GET', `lbaas/loadbalancers/${id}`)).loadbalancer;

  async function nova(method: 'GET' | 'POST', path: string, body?: object): Promise<Record<string, unknown>> {
    const answer = await fetch(`${site.endpoints.compute}/${path}`, {
      method,
      headers: { 'x-auth-token': await site.token(), 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? {} : JSON.parse(text);
  }
  const headers = async () => ({ 'x-auth-token': await site.token() });
  const namesIn = async (url: string, kind: string) => {
    const body = (await (await fetch(url, { headers: await headers() })).json()) as Record<string, { name: string }[]>;
    return (body[kind] ?? []).map(({ name }) => name);
  };

  const amphoraServers = async () =>
    (await namesIn(`${site.endpoints.compute}/servers`, 'servers')).filter((name) => name.startsWith('amphora-'));
  /** Of runs that broke off. */
  const earlier = new Set(await amphoraServers());

  const cloud: VmCloud = {
    ...{
      site,
      folder,
      environment,
      clients,
      backends,
      image,
      certificate,
      call: callController,
      show,
      nova,
      startMember,
      stopMember,
    },
    async settled(id) {
      onTestFailed(() => console.log(controller.errors()));
      await expect
        .poll(async () => (await show(id)).provisioning_status, { timeout: 25 * minutes, interval: 1000 })
        .not.toMatch(/^PENDING/);
      const now = await show(id);
      expect(now.provisioning_reason).toBeUndefined();
      expect(now.provisioning_status).toBe('ACTIVE');
      return now;
    },
    operating: (id, status) =>
      expect.poll(async () => (await show(id)).operating_status, { timeout: 5 * minutes, interval: 1000 }).toBe(status),
    amphorae: async (id) =>
      (await callController<{ amphorae: Amphora[] }>('GET', `octavia/amphorae?loadbalancer_id=${id}`)).amphorae,
    async push() {
      const id = await pushImage(site, image, tag);
      images.push(id);
      return id;
    },
    asClient: (program, ...words) =>
      execFileSync('ip', ['netns', 'exec', clients.namespace, program, ...words], { encoding: 'utf8', stdio: 'pipe' }),
    inGuest: (amphora, command) =>
      execFileSync('ssh', [...sshWords(site), `root@${amphora.lb_network_ip}`, command], {
        encoding: 'utf8',
        stdio: 'pipe',
      }),
    async withoutController(work) {
      await controller.stop();
      try {
        await work();
      } finally {
        await controller.start();
      }
    },
    async diagnosis() {
      const { servers } = (await nova('GET', 'servers')) as { servers: { id: string; name: string }[] };
      const texts = servers.map(async ({ id, name }) => {
        const { output } = await nova('POST', `servers/${id}/action`, { 'os-getConsoleOutput': { length: 25 } });
        const { interfaceAttachments: ports } = await nova('GET', `servers/${id}/os-interface`);
        const addresses = (ports as { fixed_ips: { ip_address: string }[] }[]).map(
          (port) => port.fixed_ips[0]?.ip_address,
        );
        const inside = addresses.map((address) => {
          const words = [...sshWords(site), '-o', 'ConnectTimeout=5', `root@${address}`, whatGuestsTell];
          return spawnSync('ssh', words, { encoding: 'utf8', timeout: 60_000 }).stdout;
        });
        return `${name}:\n${output}\n${inside.join('')}`;
      });
      return (await Promise.all(texts)).join('\n');
    },
    removeAddress: ({ address }) => void ip('address', 'del', withLength(address), 'dev', 'eth0'),
    takesConnections: ({ lb_network_ip: address }) => isOpen(address, 9443),
    openPorts: (address) => JSON.parse(execFileSync(python, ['-c', scanPorts, address], { encoding: 'utf8' })),
    async gone(id) {
      await callController('DELETE', `lbaas/loadbalancers/${id}?cascade=true`);
      const state = () =>
        show(id).then(
          ({ provisioning_status: status }) => status,
          (error: Error) => (/: 404 /.test(error.message) ? 'gone' : error.message),
        );
      await expect.poll(state, { timeout: 8 * minutes, interval: 1000 }).toBe('gone');
    },
    async portsAt(macAddress) {
      const url = `${site.endpoints.network}/v2.0/ports?network_id=${clients.networkId}&mac_address=${macAddress}`;
      const { ports } = (await (await fetch(url, { headers: await headers() })).json()) as {
        ports: { device_id: string }[];
      };
      return ports.map(({ device_id: id }) => id);
    },
    async leftovers() {
      const servers = await amphoraServers();
      const ports = await Promise.all(
        [clients, backends].map(({ networkId }) =>
          namesIn(`${site.endpoints.network}/v2.0/ports?network_id=${networkId}`, 'ports'),
        ),
      );
      return [...servers.filter((name) => !earlier.has(name)), ...ports.flat()];
    },
    async close() {
      await controller.stop();
      for (const address of members.keys()) stopMember({ name: '', address });
      await clients.close();
      await backends.close();
      for (const id of images)
        await fetch(`${site.endpoints.image}/v2/images/${id}`, { method: 'DELETE', headers: await headers() });
      workshop.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await controller.start();
  return cloud;
}

/** `kiln image push`: the image is in Glance, with its tag. @returns its ID */
export async function pushImage(site: Pick<VmSite, 'octaviaConf'>, image: string, tag: string): Promise<string> {
  const words = ['image', 'push', image, '--tag', tag, '--json', '--config-file', site.octaviaConf];
  const run = await runKiln(words);
  expect(run.status, run.output).toBe(0);
  return JSON.parse(run.stdout).id;
}

const whatGuestsTell =
  'uptime; date; ip netns exec amphora-haproxy ip -brief address; systemctl --failed --no-legend; journalctl -b -n 60 --no-pager';

async function isOpen(address: string, port: number): Promise<boolean> {
  const socket = connect({ host: address, port, timeout: 5000 });
  try {
    return await Promise.race([
      once(socket, 'connect').then(
        () => true,
        () => false,
      ),
      once(socket, 'timeout').then(() => false),
    ]);
  } finally {
    socket.destroy();
  }
}

/** All of the first 1024 ports, and those of services that an amphora might have. An emulated guest is given time. */
const scanPorts = `
import asyncio, json, sys
gate = asyncio.Semaphore(100)
async def is_open(port):
    async with gate:
        try:
            _reader, writer = await asyncio.wait_for(asyncio.open_connection(sys.argv[1], port), 5)
            writer.close()
            return port
        except OSError:
            return None
        except asyncio.TimeoutError:
            return None
async def main():
    found = await asyncio.gather(*map(is_open, [*range(1, 1025), 3306, 5353, 5432, 5555, 8000, 8080, 8443, 9090, 9443, 9999]))
    print(json.dumps([port for port in found if port]))
asyncio.run(main())
`;

/** Options of ssh with the site's key, for hosts that are made anew each time. */
export function sshWords(site: VmSite): string[] {
  const options = [
    'BatchMode=yes',
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'LogLevel=ERROR',
    'ConnectTimeout=60',
    // One that is reset says nothing any more.
    'ServerAliveInterval=10',
    'ServerAliveCountMax=6',
  ];
  return ['-i', site.sshPrivateKey, ...options.flatMap((option) => ['-o', option])];
}

/** Who answered, of so many requests, each on a connection of its own. */
export function whoAnswers(cloud: VmCloud, url: string, options: readonly string[] = [], count = 4): Set<string> {
  const words = ['-sS', '--max-time', '30', ...options, url];
  return new Set(Array.from({ length: count }, () => cloud.asClient('curl', ...words)));
}

const askOverUdp = `
import socket, sys
with socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM) as udp:
    udp.settimeout(10); udp.sendto(b'?', (sys.argv[1], int(sys.argv[2])))
    try: print(udp.recv(2000).decode(), end='')
    except TimeoutError: pass
`;
/** As `whoAnswers`, for datagrams, each from a port of its own. '' among the names: one was lost. */
export function whoAnswersUdp(cloud: VmCloud, address: string, port: number, count = 4): Set<string> {
  return new Set(sendUdp(cloud, address, port, count));
}
/** Who answered each datagram; '' where one was lost. */
export function sendUdp(cloud: VmCloud, address: string, port: number, count: number): string[] {
  return Array.from({ length: count }, () => cloud.asClient(python, '-c', askOverUdp, address, `${port}`));
}
/** As `whoAnswers`, for SCTP, each an association of its own. */
export function whoAnswersSctp(cloud: VmCloud, address: string, port: number, count = 4): Set<string> {
  return new Set(Array.from({ length: count }, () => cloud.asClient(python, programs.sctp, 'ask', address, `${port}`)));
}
