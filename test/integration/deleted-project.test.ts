import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DevCloud, startDevCloud } from '../kit/dev-cloud.ts';
import type { KilnProcess } from '../kit/kiln-process.ts';
import { type LoadBalancerHarness, openLoadBalancerHarness } from '../kit/load-balancers.ts';

/** Keystone has forgotten a project, and what was made for it is still there. */
let dev: DevCloud;
let harness: LoadBalancerHarness;
let serve: KilnProcess;
const project = randomUUID().replaceAll('-', '');

beforeAll(async () => {
  dev = await startDevCloud();
  harness = await openLoadBalancerHarness(dev);
  serve = await harness.serve();
}, 120_000);
afterAll(async () => {
  await serve?.stop();
  await harness?.close();
  await dev?.close();
}, 120_000);

it('an administrator changes, fails over and deletes its load balancers; nothing of them stays in the cloud', {
  timeout: 300_000,
}, async () => {
  const settled = (id: string, expected: string | null) =>
    expect
      .poll(async () => (await harness.state.loadBalancers.get('loadbalancer', id))?.provisioningStatus ?? null, {
        timeout: 90_000,
        interval: 250,
      })
      .toBe(expected);
  const portsOf = async (id: string) => (await dev.openstack.network.listPortsOfDevice(`lb-${id}`)).length;

  const listeners = [{ protocol: 'HTTP', protocol_port: 80 }];
  const id = await harness.create({ project_id: project, listeners });
  await settled(id, 'ACTIVE');
  const listener = (await harness.state.loadBalancers.tree(id))?.listeners[0]?.id ?? '';
  expect(await portsOf(id)).toBe(1);

  await harness.call('PUT', `/listeners/${listener}`, { listener: { connection_limit: 7 } });
  await settled(id, 'ACTIVE');
  await harness.call('PUT', `/loadbalancers/${id}/failover`);
  await settled(id, 'ACTIVE');
  const { loadbalancer } = await harness.call('GET', `/loadbalancers/${id}`);
  expect(loadbalancer).toMatchObject({ project_id: project, provisioning_status: 'ACTIVE' });
  expect((await fetch(`http://${loadbalancer.vip_address}/`)).status).toBe(503);

  await harness.call('DELETE', `/loadbalancers/${id}?cascade=true`);
  await settled(id, null);
  expect(await portsOf(id)).toBe(0);
  expect(await dev.openstack.network.findSecurityGroupsByName(`lb-${id}`)).toEqual([]);
});
