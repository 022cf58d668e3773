import { afterAll, beforeAll, expect, it } from 'vitest';
import { runKiln } from '../kit/kiln-process.ts';
import { openServingCloud, type ServingCloud } from '../kit/serving-cloud.ts';

/** A load balancer gets another flavor while requests go through it: real amphorae of the embedded cloud. */
let cloud: ServingCloud;
let dev: ServingCloud['dev'];
let harness: ServingCloud['harness'];
let serve: ServingCloud['serve'];
let id: string;
let vip: string;

beforeAll(async () => {
  cloud = await openServingCloud();
  ({ dev, harness, serve } = cloud);
  const port = cloud.memberPort;
  const members = [{ address: '127.0.0.1', protocol_port: port }];
  const pool = { name: 'web', protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN', members };
  id = await harness.create({ listeners: [{ protocol: 'HTTP', protocol_port: 8080, default_pool: pool }] });
  vip = (await show()).vip_address;
}, 120_000);
afterAll(async () => {
  await serve?.stop();
  await cloud?.close();
}, 60_000);

const show = async () => (await harness.call('GET', `/loadbalancers/${id}`)).loadbalancer;
const serving = async () =>
  (await harness.state.amphorae.list({ loadBalancerId: id })).filter(({ status }) => status === 'ALLOCATED');

/** @param computeFlavor of Nova; the profile is checked as any other one is. */
async function addFlavor(name: string, computeFlavor: string): Promise<string> {
  const flavor_data = JSON.stringify({ compute_flavor: computeFlavor });
  const flavorprofile = { name, provider_name: 'amphora', flavor_data };
  const profile = await harness.call('POST', '/flavorprofiles', { flavorprofile });
  const flavor = { name, flavor_profile_id: profile.flavorprofile.id };
  return (await harness.call('POST', '/flavors', { flavor })).flavor.id;
}

async function addComputeFlavor(name: string, diskGibibytes: number): Promise<string> {
  const { authUrl, userName, password, projectName } = dev.cloud.accounts.kiln;
  const domain = { name: 'Default' };
  const identity = { methods: ['password'], password: { user: { name: userName, domain, password } } };
  const login = await fetch(`${authUrl}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ auth: { identity, scope: { project: { name: projectName, domain } } } }),
  });
  const answer = await fetch(`${dev.cloud.url}/compute/v2.1/flavors`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-auth-token': login.headers.get('x-subject-token') ?? '' },
    body: JSON.stringify({ flavor: { name, ram: 1024, vcpus: 2, disk: diskGibibytes } }),
  });
  expect(answer.status, await answer.clone().text()).toBe(200);
  return ((await answer.json()) as { flavor: { id: string } }).flavor.id;
}

/** Asks the VIP again and again while something is done. @returns how many requests got no answer. */
async function whileAsking(work: () => Promise<void>): Promise<{ asked: number; failed: number }> {
  const counts = { asked: 0, failed: 0 };
  let over = false;
  const asking = (async () => {
    while (!over) {
      counts.asked++;
      const options = { signal: AbortSignal.timeout(30_000), headers: { connection: 'close' } };
      const said = await fetch(`http://${vip}:8080/`, options).then(
        (answer) => answer.text(),
        () => null,
      );
      if (said !== 'member') counts.failed++;
    }
  })();
  await work();
  over = true;
  await asking;
  return counts;
}

it('kiln loadbalancer resize builds an amphora of the other flavor first, and no request is lost', async () => {
  await expect.poll(show, { timeout: 60_000 }).toMatchObject({ provisioning_status: 'ACTIVE' });
  const compute = await addComputeFlavor('large', 10);
  const flavorId = await addFlavor('large', compute);
  const [old] = await serving();
  const { asked, failed } = await whileAsking(async () => {
    const asked = await runKiln(['loadbalancer', 'resize', id, flavorId], dev.environment);
    expect([asked.status, asked.output]).toEqual([0, expect.stringContaining(`gets flavor ${flavorId}`)]);
    await expect
      .poll(show, { timeout: 60_000, interval: 100 })
      .toMatchObject({ provisioning_status: 'ACTIVE', flavor_id: flavorId });
  });
  expect(asked).toBeGreaterThan(10);
  expect(failed).toBe(0);
  const now = await serving();
  expect(now).toMatchObject([{ computeFlavor: compute, loadBalancerId: id }]);
  expect(now[0]?.id).not.toBe(old?.id);
  expect(await dev.openstack.compute.findServersByName(old?.serverName ?? '')).toEqual([]);
}, 180_000);

it('a resize that fails on the way is undone: amphora and flavor of before, and the reason is reported', async () => {
  const before = await show();
  const [old] = await serving();
  const compute = await addComputeFlavor('short-lived', 10);
  const flavorId = await addFlavor('short-lived', compute);
  await serve.stop(); // Nobody carries it out yet.
  expect(await harness.raw('PUT', `/v2/kiln/loadbalancers/${id}/flavor`, { flavor_id: flavorId })).toBe(202);
  expect(await harness.raw('DELETE', `/v2/lbaas/flavors/${flavorId}`)).toBe(409);
  await harness.state.database
    .updateTable('kiln_flavor_profile')
    .set({ flavor_data: JSON.stringify({ compute_flavor: 'no-such-flavor' }) })
    .where('name', '=', 'short-lived')
    .execute();
  serve = await harness.serve();
  await expect.poll(show, { timeout: 60_000 }).toMatchObject({ provisioning_status: 'ACTIVE' });
  expect(await harness.operationOn(id)).toMatchObject({ flow: 'resize-load-balancer', status: 'undone' });
  expect((await show()).flavor_id).toBe(before.flavor_id);
  expect(await harness.state.loadBalancers.reasonOf(id)).not.toBeNull();
  expect((await serving()).map((one) => one.id)).toEqual([old?.id]);
  expect(await harness.raw('DELETE', `/v2/lbaas/flavors/${flavorId}`)).toBe(204);
}, 180_000);

it('kiln loadbalancer resize says what the API refuses', async () => {
  const nobody = '99999999-9999-4999-8999-999999999999';
  const refused = await runKiln(['loadbalancer', 'resize', nobody, nobody], dev.environment);
  expect(refused.status).not.toBe(0);
  expect(refused.output).toContain(`Load Balancer ${nobody} not found.`);
});
