import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anImage } from '../../../test/kit/builders.ts';
import { failingAtCall } from '../../../test/kit/failing-call.ts';
import { createFakeLoadBalancerDeps } from '../../../test/kit/fakes/fake-load-balancer-deps.ts';
import { aNetwork, aSubnet } from '../../../test/kit/fakes/fake-network.ts';
import { storedListener, storedLoadBalancer, storedMember, storedPool } from '../../../test/kit/stored-resources.ts';
import { KilnError } from '../../model/errors.ts';
import type { FlowName } from '../../model/flow-name.ts';
import type { JsonObject } from '../../model/operation.ts';
import { runFlow } from '../engine/run-flow.ts';
import { rememberTrees } from '../lib/remember-trees.ts';
import type { LoadBalancerDeps } from './deps.ts';
import { loadBalancerFlows } from './index.ts';

const vip = {
  address: '10.100.0.9',
  networkId: 'lb-vip-net',
  subnetId: 'lb-vip-subnet',
  portId: null,
  octaviaOwned: true,
};
const limits = { attempts: 2, firstPauseMs: 10, longestPauseMs: 100 };
const never = new AbortController().signal;

function setUp(options: Parameters<typeof createFakeLoadBalancerDeps>[0] = {}) {
  const fakes = createFakeLoadBalancerDeps(options);
  const { deps, journal, clock, log, loadBalancers, network, compute, amphorae } = fakes;
  const engine = { journal, clock, log, doing: limits, undoing: limits, giveUpAfterMs: 900_000 };
  let asked = 0;

  async function ask(name: FlowName, fields: JsonObject = {}): Promise<string> {
    const id = `op-${++asked}`;
    const input = { loadBalancerId: 'lb', resourceId: 'lb', ...fields };
    await journal.enqueue({ id, flow: name, subject: 'lb', input, priority: 0 });
    return id;
  }
  async function carryOut(operationId: string, through: LoadBalancerDeps = deps, stop: AbortSignal = never) {
    const claimed = await journal.claim(operationId, 'w1');
    if (!claimed) throw new Error('not to be had');
    const flow = loadBalancerFlows.find(({ name }) => name === claimed.operation.flow);
    if (!flow) throw new Error(`no flow ${claimed.operation.flow}`);
    const remembering = { ...through, loadBalancers: rememberTrees(through.loadBalancers) };
    return await runFlow(flow, remembering, claimed, engine, stop);
  }
  /** A load balancer with an HTTP listener, a pool and a member, as the API writes it. */
  async function write(status: 'PENDING_CREATE' | 'ACTIVE'): Promise<void> {
    const port = await network.createPort({
      name: 'octavia-lb-lb',
      networkId: 'lb-vip-net',
      projectId: null,
      fixedIps: [{ subnetId: 'lb-vip-subnet', ipAddress: vip.address }],
      deviceId: 'lb-lb',
      deviceOwner: 'Octavia',
      adminStateUp: false,
      securityGroupIds: null,
      allowedAddressPairs: [],
      qosPolicyId: null,
    });
    const provisioningStatus = status;
    await loadBalancers.apply({
      loadBalancerId: 'lb',
      mutableFrom: [],
      rows: [
        {
          kind: 'loadbalancer',
          put: storedLoadBalancer('lb', { provisioningStatus, vip: { ...vip, portId: port.id } }),
        },
        { kind: 'pool', put: storedPool('po', 'lb', { provisioningStatus }) },
        { kind: 'member', put: storedMember('me', 'po', { provisioningStatus, address: '10.0.0.1' }) },
        { kind: 'listener', put: storedListener('li', 'lb', { provisioningStatus, defaultPoolId: 'po' }) },
      ],
      operation: null,
    });
  }
  async function created(): Promise<void> {
    await write('PENDING_CREATE');
    expect(await carryOut(await ask('create-load-balancer'))).toBe('done');
  }
  const left = async () => ({
    servers: compute.servers().length,
    vrrpPorts: network.ports().filter(({ name }) => name.startsWith('octavia-lb-vrrp')).length,
    groups: network.securityGroups().filter(({ name }) => name === 'lb-lb').length,
    amphorae: (await amphorae.list({ loadBalancerId: 'lb' })).length,
  });
  const statusOf = async () => (await loadBalancers.get('loadbalancer', 'lb'))?.provisioningStatus ?? null;
  return { ...fakes, ask, carryOut, write, created, left, statusOf };
}

/** Calls that make or change something. */
const making = /^(create|attach|upload|act|plug)/;

describe('flows of a load balancer', () => {
  it('create it: one server, one port, one group, everything ACTIVE', async () => {
    const { created, left, statusOf, agent, amphorae, network } = setUp();
    await created();
    expect(await left()).toEqual({ servers: 1, vrrpPorts: 1, groups: 1, amphorae: 1 });
    expect(await statusOf()).toBe('ACTIVE');
    const [amphora] = await amphorae.list({ loadBalancerId: 'lb' });
    expect(amphora).toMatchObject({ status: 'ALLOCATED', role: 'STANDALONE', imageId: 'image-1', haIp: vip.address });
    const object = agent.amphora(amphora?.id ?? '').objects.get('lb');
    expect(object).toMatchObject({ running: true });
    expect(object?.configuration).toContain('bind 10.100.0.9:80');
    const port = network.ports().find(({ id }) => id === amphora?.vrrpPortId);
    expect(port).toMatchObject({ deviceId: amphora?.computeId, allowedAddressPairs: [{ ipAddress: vip.address }] });
  });

  it('size HAProxy by what the amphora has', async () => {
    const { created, agent, amphorae } = setUp();
    const details = await agent.getDetails({ id: 'any', address: '' });
    agent.getDetails = async () => ({ ...details, cpuCount: 4, activeTunedProfiles: ['virtual-guest', 'amphora'] });
    await created();
    const [amphora] = await amphorae.list({ loadBalancerId: 'lb' });
    expect(agent.amphora(amphora?.id ?? '').objects.get('lb')?.configuration).toContain('nbthread 3');
  });

  it('boot what carries the tag when their turn to be built has come, also after a restart', async () => {
    for (const restarted of [false, true]) {
      const harness = setUp({ buildRateLimit: 1 });
      const { deps, ask, carryOut, write, images, amphorae, compute, journal } = harness;
      await write('PENDING_CREATE');
      const id = await ask('create-load-balancer');
      if (restarted) {
        // A worker had chosen, and died before it asked Nova for a server.
        const dying = new AbortController();
        const resolve: typeof deps.resolver.resolve = async (request) => {
          dying.abort();
          return await deps.resolver.resolve(request);
        };
        const resolver = { ...deps.resolver, resolve };
        expect(await carryOut(id, { ...deps, resolver }, dying.signal)).toBe('released');
        expect((await journal.get(id))?.entries.some((entry) => entry.kind === 'done')).toBe(true);
        await deps.builds.release(id);
      }
      await deps.builds.acquire('another', ['other'], never);
      const end = carryOut(id);
      await new Promise((resolve) => setImmediate(resolve));
      expect(compute.servers()).toEqual([]);
      images.put(anImage({ id: 'image-2', createdAt: '2030-01-01T00:00:00Z' }));
      await deps.builds.release('another');
      expect(await end).toBe('done');
      expect(compute.servers().map(({ spec }) => spec.imageId)).toEqual(['image-2']);
      expect(await amphorae.list({ loadBalancerId: 'lb' })).toMatchObject([
        { imageId: 'image-2', imageChoice: { imageId: 'image-2' } },
      ]);
    }
  });

  it('take the tag of its flavor', async () => {
    const { created, offered, images } = setUp();
    offered.flavor = { amp_image_tag: 'special' };
    await expect(created()).rejects.toThrow();
    expect(images.calls('list')).toBeGreaterThan(0);
  });

  it('whichever call fails for good, a creation leaves nothing behind, and tells why', async () => {
    for (let n = 1; ; n++) {
      const { deps, ask, carryOut, write, left, statusOf, loadBalancers } = setUp();
      await write('PENDING_CREATE');
      const failing = failingAtCall(deps, n, making);
      const end = await carryOut(await ask('create-load-balancer'), failing.deps);
      if (failing.calls() < n) {
        expect(n).toBeGreaterThan(8);
        expect(end).toBe('done');
        return;
      }
      expect(end).toBe('undone');
      expect(await left(), `call ${n}`).toEqual({ servers: 0, vrrpPorts: 0, groups: 0, amphorae: 0 });
      expect(await statusOf()).toBe('ERROR');
      expect(await loadBalancers.reasonOf('lb')).toMatchObject({ code: 'SERVICE_REJECTED_REQUEST' });
    }
  });

  it('whichever call fails for good, a failover leaves the old amphora serving; else the new one alone', async () => {
    for (let n = 1; ; n++) {
      const { deps, ask, carryOut, created, left, statusOf, amphorae, agent, loadBalancers } = setUp();
      await created();
      const [before] = await amphorae.list({ loadBalancerId: 'lb' });
      const failing = failingAtCall(deps, n, making);
      const end = await carryOut(await ask('failover-load-balancer'), failing.deps);
      const [after] = await amphorae.list({ loadBalancerId: 'lb' });
      expect(await left(), `call ${n}`).toEqual({ servers: 1, vrrpPorts: 1, groups: 1, amphorae: 1 });
      expect(await statusOf()).toBe('ACTIVE');
      expect(agent.amphora(after?.id ?? '').objects.get('lb')).toMatchObject({ running: true });
      if (failing.calls() < n) {
        expect(end).toBe('done');
        expect(after?.id).not.toBe(before?.id);
        return;
      }
      expect(end).toBe('undone');
      expect(after?.id).toBe(before?.id);
      expect(await loadBalancers.reasonOf('lb')).toMatchObject({ code: 'SERVICE_REJECTED_REQUEST' });
    }
  });

  it('a repair boots what the load balancer is assigned, whatever the tag gives by now; a failover takes the tag', async () => {
    const { images, ask, carryOut, created, amphorae } = setUp();
    await created();
    const imageId = async () => (await amphorae.list({ loadBalancerId: 'lb' }))[0]?.imageId;
    // Released, and off the old one: that need not carry the tag, and may be hidden.
    const old = await images.get('image-1');
    images.put({ ...old, tags: [], osHidden: true });
    images.put({ ...old, id: 'image-2' });
    expect(await carryOut(await ask('failover-amphora', { image: 'assigned' }))).toBe('done');
    expect(await imageId()).toBe('image-1');
    expect(await carryOut(await ask('failover-amphora'))).toBe('done');
    expect(await imageId()).toBe('image-2');
    expect(await amphorae.assignedImageId('lb')).toBe('image-2');
    expect(await carryOut(await ask('failover-amphora', { image: 'assigned' }))).toBe('done');
    expect(await imageId()).toBe('image-2');
  });

  it('once released a load balancer is assigned that image: its repair boots it, whatever the tag gives', async () => {
    const { images, ask, carryOut, created, amphorae } = setUp();
    await created();
    images.put({ ...(await images.get('image-1')), id: 'image-2', tags: [] });
    const imageId = async () => (await amphorae.list({ loadBalancerId: 'lb' }))[0]?.imageId;
    expect(await imageId()).toBe('image-1');
    expect(await carryOut(await ask('release-amphora', { imageId: 'image-2', releaseId: 'r' }))).toBe('done');
    expect([await imageId(), await amphorae.assignedImageId('lb')]).toEqual(['image-2', 'image-2']);
    expect(await carryOut(await ask('failover-amphora', { image: 'assigned' }))).toBe('done');
    expect([await imageId(), await amphorae.assignedImageId('lb')]).toEqual(['image-2', 'image-2']);
    // Taken back: as it was before.
    expect(await carryOut(await ask('release-amphora', { imageId: 'image-1', releaseId: 'r' }))).toBe('done');
    expect(await carryOut(await ask('failover-amphora', { image: 'assigned' }))).toBe('done');
    expect(await imageId()).toBe('image-1');
  });

  it.each([
    ['is gone from Glance', null],
    ['is deactivated', { status: 'deactivated' }],
    ['belongs to project tenant', { owner: 'tenant' }],
  ])('a repair takes the tag, with a warning, when the assigned image %s', async (why, fields) => {
    const { images, ask, carryOut, created, amphorae, log } = setUp();
    await created();
    const old = await images.get('image-1');
    images.put({ ...old, id: 'image-2' });
    if (fields) images.put({ ...old, tags: [], ...fields });
    else images.remove('image-1');
    expect(await carryOut(await ask('failover-amphora', { image: 'assigned' }))).toBe('done');
    expect(await amphorae.list({ loadBalancerId: 'lb' })).toMatchObject([{ imageId: 'image-2' }]);
    expect(log.lines.some(({ level, message }) => level === 'warn' && message.includes(why))).toBe(true);
  });

  it('a failover that is undone leaves what was assigned', async () => {
    const { deps, images, ask, carryOut, created, amphorae } = setUp();
    await created();
    images.put({ ...(await images.get('image-1')), id: 'image-2', createdAt: '2026-11-23T11:59:00Z' });
    expect(await carryOut(await ask('failover-amphora'), failingAtCall(deps, 1, making).deps)).toBe('undone');
    expect(await amphorae.assignedImageId('lb')).toBe('image-1');
  });

  it('the repair of a load balancer in ERROR that does not come off leaves it in ERROR', async () => {
    const { deps, ask, carryOut, created, statusOf } = setUp();
    await created();
    const end = await carryOut(
      await ask('failover-amphora', { wasInError: true }),
      failingAtCall(deps, 1, making).deps,
    );
    expect(end).toBe('undone');
    expect(await statusOf()).toBe('ERROR');
  });

  it('a listener that HAProxy refuses is in ERROR; the rest, and what the amphora runs, is as before', async () => {
    const { ask, carryOut, created, loadBalancers, amphorae, agent, statusOf } = setUp();
    await created();
    const [amphora] = await amphorae.list({ loadBalancerId: 'lb' });
    const running = () => agent.amphora(amphora?.id ?? '').objects.get('lb')?.configuration;
    const before = running();
    const bad = storedListener('bogus', 'lb', { protocolPort: 81, provisioningStatus: 'PENDING_CREATE' });
    await loadBalancers.apply({
      loadBalancerId: 'lb',
      mutableFrom: ['ACTIVE'],
      rows: [{ kind: 'listener', put: bad }],
      operation: null,
    });
    expect(await carryOut(await ask('create-listener', { resourceId: 'bogus' }))).toBe('undone');
    expect(await loadBalancers.get('listener', 'bogus')).toMatchObject({ provisioningStatus: 'ERROR' });
    expect(await loadBalancers.get('listener', 'li')).toMatchObject({ provisioningStatus: 'ACTIVE' });
    expect(await statusOf()).toBe('ACTIVE');
    expect(running()).toBe(before);
  });

  /** The member is in a network of its own. */
  async function withMemberNetwork() {
    const harness = setUp();
    harness.network.addNetwork(aNetwork({ id: 'member-net', subnetIds: ['member-subnet'] }), [
      aSubnet({ id: 'member-subnet', networkId: 'member-net', cidr: '10.7.0.0/16' }),
    ]);
    await harness.write('PENDING_CREATE');
    const member = (await harness.loadBalancers.get('member', 'me')) ?? expect.unreachable();
    await harness.loadBalancers.apply({
      loadBalancerId: 'lb',
      mutableFrom: ['PENDING_CREATE'],
      rows: [{ kind: 'member', put: { ...member, address: '10.7.0.1', subnetId: 'member-subnet' } }],
      operation: null,
    });
    const memberPorts = () => harness.network.ports().filter(({ name }) => name.startsWith('octavia-lb-member-'));
    return { ...harness, memberPorts };
  }

  it('a plug that Nova refuses leaves no port, whichever it was', async () => {
    for (const before of [0, 1]) {
      const { ask, carryOut, memberPorts, left, compute } = await withMemberNetwork();
      const refusal = new KilnError('SERVICE_REJECTED_REQUEST', 'no');
      if (before === 1) compute.beforeNext('attachPort', () => {});
      compute.failNext('attachPort', refusal);
      expect(await carryOut(await ask('create-load-balancer'))).toBe('undone');
      expect(compute.calls('attachPort')).toBe(before + 1);
      expect(memberPorts()).toEqual([]);
      expect(await left()).toEqual({ servers: 0, vrrpPorts: 0, groups: 0, amphorae: 0 });
    }
  });

  it('a failover and a deletion leave no port of the old amphora, also of one whose server is gone or broken', async () => {
    const { ask, carryOut, memberPorts, left, compute, network, statusOf, amphorae } = await withMemberNetwork();
    expect(await carryOut(await ask('create-load-balancer'))).toBe('done');
    for (const harm of ['none', 'broken', 'gone'] as const) {
      const [server] = compute.servers();
      if (harm === 'broken') compute.breakServer(server?.server.id ?? '');
      if (harm === 'gone') await compute.deleteServer(server?.server.id ?? '');
      expect(await carryOut(await ask('failover-load-balancer')), harm).toBe('done');
      expect(await statusOf()).toBe('ACTIVE');
      const [amphora] = await amphorae.list({ loadBalancerId: 'lb' });
      expect(
        memberPorts().map(({ deviceId }) => deviceId),
        harm,
      ).toEqual([amphora?.computeId]);
      expect(await left(), harm).toEqual({ servers: 1, vrrpPorts: 1, groups: 1, amphorae: 1 });
    }
    for (const { server } of compute.servers()) await compute.deleteServer(server.id);
    expect(await carryOut(await ask('delete-load-balancer'))).toBe('done');
    expect(network.ports()).toEqual([]);
  });

  it('a failover whose old server Nova never deletes ends: the new amphora serves, the rest is named', async () => {
    const { deps, journal, ask, carryOut, created, statusOf, loadBalancers, amphorae, compute } = setUp();
    await created();
    const [old] = await amphorae.list({ loadBalancerId: 'lb' });
    const deleteServer = async () => {
      throw new KilnError('SERVICE_REJECTED_REQUEST', 'Nova says no');
    };
    const id = await ask('failover-load-balancer');
    expect(await carryOut(id, { ...deps, compute: { ...compute, deleteServer } })).toBe('undone');
    expect(await statusOf()).toBe('ERROR');
    expect(await loadBalancers.reasonOf('lb')).toMatchObject({ message: 'Nova says no' });
    const after = await amphorae.list({ loadBalancerId: 'lb' });
    expect(after.map(({ status }) => status).toSorted()).toEqual(['ALLOCATED', 'ERROR']);
    const left = (await journal.get(id))?.entries.flatMap((entry) => (entry.kind === 'left' ? entry.leftovers : []));
    expect(left).toContainEqual({ kind: 'server', id: old?.computeId, name: old?.serverName });
    // As the API asks for it.
    const row = (await loadBalancers.get('loadbalancer', 'lb')) ?? expect.unreachable();
    await loadBalancers.apply({
      loadBalancerId: 'lb',
      mutableFrom: ['ERROR'],
      rows: [{ kind: 'loadbalancer', put: { ...row, provisioningStatus: 'PENDING_UPDATE' } }],
      operation: null,
    });
    expect(await carryOut(await ask('failover-load-balancer'))).toBe('done');
    expect(await statusOf()).toBe('ACTIVE');
    expect(compute.servers()).toHaveLength(1);
  });

  it('a failover whose old server Nova is deleting for ever is done: the old amphora is left in ERROR', async () => {
    const { deps, journal, ask, carryOut, created, statusOf, amphorae, compute, left } = setUp();
    await created();
    const [old] = await amphorae.list({ loadBalancerId: 'lb' });
    const stuck = { ...deps, compute: { ...compute, deleteServer: async () => {} } };
    const id = await ask('failover-load-balancer');
    expect(await carryOut(id, stuck)).toBe('done');
    expect(await statusOf()).toBe('ACTIVE');
    const after = await amphorae.list({ loadBalancerId: 'lb' });
    expect(after.find((one) => one.id === old?.id)?.status).toBe('ERROR');
    expect(after.filter((one) => one.id !== old?.id)).toMatchObject([{ status: 'ALLOCATED' }]);
    const notes = (await journal.get(id))?.entries.flatMap((entry) => (entry.kind === 'note' ? entry.message : []));
    expect(notes?.join()).toContain(`amphora ${old?.id} is replaced, and left in ERROR`);
    // Whoever deletes it does not hold the load balancer for longer than one try, and is done once Nova is.
    const deletion = { amphoraId: old?.id ?? '' };
    expect(await carryOut(await ask('delete-amphora', deletion), stuck)).toBe('undone');
    expect(compute.calls('findServersByName')).toBeLessThan(60);
    expect(await carryOut(await ask('delete-amphora', deletion))).toBe('done');
    expect(await left()).toEqual({ servers: 1, vrrpPorts: 1, groups: 1, amphorae: 1 });
  });

  it('a deletion of a load balancer whose server Nova is deleting for ever is not done', async () => {
    const { deps, ask, carryOut, created, statusOf, compute } = setUp();
    await created();
    const stuck = { ...deps, compute: { ...compute, deleteServer: async () => {} } };
    expect(await carryOut(await ask('delete-load-balancer'), stuck)).not.toBe('done');
    expect(await statusOf()).not.toBeNull();
    expect(compute.servers()).toHaveLength(1);
  });

  it('a change does not stumble over what is left of an amphora that could not be removed', async () => {
    const { ask, carryOut, created, loadBalancers, amphorae, network, statusOf } = setUp();
    await created();
    const [amphora] = await amphorae.list({ loadBalancerId: 'lb' });
    const left = { ...(amphora ?? expect.unreachable()), id: 'left', status: 'ERROR' as const, vrrpPortId: 'gone' };
    await amphorae.insert(left);
    network.addQosPolicy('qos');
    const row = (await loadBalancers.get('loadbalancer', 'lb')) ?? expect.unreachable();
    await loadBalancers.apply({
      loadBalancerId: 'lb',
      mutableFrom: ['ACTIVE'],
      rows: [
        {
          kind: 'loadbalancer',
          put: {
            ...row,
            provisioningStatus: 'PENDING_UPDATE',
            vipQosPolicyId: 'qos',
            vipSgIds: [network.securityGroups()[0]?.id ?? ''],
          },
        },
      ],
      operation: null,
    });
    const before = { vipQosPolicyId: null };
    expect(await carryOut(await ask('update-load-balancer', { before }))).toBe('done');
    expect(await statusOf()).toBe('ACTIVE');
    expect(network.ports().find(({ id }) => id === amphora?.vrrpPortId)).toMatchObject({ qosPolicyId: 'qos' });
  });

  it('delete it: nothing is left but what was not its own', async () => {
    const { ask, carryOut, created, left, statusOf, network, forgotten, amphorae } = setUp();
    await created();
    const [amphora] = await amphorae.list({ loadBalancerId: 'lb' });
    expect(await carryOut(await ask('delete-load-balancer', { cascade: true }))).toBe('done');
    expect(await left()).toEqual({ servers: 0, vrrpPorts: 0, groups: 0, amphorae: 0 });
    expect(await statusOf()).toBeNull();
    expect(network.ports()).toEqual([]);
    expect(network.securityGroups().map(({ name }) => name)).toEqual(['lb-mgmt-sec-grp']);
    expect(forgotten).toEqual([amphora?.id]);
  });

  it('a change on a load balancer that nobody serves is refused, with what to do', async () => {
    const { ask, carryOut, write, loadBalancers } = setUp();
    await write('ACTIVE');
    expect(await carryOut(await ask('update-listener', { resourceId: 'li', before: {} }))).toBe('undone');
    expect(await loadBalancers.reasonOf('lb')).toMatchObject({ code: 'AMPHORA_NOT_FOUND' });
  });

  it('whatever fails for a moment, a creation comes to its end', async () => {
    const methods = ['createPort', 'updatePort', 'findPortsByName', 'createSecurityGroupRule'] as const;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...methods), async (method) => {
        const { network, created, left } = setUp();
        network.failNext(method, new KilnError('SERVICE_FAILED', 'for a moment'));
        await created().catch(() => created());
        expect(await left()).toMatchObject({ servers: 1, vrrpPorts: 1, groups: 1 });
      }),
      { numRuns: 8 },
    );
  });
});
