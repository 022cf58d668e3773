import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { runKiln } from './kiln-process.ts';
import {
  type Amphora,
  both,
  type LoadBalancer,
  memberPorts,
  minutes,
  one,
  two,
  type VmCloud,
  whoAnswers,
  whoAnswersSctp,
  whoAnswersUdp,
} from './vm-cloud.ts';

/** Each health monitor that there is, at a listener that carries what it watches. */
const services = [
  { name: 'web', protocol: 'HTTP', port: 80, member: memberPorts.http, pool: 'HTTP', monitor: 'HTTP' },
  { name: 'secure', protocol: 'HTTPS', port: 8443, member: memberPorts.https, pool: 'HTTPS', monitor: 'HTTPS' },
  { name: 'hello', protocol: 'HTTPS', port: 8444, member: memberPorts.https, pool: 'HTTPS', monitor: 'TLS-HELLO' },
  { name: 'plain', protocol: 'TCP', port: 8080, member: memberPorts.http, pool: 'TCP', monitor: 'TCP' },
  { name: 'ping', protocol: 'TCP', port: 8081, member: memberPorts.http, pool: 'TCP', monitor: 'PING' },
  { name: 'datagrams', protocol: 'UDP', port: 5353, member: memberPorts.udp, pool: 'UDP', monitor: 'UDP-CONNECT' },
  { name: 'messages', protocol: 'SCTP', port: 3868, member: memberPorts.sctp, pool: 'SCTP', monitor: 'SCTP' },
] as const;

/** Of the load balancer's listeners. */
export const portOf = Object.fromEntries(services.map(({ name, port }) => [name, port])) as Record<ServiceName, number>;
type ServiceName = (typeof services)[number]['name'];

/** What a load balancer is to have. */
export interface VmLoadBalancerOptions {
  name: string;
  /** Names of listeners; default: all. */
  only?: readonly ServiceName[];
  /** Whether health monitors look at members; default: true. */
  isMonitored?: boolean;
  /** Whether it has a listener where TLS ends, for `shop.example`; default: false. */
  hasShop?: boolean;
  flavorId?: string;
}

/** A load balancer with some of `services`, and addresses of IPv4 and IPv6. */
export interface VmLoadBalancer {
  id: string;
  address: string;
  address6: string;
  /** From its request to ACTIVE. */
  activeAfterSeconds: number;
  amphorae(): Promise<Amphora[]>;
  /** Who answers, by each way to it. */
  web(count?: number): Set<string>;
  web6(): Set<string>;
  secure(): Set<string>;
  udp(): Set<string>;
  sctp(): Set<string>;
  /** With the version of HTTP; where it has that listener. */
  shop(): Set<string>;
  /** Adds the listener where TLS ends. */
  addShop(): Promise<void>;
  /** Requests a failover, and waits. @returns the seconds it took */
  failOver(): Promise<number>;
  /** Waits until each pool says so of member two, by its monitor. */
  twoIs(expected: Record<string, string>): Promise<void>;
  /** How many connections it has counted. */
  connections(): Promise<number>;
  /** Whose network card the clients find at its address. */
  holder(): Promise<Amphora>;
}

/** Creates it, and waits until it is ACTIVE. Members are `one` and `two`, in another network. */
export async function createVmLoadBalancer(cloud: VmCloud, options: VmLoadBalancerOptions): Promise<VmLoadBalancer> {
  const { name, only, isMonitored = true, hasShop = false, flavorId } = options;
  const wanted = services.filter((service) => only?.includes(service.name) ?? true);
  const shop = hasShop ? [await describeShop(cloud)] : [];
  const started = Date.now();
  const { loadbalancer } = await cloud.call<{ loadbalancer: LoadBalancer }>('POST', 'lbaas/loadbalancers', {
    loadbalancer: {
      name,
      ...(flavorId === undefined ? {} : { flavor_id: flavorId }),
      vip_subnet_id: cloud.clients.subnetId,
      additional_vips: [{ subnet_id: cloud.clients.subnet6Id }],
      listeners: [
        ...wanted.map(({ name, protocol, port, member, pool, monitor }) => ({
          ...{ name, protocol, protocol_port: port },
          default_pool: {
            ...{ name, protocol: pool, lb_algorithm: 'ROUND_ROBIN', members: membersAt(cloud, member) },
            ...(isMonitored ? { healthmonitor: healthMonitor(monitor) } : {}),
          },
        })),
        ...shop,
      ],
    },
  });
  const { id, vip_address: address, additional_vips: others } = await cloud.settled(loadbalancer.id);
  const activeAfterSeconds = seconds(started);
  const address6 = others[0]?.ip_address ?? '';

  /** What each pool says of member two, by the pool's monitor. */
  async function seenOfTwo(): Promise<Record<string, string>> {
    type Named = { id: string; name: string };
    const { pools } = await cloud.call<{ pools: Named[] }>('GET', `lbaas/pools?loadbalancer_id=${id}`);
    const seen = pools
      .filter(({ name }) => name !== 'shop')
      .map(async (pool) => {
        const { members } = await cloud.call<{ members: { address: string; operating_status: string }[] }>(
          'GET',
          `lbaas/pools/${pool.id}/members`,
        );
        const status = members.find((member) => member.address === two.address)?.operating_status ?? 'none';
        return [services.find((service) => service.name === pool.name)?.monitor ?? pool.name, status];
      });
    return Object.fromEntries(await Promise.all(seen));
  }

  return {
    ...{ id, address, address6, activeAfterSeconds },
    amphorae: () => cloud.amphorae(id),
    web: (count = 4) => whoAnswers(cloud, `http://${address}/`, [], count),
    web6: () => whoAnswers(cloud, `http://[${address6}]/`, ['--globoff']),
    secure: () => whoAnswers(cloud, `https://${address}:${portOf.secure}/`, ['--insecure']),
    udp: () => whoAnswersUdp(cloud, address, portOf.datagrams),
    sctp: () => whoAnswersSctp(cloud, address, portOf.messages),
    shop: () => {
      const words = ['--cacert', cloud.certificate.certificateFile, '--resolve', `shop.example:443:${address}`];
      return whoAnswers(cloud, 'https://shop.example/', [...words, '-w', ' over HTTP/%{http_version}']);
    },
    addShop: () => addShop(cloud, id),
    async failOver() {
      const begun = Date.now();
      await cloud.call('PUT', `lbaas/loadbalancers/${id}/failover`);
      await cloud.settled(id);
      return seconds(begun);
    },
    twoIs: (expected) => expect.poll(seenOfTwo, { timeout: 5 * minutes, interval: 1000 }).toEqual(expected),
    connections: () => connectionsOf(cloud, id),
    holder: () => holderOf(cloud, id, address),
  };
}

/** How many connections a load balancer has counted. */
export async function connectionsOf(cloud: VmCloud, id: string): Promise<number> {
  type Answer = { stats: { total_connections: number } };
  return (await cloud.call<Answer>('GET', `lbaas/loadbalancers/${id}/stats`)).stats.total_connections;
}

/** Waits until these members answer that way, and nothing is lost: whoever holds the address has to be up, and to have seen them. */
export const reaches = (way: () => Set<string>, members: Iterable<string> = both) =>
  expect.poll(() => [...way()].sort(), { timeout: 1 * minutes, interval: 200 }).toEqual([...members].sort());

/** What `twoIs` expects where all monitors agree, but for `others`. */
export function monitors(status: string, others: Record<string, string> = {}): Record<string, string> {
  return { ...Object.fromEntries(services.map(({ monitor }) => [monitor, status])), ...others };
}
export const overHttp2 = new Set(['one over HTTP/2', 'two over HTTP/2']);

const healthMonitor = (type: (typeof services)[number]['monitor']) => ({
  // Those of which each check is a process are what an emulated guest is busy with.
  ...{ type, delay: /PING|UDP|SCTP/.test(type) ? 8 : 4, timeout: 4 },
  ...{ max_retries: 1, max_retries_down: 2 },
  ...(/^HTTPS?$/.test(type) ? { url_path: '/' } : {}),
});

/** A flavor of load balancers that are pairs. @returns its ID */
export async function createPairFlavor(cloud: VmCloud): Promise<string> {
  type Made = Record<'flavorprofile' | 'flavor', { id: string }>;
  const flavor_data = JSON.stringify({ loadbalancer_topology: 'ACTIVE_STANDBY' });
  const profile = { name: 'pair', provider_name: 'octavia', flavor_data };
  const { flavorprofile } = await cloud.call<Made>('POST', 'lbaas/flavorprofiles', { flavorprofile: profile });
  const body = { flavor: { name: 'pair', flavor_profile_id: flavorprofile.id, enabled: true } };
  return (await cloud.call<Made>('POST', 'lbaas/flavors', body)).flavor.id;
}

const seconds = (since: number) => Math.round((Date.now() - since) / 1000);
/** Both members, as a pool has them. @param port where they answer. */
export const membersAt = (cloud: VmCloud, port: number) =>
  [one, two].map(({ address }) => ({ address, subnet_id: cloud.backends.subnetId, protocol_port: port }));

/** @returns the reference of its certificate. */
async function storeCertificate(cloud: VmCloud): Promise<string> {
  const bundle = join(cloud.folder, 'bundle.pem');
  writeFileSync(bundle, cloud.certificate.certificate + cloud.certificate.key, { mode: 0o600 });
  const words = ['--project', cloud.site.projectId, '--config-file', cloud.site.octaviaConf];
  const stored = await runKiln(['--quiet', 'secret', 'store', bundle, ...words], cloud.environment);
  expect(stored.status, stored.output).toBe(0);
  return stored.stdout.trim();
}

/** The listener where TLS ends, as part of a load balancer to be created. */
async function describeShop(cloud: VmCloud) {
  return {
    ...{ name: 'shop', protocol: 'TERMINATED_HTTPS', protocol_port: 443 },
    default_tls_container_ref: await storeCertificate(cloud),
    default_pool: {
      ...{ name: 'shop', protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN' },
      members: membersAt(cloud, memberPorts.http),
    },
  };
}

async function addShop(cloud: VmCloud, id: string): Promise<void> {
  const reference = await storeCertificate(cloud);
  const { pool } = await cloud.call<{ pool: { id: string } }>('POST', 'lbaas/pools', {
    pool: { loadbalancer_id: id, name: 'shop', protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN' },
  });
  await cloud.settled(id);
  await cloud.call('PUT', `lbaas/pools/${pool.id}/members`, { members: membersAt(cloud, memberPorts.http) });
  await cloud.settled(id);
  await cloud.call('POST', 'lbaas/listeners', {
    listener: {
      ...{ loadbalancer_id: id, name: 'shop', protocol: 'TERMINATED_HTTPS', protocol_port: 443 },
      default_tls_container_ref: reference,
      default_pool_id: pool.id,
    },
  });
  await cloud.settled(id);
}

/** What became of requests to a load balancer. */
export interface LoadOutcome {
  requests: number;
  lost: number;
  longestGapSeconds: number;
}

/** Requests to a URL, so many a second, each on a connection of its own, while `work` is done. */
export async function underLoad(
  cloud: VmCloud,
  url: string,
  eachSecond: number,
  work: () => Promise<unknown>,
): Promise<LoadOutcome> {
  const words = [
    'netns',
    'exec',
    cloud.clients.namespace,
    '/usr/bin/python3',
    join(import.meta.dirname, 'request-load.py'),
  ];
  const load = spawn('ip', [...words, url, `${eachSecond}`], { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  load.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  try {
    await expect.poll(() => said, { timeout: 30_000 }).toContain('started');
    await work();
  } finally {
    load.stdin.end();
    await once(load, 'close');
  }
  return JSON.parse(said.split('\n')[1] ?? '{}');
}

/** Whose network card the clients find at an address of a load balancer. */
async function holderOf(cloud: VmCloud, loadBalancerId: string, address: string): Promise<Amphora> {
  cloud.asClient('curl', '-sS', '--max-time', '30', `http://${address}/`);
  const mac = /lladdr (\S+)/.exec(cloud.asClient('ip', 'neighbour', 'show', address))?.[1] ?? 'none';
  const ports = await cloud.portsAt(mac);
  const holder = (await cloud.amphorae(loadBalancerId)).find(({ compute_id: serverId }) => ports.includes(serverId));
  return holder ?? expect.unreachable(`no amphora has ${mac}, which is at the VIP`);
}

/** The QEMU of a server, by the ID in its command line. */
export function qemuOf({ compute_id: serverId }: Amphora): number {
  const pid = readdirSync('/proc').find((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
      return words[0]?.includes('qemu-system') && words.some((word) => word.includes(serverId));
    } catch {
      return false;
    }
  });
  return pid === undefined ? expect.unreachable(`no QEMU runs server ${serverId}`) : Number(pid);
}
