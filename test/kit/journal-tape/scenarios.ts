import { rotationFlow } from '../../../src/core/amphora/certificate-rotation.ts';
import { configurationPushFlow } from '../../../src/core/amphora/configuration-push.ts';
import type { LoadBalancerDeps } from '../../../src/flows/load-balancer/deps.ts';
import { KilnError } from '../../../src/model/errors.ts';
import type { FlowName } from '../../../src/model/flow-name.ts';
import type { JsonObject } from '../../../src/model/operation.ts';
import { storedAmphora } from '../contract/amphora-store.ts';
import { loadBalancerChanges } from '../load-balancer-changes.ts';
import type { Recorder } from './recorder.ts';
import type { TapeWorld } from './world.ts';

/** Changes inside a load balancer all have the same steps: of so many points one is kept. */
const OF_CHANGES = 5;
/** A pair's flows have twice the steps. */
const OF_PAIRS = 2;

/** What is recorded, by the name of its tape; together every flow that there is. */
export const scenarios: Readonly<Record<string, (recorder: Recorder) => Promise<void>>> = {
  'single load balancer': recordSingle,
  'pair of amphorae': recordPair,
  'amphorae that serve nobody': recordAmphorae,
};

async function recordSingle(recorder: Recorder): Promise<void> {
  const { world, record } = recorder;
  const failed = await createLoadBalancer(world, 'failing', {});
  await expectEnd(record({ deps: failingAt(world.deps, 'plugVip') }), 'undone', failed);
  const id = await createLoadBalancer(world, 'single', {});
  await expectEnd(record(), 'done', id);
  for (const { flow, ask } of loadBalancerChanges(benchOf(world), () => 8080)) {
    if (flow.startsWith('delete-')) continue;
    await ask(id);
    await expectEnd(record({ every: OF_CHANGES }), 'done', flow);
  }
  await failover(world, id);
  await expectEnd(record({ deps: failingAt(world.deps, 'act') }), 'undone', 'failover');
  await failover(world, id);
  await expectEnd(record(), 'done', 'failover');
  await ok(world.call('PUT', `/v2/octavia/amphorae/${await amphoraOf(world, id)}/failover`));
  await expectEnd(record(), 'done', 'failover-amphora');
  await resize(world, id, 'another', {});
  await expectEnd(record(), 'done', 'resize');
  await release(world, id, 'release-amphora', {});
  await expectEnd(record(), 'done', 'release');
  await ok(world.call('PUT', `/v2/octavia/amphorae/${await amphoraOf(world, id)}/config`));
  await expectEnd(record(), 'done', 'configure-amphora');
  for (const flow of [configurationPushFlow, rotationFlow]) {
    const amphoraId = await amphoraOf(world, id);
    const operationId = await enqueue(world, flow, amphoraId, { amphoraId });
    await expectEnd(record({ operationId }), 'done', flow);
  }
  const changes = loadBalancerChanges(benchOf(world), () => 8080);
  // In a second one, as nothing is left in it behind the last change.
  const other = await createLoadBalancer(world, 'to be emptied', {});
  await expectEnd(record({ every: 100 }), 'done', other);
  for (const { flow, ask } of changes) {
    await ask(other);
    await expectEnd(record({ every: flow.startsWith('delete-') ? OF_CHANGES : 100 }), 'done', flow);
  }
  await ok(world.call('DELETE', `/v2/lbaas/loadbalancers/${id}?cascade=true`));
  await expectEnd(record(), 'done', 'delete-load-balancer');
}

async function recordPair({ world, record }: Recorder): Promise<void> {
  const flavorId = await makeFlavor(world, 'pair', { loadbalancer_topology: 'ACTIVE_STANDBY' });
  const id = await createLoadBalancer(world, 'pair', { flavor_id: flavorId });
  await expectEnd(record(), 'done', id);
  const [createListener] = loadBalancerChanges(benchOf(world), () => 8080);
  await createListener?.ask(id);
  await expectEnd(record({ every: OF_CHANGES }), 'done', 'create-listener');
  await failover(world, id);
  const failing = failingAt(world.deps, 'act');
  await expectEnd(record({ deps: failing, every: OF_PAIRS }), 'undone', 'failover of the pair');
  await failover(world, id);
  await expectEnd(record({ every: OF_PAIRS }), 'done', 'failover of the pair');
  const amphoraId = await amphoraOf(world, id);
  await ok(world.call('PUT', `/v2/octavia/amphorae/${amphoraId}/failover`));
  await expectEnd(record({ every: OF_PAIRS }), 'done', 'failover of one');
  await resize(world, id, 'larger pair', { loadbalancer_topology: 'ACTIVE_STANDBY' });
  await expectEnd(record({ every: OF_PAIRS }), 'done', 'resize of the pair');
  await release(world, id, 'release-amphora-of-pair', { amphoraId: await amphoraOf(world, id) });
  await expectEnd(record({ every: OF_PAIRS }), 'done', 'release of one');
  await ok(world.call('DELETE', `/v2/lbaas/loadbalancers/${id}?cascade=true`));
  await expectEnd(record(), 'done', 'deletion of the pair');
}

async function recordAmphorae({ world, record }: Recorder): Promise<void> {
  const boot = async (amphoraId: string) => {
    const serverName = `amphora-${amphoraId}`;
    await world.deps.amphorae.insert(storedAmphora(amphoraId, { serverName }));
    const named = { amphoraId, serverName, loadBalancerId: null, requestedImageId: null, flavorTag: null };
    return await enqueue(world, 'boot-amphora', amphoraId, { ...named, computeFlavorId: '65' });
  };
  const failing = await boot(crypto.randomUUID());
  const deps = failingAt(world.deps, 'getInfo');
  await expectEnd(record({ operationId: failing, deps }), 'undone', 'a boot that fails');
  const amphoraId = crypto.randomUUID();
  await expectEnd(record({ operationId: await boot(amphoraId) }), 'done', 'boot-amphora');
  await world.deps.amphorae.update(amphoraId, { status: 'PENDING_DELETE' });
  const deletion = await enqueue(world, 'delete-amphora', amphoraId, { amphoraId });
  await expectEnd(record({ operationId: deletion }), 'done', 'delete-amphora');
  const probeId = crypto.randomUUID();
  const place = { flavorId: null, availabilityZone: null };
  const input = { amphoraId: probeId, loadBalancerId: null, imageId: 'image-1', ...place };
  const probe = await enqueue(world, 'probe-image', probeId, input);
  await expectEnd(record({ operationId: probe }), 'done', 'probe-image');
}

async function expectEnd(ended: Promise<string>, expected: string, what: string): Promise<void> {
  const end = await ended;
  if (end !== expected) throw new Error(`${what} ended as ${end} and not as ${expected}`);
}

async function ok(answered: ReturnType<TapeWorld['call']>) {
  const { status, body } = await answered;
  if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)}`);
  return body;
}

const benchOf = (world: TapeWorld) => () => ({
  call: (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown) =>
    ok(world.call(method, `/v2/lbaas${path}`, body)),
});

async function createLoadBalancer(world: TapeWorld, name: string, fields: object): Promise<string> {
  const loadbalancer = { name, vip_subnet_id: '670491a4-985c-4c8c-81a2-d4a13c6bca2e', ...fields };
  return (await ok(world.call('POST', '/v2/lbaas/loadbalancers', { loadbalancer }))).loadbalancer.id;
}

const failover = (world: TapeWorld, id: string) => ok(world.call('PUT', `/v2/lbaas/loadbalancers/${id}/failover`));

async function amphoraOf(world: TapeWorld, loadBalancerId: string): Promise<string> {
  const [first] = await world.deps.amphorae.list({ loadBalancerId });
  if (!first) throw new Error(`${loadBalancerId} has no amphora`);
  return first.id;
}

async function enqueue(world: TapeWorld, flow: FlowName, subject: string, input: JsonObject): Promise<string> {
  const id = crypto.randomUUID();
  await world.journal.enqueue({ id, flow, subject, input, priority: 0 });
  return id;
}

async function makeFlavor(world: TapeWorld, name: string, data: object): Promise<string> {
  const flavorprofile = { name, provider_name: 'amphora', flavor_data: JSON.stringify(data) };
  const profile = (await ok(world.call('POST', '/v2/lbaas/flavorprofiles', { flavorprofile }))).flavorprofile;
  const flavor = { name, flavor_profile_id: profile.id, enabled: true };
  return (await ok(world.call('POST', '/v2/lbaas/flavors', { flavor }))).flavor.id;
}

async function resize(world: TapeWorld, id: string, name: string, data: object): Promise<void> {
  const flavorId = await makeFlavor(world, name, { ...data, compute_flavor: '65' });
  await ok(world.call('PUT', `/v2/kiln/loadbalancers/${id}/flavor`, { flavor_id: flavorId }));
}

/** As the controller of a release does. */
async function release(world: TapeWorld, loadBalancerId: string, flow: FlowName, fields: JsonObject): Promise<void> {
  const { loadBalancers } = world.deps;
  const { related: _related, ...put } = (await loadBalancers.get('loadbalancer', loadBalancerId)) ?? raise('none');
  await loadBalancers.apply({
    loadBalancerId,
    mutableFrom: ['ACTIVE'],
    rows: [{ kind: 'loadbalancer', put: { ...put, provisioningStatus: 'PENDING_UPDATE' } }],
    operation: {
      ...{ id: crypto.randomUUID(), flow, subject: loadBalancerId, priority: 0 },
      input: { loadBalancerId, resourceId: loadBalancerId, imageId: 'image-1', releaseId: 'r', ...fields },
    },
  });
}

function raise(message: string): never {
  throw new Error(message);
}

/** The agent refuses these, for good. */
function failingAt(deps: LoadBalancerDeps, ...names: string[]): LoadBalancerDeps {
  const agent = new Proxy(deps.agent, {
    get(target, name) {
      if (!names.includes(String(name))) return Reflect.get(target, name) as unknown;
      return async () => {
        throw new KilnError('AGENT_REFUSED', 'made to fail', { retryable: false });
      };
    },
  });
  return { ...deps, agent };
}
