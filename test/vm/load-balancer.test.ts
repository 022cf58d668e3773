import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { both, minutes, one, openVmCloud, sendUdp, two, type VmCloud } from '../kit/vm-cloud.ts';
import {
  createVmLoadBalancer,
  monitors,
  overHttp2,
  portOf,
  reaches,
  type VmLoadBalancer,
} from '../kit/vm-load-balancer.ts';

/** A whole load balancer on one virtual machine: each protocol, each health monitor, a reboot, a failover to another image. */

let cloud: VmCloud;
let firstImage: string;
let lb: VmLoadBalancer;

beforeAll(async () => {
  cloud = await openVmCloud('lb');
  cloud.startMember(one);
  cloud.startMember(two);
  firstImage = await cloud.push();
}, 40 * minutes);
afterAll(() => cloud?.close(), 5 * minutes);

const only = async () => {
  const found = await lb.amphorae();
  expect(found).toHaveLength(1);
  return found[0] as (typeof found)[number];
};

it('boots the tagged image, and is ACTIVE with all of its listeners', { timeout: 40 * minutes }, async () => {
  lb = await createVmLoadBalancer(cloud, { name: 'vm' });
  console.log(`ACTIVE after ${lb.activeAfterSeconds} s`);
  expect((await only()).image_id).toBe(firstImage);
});

describe('carries', () => {
  const limit = { timeout: 5 * minutes };

  it('HTTP to members in another network', limit, () => expect(lb.web()).toEqual(both));
  it('HTTP to its IPv6 address', limit, () => expect(lb.web6()).toEqual(both));
  it('TLS that ends at the members', limit, () => expect(lb.secure()).toEqual(both));
  it('UDP, through IP_VS', limit, () => expect(lb.udp()).toEqual(both));
  it('SCTP, through IP_VS', limit, () => expect(lb.sctp()).toEqual(both));
});

it('is ONLINE by its heartbeats, and counts its traffic', { timeout: 10 * minutes }, async () => {
  await cloud.operating(lb.id, 'ONLINE');
  await expect.poll(() => lb.connections(), { timeout: 2 * minutes, interval: 1000 }).toBeGreaterThanOrEqual(8);
});

it('sees a member fail and come back, by each health monitor', { timeout: 20 * minutes }, async () => {
  await lb.twoIs(monitors('ONLINE'));
  cloud.stopMember(two);
  await lb.twoIs(monitors('ERROR', { PING: 'ONLINE' }));
  await cloud.operating(lb.id, 'DEGRADED');
  expect(lb.web()).toEqual(new Set(['one']));
  expect(lb.udp()).toEqual(new Set(['one']));
  expect(lb.sctp()).toEqual(new Set(['one']));
  cloud.removeAddress(two);
  // A datagram that nobody refuses counts as taken: the agent's check can't tell a host that is gone.
  await lb.twoIs(monitors('ERROR', { 'UDP-CONNECT': 'ONLINE' }));
  cloud.startMember(two);
  await lb.twoIs(monitors('ONLINE'));
  await cloud.operating(lb.id, 'ONLINE');
  expect(lb.web()).toEqual(both);
  expect(lb.udp()).toEqual(both);
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
          return lb.web(2).size;
        } catch {
          return 0;
        }
      },
      { timeout: 5 * minutes, interval: 2000 },
    )
    .toBe(2);
  console.log(`served again ${Math.round((Date.now() - started) / 1000)} s after the reboot was asked for`);
  // Nothing goes to a member of UDP and SCTP that its monitor has not seen yet.
  for (const way of [lb.web6, lb.udp, lb.sctp]) await reaches(way);
  // What is to be changed at an amphora whose agent is not up yet is undone, and not waited for.
  await expect.poll(() => cloud.takesConnections(amphora), { timeout: 5 * minutes, interval: 2000 }).toBe(true);
  expect((await only()).id).toBe(amphora.id);
});

it('carries TLS that ends at it, with HTTP/2', { timeout: 20 * minutes }, async () => {
  await lb.addShop();
  expect(lb.shop()).toEqual(overHttp2);
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
  console.log(`failed over in ${await lb.failOver()} s`);
  const after = await only();
  expect(after.image_id).toBe(secondImage);
  expect(after.compute_id).not.toBe(before.compute_id);
  expect(lb.web()).toEqual(both);
  await lb.twoIs(monitors('ONLINE'));
  expect(lb.web6()).toEqual(both);
  expect(lb.shop()).toEqual(overHttp2);
  const datagrams = sendUdp(cloud, lb.address, portOf.datagrams, 10);
  console.log(`UDP: lost ${datagrams.filter((name) => name === '').length} of ${datagrams.length}`);
  // The new amphora may not have looked yet at each member, for all that is known of them.
  expect(datagrams).toEqual(expect.arrayContaining([...both]));
  expect(lb.sctp()).toEqual(both);
});

it('is deleted, with everything that was made for it', { timeout: 10 * minutes }, async () => {
  await cloud.gone(lb.id);
  expect(await cloud.leftovers()).toEqual([]);
});
