import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { runKiln } from '../kit/kiln-process.ts';
import {
  both,
  type LoadBalancer,
  memberPorts,
  minutes,
  one,
  openVmCloud,
  sendUdp,
  two,
  type VmCloud,
  whoAnswers,
  whoAnswersSctp,
  whoAnswersUdp,
} from '../kit/vm-cloud.ts';

/** A whole load balancer on one virtual machine: each protocol, each health monitor, a reboot, a failover to another image. */

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
const named = (name: (typeof services)[number]['name']) =>
  services.find((one) => one.name === name) as (typeof services)[number];

let cloud: VmCloud;
let firstImage: string;
let lb: LoadBalancer;

beforeAll(async () => {
  cloud = await openVmCloud('lb');
  cloud.startMember(one);
  cloud.startMember(two);
  firstImage = await cloud.push();
}, 40 * minutes);
afterAll(() => cloud?.close(), 5 * minutes);

const membersAt = (port: number) =>
  [one, two].map(({ address }) => ({ address, subnet_id: cloud.backends.subnetId, protocol_port: port }));
const only = async () => {
  const found = await cloud.amphorae(lb.id);
  expect(found).toHaveLength(1);
  return found[0] as (typeof found)[number];
};
const vip6 = () => lb.additional_vips[0]?.ip_address ?? '';
const web = (count = 4) => whoAnswers(cloud, `http://${lb.vip_address}/`, [], count);

it('boots the tagged image, and is ACTIVE with all of its listeners', { timeout: 40 * minutes }, async () => {
  const started = Date.now();
  const { loadbalancer } = await cloud.call<{ loadbalancer: LoadBalancer }>('POST', 'lbaas/loadbalancers', {
    loadbalancer: {
      name: 'vm',
      vip_subnet_id: cloud.clients.subnetId,
      additional_vips: [{ subnet_id: cloud.clients.subnet6Id }],
      listeners: services.map(({ name, protocol, port, member, pool, monitor }) => ({
        ...{ name, protocol, protocol_port: port },
        default_pool: {
          ...{ name, protocol: pool, lb_algorithm: 'ROUND_ROBIN', members: membersAt(member) },
          healthmonitor: {
            // Those of which each check is a process are what an emulated guest is busy with.
            ...{ type: monitor, delay: /PING|UDP|SCTP/.test(monitor) ? 10 : 5, timeout: 4 },
            ...{ max_retries: 1, max_retries_down: 2 },
            ...(/^HTTPS?$/.test(monitor) ? { url_path: '/' } : {}),
          },
        },
      })),
    },
  });
  lb = await cloud.settled(loadbalancer.id);
  console.log(`ACTIVE after ${Math.round((Date.now() - started) / 1000)} s`);
  expect((await only()).image_id).toBe(firstImage);
});

describe('carries', () => {
  const limit = { timeout: 5 * minutes };

  it('HTTP to members in another network', limit, () => expect(web()).toEqual(both));
  it('HTTP to its IPv6 address', limit, () =>
    expect(whoAnswers(cloud, `http://[${vip6()}]/`, ['--globoff'])).toEqual(both),
  );
  it('TLS that ends at the members', limit, () =>
    expect(whoAnswers(cloud, `https://${lb.vip_address}:${named('secure').port}/`, ['--insecure'])).toEqual(both),
  );
  it('UDP, through IP_VS', limit, () =>
    expect(whoAnswersUdp(cloud, lb.vip_address, named('datagrams').port)).toEqual(both),
  );
  it('SCTP, through IP_VS', limit, () =>
    expect(whoAnswersSctp(cloud, lb.vip_address, named('messages').port)).toEqual(both),
  );
});

it('is ONLINE by its heartbeats, and counts its traffic', { timeout: 10 * minutes }, async () => {
  await cloud.operating(lb.id, 'ONLINE');
  const stats = async () =>
    (await cloud.call<{ stats: { total_connections: number } }>('GET', `lbaas/loadbalancers/${lb.id}/stats`)).stats;
  await expect
    .poll(async () => (await stats()).total_connections, { timeout: 2 * minutes, interval: 1000 })
    .toBeGreaterThanOrEqual(8);
});

/** What each pool says of member two, by the pool's monitor. */
async function seenOfTwo(): Promise<Record<string, string>> {
  const { pools } = await cloud.call<{ pools: { id: string; name: string }[] }>(
    'GET',
    `lbaas/pools?loadbalancer_id=${lb.id}`,
  );
  const seen = pools
    .filter(({ name }) => name !== 'shop')
    .map(async ({ id, name }) => {
      const { members } = await cloud.call<{ members: { address: string; operating_status: string }[] }>(
        'GET',
        `lbaas/pools/${id}/members`,
      );
      const status = members.find(({ address }) => address === two.address)?.operating_status ?? 'none';
      return [services.find((service) => service.name === name)?.monitor ?? name, status];
    });
  return Object.fromEntries(await Promise.all(seen));
}
const monitors = (status: string, others: Record<string, string> = {}) => ({
  ...Object.fromEntries(services.map(({ monitor }) => [monitor, status])),
  ...others,
});
const twoIs = (expected: Record<string, string>) =>
  expect.poll(seenOfTwo, { timeout: 5 * minutes, interval: 2000 }).toEqual(expected);

it('sees a member fail and come back, by each health monitor', { timeout: 20 * minutes }, async () => {
  await twoIs(monitors('ONLINE'));
  cloud.stopMember(two);
  await twoIs(monitors('ERROR', { PING: 'ONLINE' }));
  await cloud.operating(lb.id, 'DEGRADED');
  expect(web()).toEqual(new Set(['one']));
  expect(whoAnswersUdp(cloud, lb.vip_address, named('datagrams').port)).toEqual(new Set(['one']));
  expect(whoAnswersSctp(cloud, lb.vip_address, named('messages').port)).toEqual(new Set(['one']));
  cloud.removeAddress(two);
  // A datagram that nobody refuses counts as taken: the agent's check can't tell a host that is gone.
  await twoIs(monitors('ERROR', { 'UDP-CONNECT': 'ONLINE' }));
  cloud.startMember(two);
  await twoIs(monitors('ONLINE'));
  await cloud.operating(lb.id, 'ONLINE');
  expect(web()).toEqual(both);
  expect(whoAnswersUdp(cloud, lb.vip_address, named('datagrams').port)).toEqual(both);
});

it('serves again by itself after a reboot of the guest', { timeout: 20 * minutes }, async () => {
  const amphora = await only();
  const bootId = () => cloud.inGuest(amphora, 'cat /proc/sys/kernel/random/boot_id');
  const before = bootId();
  const started = Date.now();
  await cloud.nova('POST', `servers/${amphora.compute_id}/action`, { reboot: { type: 'HARD' } });
  const after = () => {
    try {
      return bootId();
    } catch {
      return before;
    }
  };
  await expect.poll(after, { timeout: 10 * minutes, interval: 2000 }).not.toBe(before);
  await expect
    .poll(
      () => {
        try {
          return web(2).size;
        } catch {
          return 0;
        }
      },
      { timeout: 5 * minutes, interval: 2000 },
    )
    .toBe(2);
  console.log(`served again ${Math.round((Date.now() - started) / 1000)} s after the reboot was asked for`);
  expect(whoAnswers(cloud, `http://[${vip6()}]/`, ['--globoff'])).toEqual(both);
  expect(whoAnswersUdp(cloud, lb.vip_address, named('datagrams').port)).toEqual(both);
  expect(whoAnswersSctp(cloud, lb.vip_address, named('messages').port)).toEqual(both);
  // What is to be changed at an amphora whose agent is not up yet is undone, and not waited for.
  await expect.poll(() => cloud.takesConnections(amphora), { timeout: 5 * minutes, interval: 2000 }).toBe(true);
  expect((await only()).id).toBe(amphora.id);
});

const shop = () => {
  const words = ['--cacert', cloud.certificate.certificateFile, '--resolve', `shop.example:443:${lb.vip_address}`];
  return whoAnswers(cloud, 'https://shop.example/', [...words, '-w', ' over HTTP/%{http_version}']);
};
const overHttp2 = new Set(['one over HTTP/2', 'two over HTTP/2']);

it('carries TLS that ends at it, with HTTP/2', { timeout: 20 * minutes }, async () => {
  const bundle = join(cloud.folder, 'bundle.pem');
  writeFileSync(bundle, cloud.certificate.certificate + cloud.certificate.key, { mode: 0o600 });
  const stored = await runKiln(
    [
      ...['--quiet', 'secret', 'store', bundle, '--project', cloud.site.projectId],
      ...['--config-file', cloud.site.octaviaConf],
    ],
    cloud.environment,
  );
  expect(stored.status, stored.output).toBe(0);
  const { pool } = await cloud.call<{ pool: { id: string } }>('POST', 'lbaas/pools', {
    pool: { loadbalancer_id: lb.id, name: 'shop', protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN' },
  });
  await cloud.settled(lb.id);
  await cloud.call('PUT', `lbaas/pools/${pool.id}/members`, {
    members: membersAt(memberPorts.http),
  });
  await cloud.settled(lb.id);
  await cloud.call('POST', 'lbaas/listeners', {
    listener: {
      ...{ loadbalancer_id: lb.id, name: 'shop', protocol: 'TERMINATED_HTTPS', protocol_port: 443 },
      default_tls_container_ref: stored.stdout.trim(),
      default_pool_id: pool.id,
    },
  });
  await cloud.settled(lb.id);
  expect(shop()).toEqual(overHttp2);
});

describe('inside the guest', () => {
  const limit = { timeout: 5 * minutes };
  const inGuest = async (command: string) =>
    cloud
      .inGuest(await only(), command)
      .trim()
      .split('\n');

  it('nothing is open to the management network but agent and SSH', limit, async () => {
    const { lb_network_ip: address } = await only();
    const scan = cloud.openPorts(address);
    expect(scan).toEqual([22, 9443]);
  });

  it('nothing has a password, and SSH wants a key', limit, async () => {
    for (const secret of await inGuest('cut -d: -f2 /etc/shadow')) expect(secret).toMatch(/^[*!]+$/);
    const settings = await inGuest('sshd -T');
    for (const line of [
      'passwordauthentication no',
      'kbdinteractiveauthentication no',
      'authenticationmethods publickey',
    ])
      expect(settings).toContain(line);
    expect(await inGuest("systemctl list-units --plain --no-legend '*getty@*'; echo")).toEqual(['']);
  });

  it('certificates are in memory alone', limit, async () => {
    expect(await inGuest('findmnt -no FSTYPE /var/lib/octavia/certs; tail -n +2 /proc/swaps')).toEqual(['tmpfs']);
    // The certificate with its key, and HAProxy's list of certificates.
    expect(await inGuest(`find /var/lib/octavia/certs/${lb.id} -name '*.pem' | wc -l`)).toEqual(['2']);
    expect(
      await inGuest("grep -rlE 'PRIVATE KEY' /var/lib/octavia --include=*.pem --exclude-dir=certs | wc -l"),
    ).toEqual(['0']);
  });

  it('agent and HAProxy reach the log', limit, async () => {
    expect(await inGuest("journalctl -b -o cat --no-pager | grep -c 'Logging error'; true")).toEqual(['0']);
    expect(Number((await inGuest("grep -c ' haproxy\\[' /var/log/haproxy.log; true"))[0])).toBeGreaterThan(0);
  });

  it('the log begins anew before it fills the disk', limit, async () => {
    const lines = "head -c 80000000 /dev/zero | tr '\\0' x | fold -w 7900";
    const socket = '/run/rsyslog/octavia/log';
    await inGuest(
      `${lines} | logger -t 'haproxy[1]' -S 8000 -u ${socket}; logger -t 'haproxy[1]' -u ${socket} the last`,
    );
    const sizes = 'stat -c %s /var/log/haproxy.log /var/log/haproxy.log.1; tail -n 1 /var/log/haproxy.log';
    const [now, before, last] = await inGuest(sizes);
    expect(last).toMatch(/the last$/);
    expect(Number(now)).toBeLessThan(2 ** 26);
    expect(Number(before)).toBeLessThan(2 ** 26 + 10_000);
  });

  it('no timer changes its packages', limit, async () => {
    const timers = await inGuest('systemctl list-timers --plain --no-legend');
    expect(timers.map((line) => line.trim().split(/\s+/).at(-1))).toEqual(['systemd-tmpfiles-clean.service']);
    console.log(
      (
        await inGuest(
          'free -m; systemctl --failed --plain --no-legend; ip netns exec amphora-haproxy ipvsadm -Ln --stats',
        )
      ).join('\n'),
    );
  });
});

it('boots the new image after the tag has moved, by a failover', { timeout: 40 * minutes }, async () => {
  onTestFailed(async () => {
    const words =
      'ip netns exec amphora-haproxy ipvsadm -Ln --stats; journalctl -b -t Keepalived_healthcheckers --no-pager';
    console.log(cloud.inGuest(await only(), words));
  });
  const secondImage = await cloud.push();
  const before = await only();
  const started = Date.now();
  await cloud.call('PUT', `lbaas/loadbalancers/${lb.id}/failover`);
  await cloud.settled(lb.id);
  console.log(`failed over in ${Math.round((Date.now() - started) / 1000)} s`);
  const after = await only();
  expect(after.image_id).toBe(secondImage);
  expect(after.compute_id).not.toBe(before.compute_id);
  expect(web()).toEqual(both);
  await twoIs(monitors('ONLINE'));
  expect(whoAnswers(cloud, `http://[${vip6()}]/`, ['--globoff'])).toEqual(both);
  expect(shop()).toEqual(overHttp2);
  const datagrams = sendUdp(cloud, lb.vip_address, named('datagrams').port, 10);
  console.log(`UDP: lost ${datagrams.filter((name) => name === '').length} of ${datagrams.length}`);
  // The new amphora may not have looked yet at each member, for all that is known of them.
  expect(datagrams).toEqual(expect.arrayContaining([...both]));
  expect(whoAnswersSctp(cloud, lb.vip_address, named('messages').port)).toEqual(both);
});

it('is deleted, with everything that was made for it', { timeout: 10 * minutes }, async () => {
  await cloud.gone(lb.id);
  expect(await cloud.leftovers()).toEqual([]);
});
