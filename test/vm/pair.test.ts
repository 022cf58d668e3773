import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Amphora, both, minutes, one, openVmCloud, two, type VmCloud } from '../kit/vm-cloud.ts';
import { createVmLoadBalancer, qemuOf, reaches, underLoad, type VmLoadBalancer } from '../kit/vm-load-balancer.ts';

/** A pair (ACTIVE_STANDBY) of virtual machines, without any key of SSH: the one that serves is killed under requests, and replaced. */

let cloud: VmCloud;
let lb: VmLoadBalancer;

beforeAll(async () => {
  cloud = await openVmCloud('pair', {
    OS_CONTROLLER_WORKER__LOADBALANCER_TOPOLOGY: 'ACTIVE_STANDBY',
    OS_CONTROLLER_WORKER__AMP_SSH_KEY_NAME: '',
    OS_NOVA__ENABLE_ANTI_AFFINITY: 'true',
    OS_NOVA__ANTI_AFFINITY_POLICY: 'anti-affinity',
    // Whoever is silent for so long is asked first, and replaced only if nothing shows that it lives.
    OS_HEALTH_MANAGER__HEARTBEAT_TIMEOUT: '120',
  });
  cloud.startMember(one);
  cloud.startMember(two);
  await cloud.push();
}, 40 * minutes);
afterAll(() => cloud?.close(), 5 * minutes);

/** Nova's compute hosts that they run on. */
async function hostsOf(amphorae: readonly Amphora[]): Promise<Set<unknown>> {
  const servers = amphorae.map(async ({ compute_id: id }) => (await cloud.nova('GET', `servers/${id}`)).server);
  const hosts = (await Promise.all(servers)) as { 'OS-EXT-SRV-ATTR:host': string }[];
  return new Set(hosts.map((server) => server['OS-EXT-SRV-ATTR:host']));
}

it('is built of two amphorae, on two hosts by a server group of Nova', { timeout: 60 * minutes }, async () => {
  const only = ['web', 'datagrams'] as const;
  lb = await createVmLoadBalancer(cloud, { name: 'pair', only, isMonitored: false });
  console.log(`a pair is ACTIVE after ${lb.activeAfterSeconds} s`);
  const amphorae = await cloud.amphorae(lb.id);
  expect(amphorae.map(({ role }) => role).sort()).toEqual(['BACKUP', 'MASTER']);
  const { server_groups: groups } = (await cloud.nova('GET', 'os-server-groups')) as {
    server_groups: { policies: string[]; members: string[] }[];
  };
  const group = groups.find(({ members }) => members.includes(amphorae[0]?.compute_id ?? ''));
  expect(group?.policies).toEqual(['anti-affinity']);
  expect(group?.members.sort()).toEqual(amphorae.map(({ compute_id: id }) => id).sort());
  expect(await hostsOf(amphorae)).toEqual(new Set(['testbed', 'testbed-2']));
  // One of them takes the address over when it has heard nothing of the other for seconds.
  await reaches(lb.web);
});

it('carries HTTP and UDP, over IPv6 too', { timeout: 10 * minutes }, () => {
  expect(lb.web()).toEqual(both);
  expect(lb.web6()).toEqual(both);
  expect(lb.udp()).toEqual(both);
});

it('has no SSH where Nova gave no key', { timeout: 10 * minutes }, async () => {
  const [first] = await cloud.amphorae(lb.id);
  expect(cloud.openPorts(first?.lb_network_ip ?? '')).toEqual([9443]);
});

it('goes on when the one that serves is killed under requests', { timeout: 15 * minutes }, async () => {
  const holder = await lb.holder();
  expect(holder.role).toBe('MASTER');
  const outcome = await underLoad(cloud, `http://${lb.address}/`, 10, async () => {
    await sleep(10_000);
    process.kill(qemuOf(holder), 'SIGKILL');
    await sleep(30_000);
  });
  console.log(`MASTER's QEMU killed: ${JSON.stringify(outcome)}`);
  expect(outcome.requests).toBeGreaterThan(outcome.lost);
  expect(lb.web()).toEqual(both);
  expect(lb.web6()).toEqual(both);
  expect(lb.udp()).toEqual(both);
  expect((await lb.holder()).role).toBe('BACKUP');
});

it('gets a new one in its place, and the one that lives is not touched', { timeout: 40 * minutes }, async () => {
  const before = await cloud.amphorae(lb.id);
  const dead = before.find(({ role }) => role === 'MASTER');
  const living = before.find(({ role }) => role === 'BACKUP');
  const started = Date.now();
  const masterNow = async () =>
    (await cloud.amphorae(lb.id)).find(({ role, status }) => role === 'MASTER' && status === 'ALLOCATED')?.id;
  await expect.poll(masterNow, { timeout: 35 * minutes, interval: 2000 }).not.toBe(dead?.id);
  await cloud.settled(lb.id);
  console.log(`replaced ${Math.round((Date.now() - started) / 1000)} s later`);
  const after = await cloud.amphorae(lb.id);
  expect(after.find(({ role }) => role === 'BACKUP')).toEqual(living);
  expect((await hostsOf(after)).size).toBe(2);
  expect(lb.web()).toEqual(both);
});

it('boots the new image after the tag has moved, by a failover under requests', { timeout: 40 * minutes }, async () => {
  const secondImage = await cloud.push();
  const before = (await cloud.amphorae(lb.id)).map(({ id }) => id);
  let took = 0;
  const outcome = await underLoad(cloud, `http://${lb.address}/`, 10, async () => {
    took = await lb.failOver();
  });
  console.log(`failed over in ${took} s: ${JSON.stringify(outcome)}`);
  expect(outcome.lost).toBeLessThan(outcome.requests / 4);
  const after = await cloud.amphorae(lb.id);
  expect(after.map(({ image_id: imageId }) => imageId)).toEqual([secondImage, secondImage]);
  for (const { id } of after) expect(before).not.toContain(id);
  for (const way of [lb.web, lb.web6, lb.udp]) await reaches(way);
});

it('is deleted, with everything that was made for it', { timeout: 10 * minutes }, async () => {
  await cloud.gone(lb.id);
  expect(await cloud.leftovers()).toEqual([]);
});
