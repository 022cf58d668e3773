import { afterAll, beforeAll, expect, it } from 'vitest';
import { readTestbed } from '../kit/testbed-access.ts';
import {
  type Amphora,
  type LoadBalancer,
  memberPorts,
  minutes,
  one,
  openVmCloud,
  testbedSite,
  two,
  type VmCloud,
  whoAnswers,
  whoAnswersUdp,
} from '../kit/vm-cloud.ts';
import { octaviaController } from '../kit/vm-controller.ts';
import { connectionsOf, membersAt, portOf, reaches } from '../kit/vm-load-balancer.ts';

/**
 * Virtual machines from Kiln's images with the real Octavia as their controller (API, worker, health manager, housekeeping): an amphora can
 * be changed without its controller. With `KILN_VM_AGENT=kiln` the agent in them is Kiln's.
 */

let cloud: VmCloud;
let imageId: string;
let id: string;
let address: string;
let first: Amphora;

beforeAll(async () => {
  const bed = readTestbed();
  cloud = await openVmCloud('oct', {}, testbedSite(), (tag) => octaviaController(bed, tag));
  cloud.startMember(one);
  cloud.startMember(two);
  imageId = await cloud.push();
}, 40 * minutes);
afterAll(() => cloud?.close(), 5 * minutes);

const only = async () => {
  const found = await cloud.amphorae(id);
  expect(found).toHaveLength(1);
  return found[0] as Amphora;
};
const web = () => whoAnswers(cloud, `http://${address}/`);
const datagrams = () => whoAnswersUdp(cloud, address, portOf.datagrams);

/** Of a load balancer that is whole in one request, Octavia 11's worker at times sees no listener. */
async function addService(protocol: 'HTTP' | 'UDP', port: number, memberPort: number): Promise<void> {
  const { listener } = await cloud.call<{ listener: { id: string } }>('POST', 'lbaas/listeners', {
    listener: { name: protocol, protocol, protocol_port: port, loadbalancer_id: id },
  });
  await cloud.settled(id);
  const { pool } = await cloud.call<{ pool: { id: string } }>('POST', 'lbaas/pools', {
    pool: { name: protocol, protocol, lb_algorithm: 'ROUND_ROBIN', listener_id: listener.id },
  });
  await cloud.settled(id);
  await cloud.call('PUT', `lbaas/pools/${pool.id}/members`, { members: membersAt(cloud, memberPort) });
  await cloud.settled(id);
}

it('is booted by Octavia from the tagged image, and taken for ready', { timeout: 40 * minutes }, async () => {
  const started = Date.now();
  const { loadbalancer } = await cloud.call<{ loadbalancer: LoadBalancer }>('POST', 'lbaas/loadbalancers', {
    loadbalancer: { name: 'octavia-vm', vip_subnet_id: cloud.clients.subnetId },
  });
  ({ id } = loadbalancer);
  ({ vip_address: address } = await cloud.settled(id));
  console.log(`ACTIVE after ${Math.round((Date.now() - started) / 1000)} s`);
  first = await only();
  expect(first).toMatchObject({ status: 'ALLOCATED', image_id: imageId });
});

it('carries HTTP and UDP to members in another network', { timeout: 40 * minutes }, async () => {
  await addService('HTTP', portOf.web, memberPorts.http);
  await addService('UDP', portOf.datagrams, memberPorts.udp);
  await reaches(web);
  await reaches(datagrams);
});

it('is ONLINE by its heartbeats, and counts its traffic', { timeout: 10 * minutes }, async () => {
  await cloud.operating(id, 'ONLINE');
  await expect.poll(() => connectionsOf(cloud, id), { timeout: 2 * minutes, interval: 1000 }).toBeGreaterThanOrEqual(4);
});

it('is failed over to another one, which carries the same', { timeout: 40 * minutes }, async () => {
  const started = Date.now();
  await cloud.call('PUT', `lbaas/loadbalancers/${id}/failover`);
  await cloud.settled(id);
  console.log(`failed over in ${Math.round((Date.now() - started) / 1000)} s`);
  const next = await only();
  expect(next).toMatchObject({ status: 'ALLOCATED', image_id: imageId });
  expect(next.compute_id).not.toBe(first.compute_id);
  await reaches(web);
  await reaches(datagrams);
  await cloud.operating(id, 'ONLINE');
});

it('is deleted, with everything that was made for it', { timeout: 10 * minutes }, async () => {
  await cloud.gone(id);
  // Octavia does not wait until Nova has deleted the server.
  await expect.poll(() => cloud.leftovers(), { timeout: 2 * minutes, interval: 1000 }).toEqual([]);
});
