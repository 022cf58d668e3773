import { afterEach, beforeEach, expect, it } from 'vitest';
import { createJournal } from '../../src/adapters/storage/journal.ts';
import { KilnError } from '../../src/model/errors.ts';
import type { Journal } from '../../src/ports/journal.ts';
import { openStoredApiHarness, type StoredApiHarness, subnetId } from '../kit/api.ts';

/** `PUT /v2/kiln/loadbalancers/{id}/flavor`, over a real database. */

let harness: StoredApiHarness;
let journal: Journal;
let id: string;
beforeEach(async () => {
  harness = await openStoredApiHarness();
  journal = createJournal(harness.database, harness.deps.clock);
  const made = await harness.call('POST', '/lbaas/loadbalancers', { loadbalancer: { vip_subnet_id: subnetId } });
  ({ id } = made.body.loadbalancer);
  await harness.settleAll();
});
afterEach(() => harness.close());

let profiles = 0;
async function addFlavor(data: object = {}, over: object = {}): Promise<string> {
  const profile = { name: `p${++profiles}`, provider_name: 'amphora', flavor_data: JSON.stringify(data) };
  const { body } = await harness.call('POST', '/lbaas/flavorprofiles', { flavorprofile: profile });
  const flavor = { name: `f${profiles}`, flavor_profile_id: body.flavorprofile.id, ...over };
  return (await harness.call('POST', '/lbaas/flavors', { flavor })).body.flavor.id;
}
const resize = (flavorId: unknown, of = id) =>
  harness.call('PUT', `/v2/kiln/loadbalancers/${of}/flavor`, { flavor_id: flavorId });
const show = async () => (await harness.call('GET', `/lbaas/loadbalancers/${id}`)).body.loadbalancer;

async function refusal(flavorId: unknown, of = id): Promise<[number, string]> {
  const answer = await resize(flavorId, of);
  return [answer.status, answer.body.faultstring];
}

/** Times are of one clock that may stand still: which operation is the latest is not asked. */
const resizing = async (of = id, name = 'resize-load-balancer') =>
  (await journal.list({ subject: of, limit: 9 })).find(({ flow }) => flow === name);

/** As a worker ends it. */
async function endOperation(): Promise<void> {
  const operation = await resizing();
  const claimed = await journal.claim(operation?.id ?? '', 'w');
  await journal.finish(operation?.id ?? '', claimed?.operation.fence ?? 0, 'done');
}

it('is taken, and enqueued; until it is done the load balancer has the flavor that its amphora has', async () => {
  const flavorId = await addFlavor();
  expect(await resize(flavorId)).toMatchObject({ status: 202, body: '' });
  expect(await show()).toMatchObject({ provisioning_status: 'PENDING_UPDATE', flavor_id: null });
  const operation = await resizing();
  expect(operation).toMatchObject({
    flow: 'resize-load-balancer',
    input: { loadBalancerId: id, resourceId: id, flavorId },
    priority: 0,
  });
  expect(harness.queued).toContain(operation?.id);
});

it('is 409 while something else goes on, of two at once the second one', async () => {
  const [one, other] = [await addFlavor(), await addFlavor()];
  const statuses = (await Promise.all([resize(one), resize(other)])).map(({ status }) => status);
  expect(statuses.toSorted()).toEqual([202, 409]);
  expect(await refusal(one)).toEqual([409, `Invalid state PENDING_UPDATE of loadbalancer resource ${id}`]);
});

it('keeps the flavor in use until the operation has ended', async () => {
  const flavorId = await addFlavor();
  await resize(flavorId);
  const deletion = () => harness.call('DELETE', `/lbaas/flavors/${flavorId}`);
  expect(await deletion()).toMatchObject({
    status: 409,
    body: { faultstring: `Flavor ${flavorId} is in use and cannot be modified.` },
  });
  await endOperation();
  expect((await deletion()).status).toBe(204);
});

it.each(['deleted', 'disabled'])('a flavor that is %s in the middle of the request is refused', async (how) => {
  const flavorId = await addFlavor();
  const { store } = harness.deps;
  const apply = store.apply.bind(store);
  store.apply = async (change) => {
    if (how === 'deleted') await harness.call('DELETE', `/lbaas/flavors/${flavorId}`);
    else await harness.call('PUT', `/lbaas/flavors/${flavorId}`, { flavor: { enabled: false } });
    await apply(change);
  };
  const words =
    how === 'deleted'
      ? 'Validation failure: Invalid flavor_id.'
      : `The selected flavor is not allowed in this deployment: ${flavorId}`;
  expect(await refusal(flavorId)).toEqual([400, words]);
  expect(await show()).toMatchObject({ provisioning_status: 'ACTIVE', flavor_id: null });
});

it('a flavor that is disabled while a load balancer is being made in it is refused there, too', async () => {
  const flavorId = await addFlavor();
  const { store } = harness.deps;
  const apply = store.apply.bind(store);
  store.apply = async (change) => {
    await harness.call('PUT', `/lbaas/flavors/${flavorId}`, { flavor: { enabled: false } });
    await apply(change);
  };
  const loadbalancer = { vip_subnet_id: subnetId, flavor_id: flavorId };
  expect((await harness.call('POST', '/lbaas/loadbalancers', { loadbalancer })).status).toBe(400);
});

it('refuses what is no flavor for this load balancer, and says why', async () => {
  const unknown = '99999999-9999-4999-8999-999999999999';
  const flavorId = await addFlavor();
  expect(await refusal(flavorId, unknown)).toEqual([404, `Load Balancer ${unknown} not found.`]);
  expect(await refusal(unknown)).toEqual([400, 'Validation failure: Invalid flavor_id.']);
  expect((await resize('small')).status).toBe(400);
  expect(await refusal(null)).toEqual([400, expect.stringContaining(`load balancer ${id} has no flavor already`)]);
  expect((await harness.call('PUT', `/v2/kiln/loadbalancers/${id}/flavor`, {})).status).toBe(400);
  expect((await harness.call('PUT', `/v2/kiln/loadbalancers/${id}/flavor`, { flavor_id: flavorId, x: 1 })).status).toBe(
    400,
  );
  const disabled = await addFlavor({}, { enabled: false });
  expect(await refusal(disabled)).toEqual([400, `The selected flavor is not allowed in this deployment: ${disabled}`]);
  const other = { id: unknown, name: 'o', providerName: 'other', flavorData: '{}' };
  await harness.deps.flavors.insert('flavorProfile', other);
  const foreign = await addFlavor({}, { flavor_profile_id: unknown });
  expect(await refusal(foreign)).toEqual([400, `Flavor '${foreign}' is not compatible with provider 'amphora'`]);
  const secret = await addFlavor({ compute_flavor: 'secret' });
  harness.deps.profileChecker.check = async () => {
    throw new KilnError('REQUEST_INVALID', 'Nova flavor secret not found.', { details: { field: 'compute_flavor' } });
  };
  const [status, words] = await refusal(secret);
  expect([status, words]).toEqual([400, expect.stringContaining('its compute_flavor names what is not there')]);
  expect(words).not.toContain('secret');
  expect(await show()).toMatchObject({ provisioning_status: 'ACTIVE' });
});

it('takes the flavor away: no flavor is held meanwhile', async () => {
  const flavorId = await addFlavor();
  const loadbalancer = { vip_subnet_id: subnetId, flavor_id: flavorId };
  const made = await harness.call('POST', '/lbaas/loadbalancers', { loadbalancer });
  await harness.settleAll();
  id = made.body.loadbalancer.id;
  expect((await resize(null)).status).toBe(202);
  expect(await resizing()).toMatchObject({ input: { loadBalancerId: id, flavorId: null } });
  expect(await show()).toMatchObject({ flavor_id: flavorId });
});

it('a pair is resized by a flow of its own, in a flavor of its topology', async () => {
  const data = { loadbalancer_topology: 'ACTIVE_STANDBY' };
  const loadbalancer = { vip_subnet_id: subnetId, flavor_id: await addFlavor(data) };
  const made = await harness.call('POST', '/lbaas/loadbalancers', { loadbalancer });
  await harness.settleAll();
  const pair = made.body.loadbalancer.id;
  expect(await refusal(await addFlavor({ loadbalancer_topology: 'SINGLE' }), pair)).toEqual([
    400,
    expect.stringContaining('is for topology SINGLE'),
  ]);
  const flavorId = await addFlavor(data);
  expect((await resize(flavorId, pair)).status).toBe(202);
  expect(await resizing(pair, 'resize-load-balancer-pair')).toMatchObject({ input: { flavorId } });
});

it('refuses the flavor that the load balancer has', async () => {
  const flavorId = await addFlavor();
  const loadbalancer = { vip_subnet_id: subnetId, flavor_id: flavorId };
  const made = await harness.call('POST', '/lbaas/loadbalancers', { loadbalancer });
  await harness.settleAll();
  expect(await refusal(flavorId, made.body.loadbalancer.id)).toEqual([
    400,
    expect.stringContaining('is the flavor of load balancer'),
  ]);
});
