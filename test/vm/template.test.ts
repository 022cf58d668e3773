import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { runKiln } from '../kit/kiln-process.ts';
import { openTemplateSite, type TemplateSite } from '../kit/template-vms/site.ts';
import { type Amphora, both, keptCache, minutes, one, openVmCloud, two, type VmCloud } from '../kit/vm-cloud.ts';
import {
  createVmLoadBalancer,
  monitors,
  overHttp2,
  qemuOf,
  underLoad,
  type VmLoadBalancer,
} from '../kit/vm-load-balancer.ts';

/**
 * A pair of virtual machines that begin from a template, in an embedded cloud: all that it carries, and what becomes of requests when
 * something of it fails. Security groups are not enforced there.
 */

let site: TemplateSite;
let cloud: VmCloud;
let lb: VmLoadBalancer;
let firstImage: string;
let rebooted: Amphora;

const began = Date.now();
/** Printed with the second of the suite. */
const say = (text: string) => console.log(`${String(Math.round((Date.now() - began) / 1000)).padStart(4)} s  ${text}`);

beforeAll(async () => {
  site = await openTemplateSite('kvt', keptCache);
  cloud = await openVmCloud(
    'kvt',
    {
      ...site.environment,
      OS_CONTROLLER_WORKER__LOADBALANCER_TOPOLOGY: 'ACTIVE_STANDBY',
      // Whoever is silent for so long is asked first, and replaced only if nothing shows that it lives.
      OS_HEALTH_MANAGER__HEARTBEAT_TIMEOUT: '30',
    },
    site,
  );
  cloud.startMember(one);
  cloud.startMember(two);
  firstImage = await cloud.push();
  say('image, cloud and members are there');
}, 20 * minutes);
afterAll(async () => {
  await cloud?.close();
  await site?.close();
}, 2 * minutes);
afterEach(({ task }) => say(`${task.result?.state === 'fail' ? 'FAILED' : 'done'}: ${task.name}`));

const limit = { timeout: 10 * minutes };
/** Waits until both members answer. */
const answers = () =>
  expect.poll(() => [...lb.web()], { timeout: 1 * minutes, interval: 200 }).toEqual(expect.arrayContaining([...both]));
it('boots two amphorae from the tagged image, and is ACTIVE with all of its listeners', limit, async () => {
  onTestFailed(async () => console.log(await cloud.consoles()));
  lb = await createVmLoadBalancer(cloud, 'template');
  say(`a pair is ACTIVE after ${lb.activeAfterSeconds} s`);
  // One of them takes the address over, seconds after they have heard nothing of each other.
  await answers();
  const amphorae = await lb.amphorae();
  expect(amphorae.map(({ role }) => role).sort()).toEqual(['BACKUP', 'MASTER']);
  expect(amphorae.map(({ image_id: imageId }) => imageId)).toEqual([firstImage, firstImage]);
});

describe('carries', () => {
  it('HTTP to members in another network', () => expect(lb.web()).toEqual(both));
  it('HTTP to its IPv6 address', () => expect(lb.web6()).toEqual(both));
  it('TLS that ends at the members', () => expect(lb.secure()).toEqual(both));
  it('UDP, through IP_VS', () => expect(lb.udp()).toEqual(both));
  it('SCTP, through IP_VS', () => expect(lb.sctp()).toEqual(both));
});

it('is ONLINE by its heartbeats, and counts its traffic', limit, async () => {
  await cloud.operating(lb.id, 'ONLINE');
  await expect.poll(() => lb.connections(), { timeout: 1 * minutes }).toBeGreaterThanOrEqual(8);
});

it('sees a member fail and come back, by each health monitor', limit, async () => {
  await lb.twoIs(monitors('ONLINE'));
  cloud.stopMember(two);
  cloud.removeAddress(two);
  // A datagram that nobody refuses counts as taken: the agent's check can't tell a host that is gone.
  await lb.twoIs(monitors('ERROR', { 'UDP-CONNECT': 'ONLINE' }));
  await cloud.operating(lb.id, 'DEGRADED');
  expect(lb.web()).toEqual(new Set(['one']));
  expect(lb.sctp()).toEqual(new Set(['one']));
  cloud.startMember(two);
  await lb.twoIs(monitors('ONLINE'));
  await cloud.operating(lb.id, 'ONLINE');
  expect(lb.web()).toEqual(both);
});

/** The serial number of the certificate that an agent shows. */
function serialOf({ lb_network_ip: host }: Amphora): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: 9443, rejectUnauthorized: false, timeout: 30_000 }, () => {
      resolve(socket.getPeerX509Certificate()?.serialNumber ?? '');
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

it("renews its agents' certificates", limit, async () => {
  const amphorae = await lb.amphorae();
  const before = await Promise.all(amphorae.map(serialOf));
  const inTwoMonths = { OS_HOUSE_KEEPING__CERT_EXPIRY_BUFFER: `${60 * 24 * 3600}` };
  const words = ['housekeeping', 'run', 'rotate-certificates', '--config-file', site.octaviaConf];
  const run = await runKiln(words, { ...cloud.environment, ...inTwoMonths });
  expect(run.status, run.output).toBe(0);
  for (const [index, amphora] of amphorae.entries())
    await expect.poll(() => serialOf(amphora), { timeout: 2 * minutes, interval: 500 }).not.toBe(before[index]);
  // Its agents take what only Kiln's own certificate may ask.
  await cloud.call('PUT', `octavia/amphorae/${amphorae[0]?.id}/config`);
});

const everyWay = () => [lb.web, lb.web6, lb.secure, lb.udp, lb.sctp];
const url = () => `http://${lb.address}/`;
const report = (what: string, { requests, lost, longestGapSeconds: gap }: Awaited<ReturnType<typeof underLoad>>) =>
  say(`${what}: ${lost} of ${requests} requests lost, ${gap} s without an answer`);
it('goes on when keepalived or HAProxy is killed', limit, async () => {
  for (const program of ['keepalived', 'haproxy']) {
    const holder = await lb.holder();
    const outcome = await underLoad(cloud, url(), 10, async () => {
      cloud.inGuest(holder, `pkill -KILL ${program}`);
      await sleep(8000);
    });
    report(`${program} of the one that serves killed`, outcome);
    expect(outcome.lost).toBeLessThan(outcome.requests / 2);
    await answers();
    expect(lb.udp()).toEqual(both);
  }
});

it('goes on while the guest that serves is rebooted', limit, async () => {
  rebooted = await lb.holder();
  const bootId = () =>
    cloud.inGuest(rebooted, 'cat /proc/sys/kernel/random/boot_id; pgrep keepalived && pgrep haproxy');
  const before = bootId().slice(0, 36);
  const bootIdAfter = () => {
    try {
      return bootId().slice(0, 36);
    } catch {
      return before;
    }
  };
  // By itself: there is nobody to help it.
  await cloud.withoutKiln(async () => {
    const started = Date.now();
    const outcome = await underLoad(cloud, url(), 10, async () => {
      await cloud.nova('POST', `servers/${rebooted.compute_id}/action`, { reboot: { type: 'HARD' } });
      await sleep(10_000);
    });
    report('the guest that serves rebooted', outcome);
    await expect.poll(bootIdAfter, { timeout: 5 * minutes, interval: 1000 }).not.toBe(before);
    // What is to be changed at an amphora whose agent is not up yet is undone, and not waited for.
    await expect.poll(() => cloud.takesConnections(rebooted), { timeout: 2 * minutes, interval: 500 }).toBe(true);
    say(
      `its keepalived, HAProxy and agent run ${Math.round((Date.now() - started) / 1000)} s after the reboot was requested`,
    );
  });
  expect(lb.web()).toEqual(both);
});

it('goes on when the QEMU of the one that serves is killed: the guest that was rebooted serves', limit, async () => {
  const holder = await lb.holder();
  expect(holder.id).not.toBe(rebooted.id);
  const outcome = await underLoad(cloud, url(), 10, async () => {
    process.kill(qemuOf(holder), 'SIGKILL');
    await sleep(8000);
  });
  report('QEMU of the one that serves killed', outcome);
  expect(outcome.lost).toBeLessThan(outcome.requests / 2);
  await answers();
  expect((await lb.holder()).id).toBe(rebooted.id);
  for (const way of everyWay()) expect(way()).toEqual(both);

  const started = Date.now();
  const replacement = async () =>
    (await lb.amphorae()).find(({ role, status }) => role === holder.role && status === 'ALLOCATED')?.id ?? holder.id;
  await expect.poll(replacement, { timeout: 5 * minutes, interval: 500 }).not.toBe(holder.id);
  await cloud.settled(lb.id);
  say(`replaced ${Math.round((Date.now() - started) / 1000) + 8} s after it was killed`);
  // The living one is not touched.
  expect(await lb.amphorae()).toContainEqual(rebooted);
});

it('carries TLS that ends at it, with HTTP/2', limit, async () => {
  await lb.addShop();
  expect(lb.shop()).toEqual(overHttp2);
});

it('boots the new image after the tag has moved, by a failover that an operator requests', limit, async () => {
  const secondImage = await cloud.push();
  const before = (await lb.amphorae()).map(({ id }) => id);
  let took = 0;
  const outcome = await underLoad(cloud, url(), 10, async () => {
    took = await lb.failOver();
  });
  report(`failed over in ${took} s`, outcome);
  expect(outcome.lost).toBeLessThan(outcome.requests / 4);
  const after = await lb.amphorae();
  expect(after.map(({ image_id: imageId }) => imageId)).toEqual([secondImage, secondImage]);
  for (const { id } of after) expect(before).not.toContain(id);
  for (const way of everyWay()) expect(way()).toEqual(both);
  expect(lb.shop()).toEqual(overHttp2);
});

it('is deleted, with everything that was made for it', limit, async () => {
  await cloud.gone(lb.id);
  expect(await cloud.leftovers()).toEqual([]);
});
