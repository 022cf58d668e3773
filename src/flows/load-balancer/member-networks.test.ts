import { describe, expect, it } from 'vitest';
import { failingAtCall, killed } from '../../../test/kit/failing-call.ts';
import { createFakeLoadBalancerDeps } from '../../../test/kit/fakes/fake-load-balancer-deps.ts';
import { aNetwork, aSubnet } from '../../../test/kit/fakes/fake-network.ts';
import { aroundCalls, aServiceError } from '../../../test/kit/fault-injection.ts';
import { storedListener, storedLoadBalancer, storedMember, storedPool } from '../../../test/kit/stored-resources.ts';
import type { Amphora } from '../../model/amphora.ts';
import { KilnError } from '../../model/errors.ts';
import type { FlowName } from '../../model/flow-name.ts';
import type { Member, ProvisioningStatus, Topology } from '../../model/load-balancer.ts';
import type { JsonObject } from '../../model/operation.ts';
import { runFlow } from '../engine/run-flow.ts';
import { rememberTrees } from '../lib/remember-trees.ts';
import type { LoadBalancerDeps } from './deps.ts';
import { loadBalancerFlows } from './index.ts';

/** Where members are, and what of it the amphora's ports and its agent know. */

const limits = { attempts: 3, firstPauseMs: 10, longestPauseMs: 100 };
const vip = {
  ...{ address: '10.100.0.9', networkId: 'lb-vip-net', subnetId: 'lb-vip-subnet', portId: null, octaviaOwned: true },
};
/** Name of a subnet → how its addresses begin. */
const cidrs = {
  one: '10.7.0.0/24',
  two: '10.8.0.0/24',
  far: '10.9.0.0/24',
  'vip-side': '10.200.0.0/24',
} as const;
type Place = keyof typeof cidrs | 'lb-mgmt-net-subnet' | 'lb-vip-subnet' | null;

function setUp(topology: Topology = 'SINGLE') {
  const fakes = createFakeLoadBalancerDeps();
  const { deps, journal, clock, log, loadBalancers, network, amphorae, agent } = fakes;
  const subnetOf = (id: keyof typeof cidrs, networkId: string) => aSubnet({ id, networkId, cidr: cidrs[id] });
  network.addNetwork(aNetwork({ id: 'near-net' }), [subnetOf('one', 'near-net'), subnetOf('two', 'near-net')]);
  network.addNetwork(aNetwork({ id: 'far-net' }), [subnetOf('far', 'far-net')]);
  network.addNetwork(aNetwork({ id: 'lb-vip-net' }), [
    aSubnet({ id: 'lb-vip-subnet', networkId: 'lb-vip-net', cidr: '10.100.0.0/16' }),
    subnetOf('vip-side', 'lb-vip-net'),
  ]);
  const engine = { journal, clock, log, doing: limits, undoing: limits, giveUpAfterMs: 60_000 };
  let asked = 0;

  const apply = (
    rows: Parameters<typeof loadBalancers.apply>[0]['rows'],
    mutableFrom: ProvisioningStatus[] = ['ACTIVE'],
  ) => loadBalancers.apply({ loadBalancerId: 'lb', mutableFrom, rows, operation: null });
  const member = (id: string, subnetId: Place, provisioningStatus: ProvisioningStatus): Member =>
    storedMember(id, 'po', { provisioningStatus, subnetId, address: `10.0.0.${id.length}` });

  async function resume(id: string, through: LoadBalancerDeps = deps) {
    const claimed = (await journal.claim(id, 'w1')) ?? expect.unreachable();
    const flow = loadBalancerFlows.find(({ name }) => name === claimed.operation.flow) ?? expect.unreachable();
    const remembering = { ...through, loadBalancers: rememberTrees(through.loadBalancers) };
    return await runFlow(flow, remembering, claimed, engine, new AbortController().signal);
  }
  async function ask(flow: FlowName, resourceId: string, more: JsonObject = {}): Promise<string> {
    const id = `op-${++asked}`;
    const input = { loadBalancerId: 'lb', resourceId, ...more };
    await journal.enqueue({ id, flow, subject: 'lb', input, priority: 0 });
    return id;
  }
  const carryOut = async (flow: FlowName, resourceId: string, more: JsonObject = {}) =>
    await resume(await ask(flow, resourceId, more));

  /** A load balancer with members there. */
  async function create(...places: Place[]): Promise<void> {
    const provisioningStatus = 'PENDING_CREATE';
    const port = await network.createPort({
      ...{
        name: 'octavia-lb-lb',
        networkId: vip.networkId,
        projectId: null,
        deviceId: 'lb-lb',
        deviceOwner: 'Octavia',
      },
      fixedIps: [{ subnetId: vip.subnetId, ipAddress: vip.address }],
      ...{ adminStateUp: false, securityGroupIds: null, allowedAddressPairs: [], qosPolicyId: null },
    });
    await apply(
      [
        {
          kind: 'loadbalancer',
          put: storedLoadBalancer('lb', { provisioningStatus, topology, vip: { ...vip, portId: port.id } }),
        },
        { kind: 'pool', put: storedPool('po', 'lb', { provisioningStatus }) },
        ...places.map((place, n) => ({
          kind: 'member' as const,
          put: member('m'.repeat(n + 1), place, provisioningStatus),
        })),
        { kind: 'listener', put: storedListener('li', 'lb', { provisioningStatus, defaultPoolId: 'po' }) },
      ],
      [],
    );
    const flow = topology === 'SINGLE' ? 'create-load-balancer' : 'create-load-balancer-pair';
    expect(await carryOut(flow, 'lb')).toBe('done');
  }
  const toAdd = (id: string, place: Place) => apply([{ kind: 'member', put: member(id, place, 'PENDING_CREATE') }]);
  async function add(id: string, place: Place) {
    await toAdd(id, place);
    return await carryOut('create-member', id);
  }
  async function toRemove(id: string) {
    const row = (await loadBalancers.get('member', id)) ?? expect.unreachable();
    await apply([{ kind: 'member', put: { ...row, provisioningStatus: 'PENDING_DELETE' } }]);
  }
  async function remove(id: string) {
    await toRemove(id);
    return await carryOut('delete-member', id);
  }
  /** A batch of members has given one of them another subnet. */
  async function toMove(id: string, to: Place): Promise<JsonObject> {
    const row = (await loadBalancers.get('member', id)) ?? expect.unreachable();
    await apply([{ kind: 'member', put: { ...row, subnetId: to, provisioningStatus: 'PENDING_UPDATE' } }]);
    return { updated: [id], othersBefore: [{ kind: 'member', id, fields: { subnetId: row.subnetId } }] };
  }

  async function amphoraOf(role: Amphora['role']): Promise<Amphora> {
    const all = await amphorae.list({ loadBalancerId: 'lb' });
    return all.find((one) => one.role === role) ?? expect.unreachable();
  }
  /** For each port of the amphora's server: its subnets, and those of which the agent has the addresses. */
  async function plugged(role: Amphora['role'] = topology === 'SINGLE' ? 'STANDALONE' : 'MASTER') {
    const all = await amphorae.list({ loadBalancerId: 'lb' });
    const serving = all.find((one) => one.status === 'ALLOCATED' && one.role === role);
    const { interfaces } = agent.amphora(serving?.id ?? '');
    const ports = await network.listPortsOfDevice(serving?.computeId ?? '');
    return Object.fromEntries(
      ports.map((port) => {
        const known = interfaces.get(port.macAddress);
        const inNeutron = port.fixedIps.map(({ subnetId }) => subnetId);
        const addresses = port.fixedIps.map(({ ipAddress }) => ipAddress);
        // The agent knows all of a port's addresses and no other, but the VIP; or it knows nothing of the port.
        if (known)
          expect(known.addresses.filter((one) => one !== vip.address).toSorted()).toEqual(addresses.toSorted());
        if (known && port.networkId === vip.networkId) expect(known.addresses).toContain(vip.address);
        return [`${port.networkId} ${known?.name ?? 'unknown to the agent'}`, inNeutron];
      }),
    );
  }
  return { ...fakes, create, toAdd, add, toRemove, remove, toMove, carryOut, ask, resume, amphoraOf, plugged };
}

const management = { 'lb-mgmt-net unknown to the agent': ['lb-mgmt-net-subnet'] };
const ofVip = { 'lb-vip-net eth1': ['lb-vip-subnet'] };

describe('members', () => {
  it('in two subnets of a network: one port with an address in each, which come and go with them', async () => {
    const { create, add, remove, plugged } = setUp();
    await create('one', 'two');
    expect(await plugged()).toEqual({ ...management, ...ofVip, 'near-net eth2': ['one', 'two'] });
    expect(await remove('m')).toBe('done');
    expect(await plugged()).toEqual({ ...management, ...ofVip, 'near-net eth2': ['two'] });
    expect(await add('third', 'one')).toBe('done');
    expect(await plugged()).toEqual({ ...management, ...ofVip, 'near-net eth2': ['two', 'one'] });
    expect(await add('fourth', 'one')).toBe('done');
    expect(await remove('third')).toBe('done');
    expect(await plugged()).toEqual({ ...management, ...ofVip, 'near-net eth2': ['two', 'one'] });
    expect(await remove('fourth')).toBe('done');
    expect(await remove('mm')).toBe('done');
    expect(await plugged()).toEqual({ ...management, ...ofVip });
  });

  it("in another subnet of the VIP's network: the port that carries the VIP gets an address there", async () => {
    const { create, add, remove, carryOut, plugged } = setUp();
    await create('vip-side');
    const both = { 'lb-vip-net eth1': ['lb-vip-subnet', 'vip-side'] };
    expect(await plugged()).toEqual({ ...management, ...both });
    expect(await remove('m')).toBe('done');
    expect(await plugged()).toEqual({ ...management, ...ofVip });
    expect(await add('new', 'vip-side')).toBe('done');
    expect(await carryOut('failover-load-balancer', 'lb')).toBe('done');
    expect(await plugged()).toEqual({ ...management, ...both });
  });

  it("have the name of the VIP's interface with an agent of Octavia 11.0: a failover brings the VIP up beside them", async () => {
    const { create, carryOut, plugged, agent } = setUp();
    await create('one', 'far', 'vip-side');
    const { plugNetwork, plugVip } = agent;
    agent.plugNetwork = async (amphora, network, signal) => {
      const { interfaces } = agent.amphora(amphora.id);
      const isNew = !interfaces.has(network.macAddress);
      await plugNetwork(amphora, network, signal);
      const plugged = interfaces.get(network.macAddress) ?? expect.unreachable();
      if (isNew) interfaces.set(network.macAddress, { ...plugged, name: `eth${interfaces.size}` });
    };
    agent.plugVip = async (amphora, address, vip, signal) => {
      const others = [...agent.amphora(amphora.id).interfaces].filter(([macAddress]) => macAddress !== vip.macAddress);
      if (others.some(([, { name }]) => name === 'eth1'))
        throw new KilnError('AGENT_REFUSED', 'answers 500 to POST /1.0/plug/vip: File exists');
      await plugVip(amphora, address, vip, signal);
    };
    expect(await carryOut('failover-load-balancer', 'lb')).toBe('done');
    expect(await plugged()).toEqual({
      ...management,
      ...{ 'near-net eth1': ['one'], 'far-net eth2': ['far'], 'lb-vip-net eth3': ['lb-vip-subnet', 'vip-side'] },
    });
  });

  it("in the VIP's subnet, or nowhere that is known: nothing is plugged for them, and nothing asked", async () => {
    const { create, add, remove, plugged, network } = setUp();
    await create('lb-vip-subnet', null);
    const [updated, listed] = [network.calls('updatePort'), network.calls('listPortsOfDevice')];
    expect(await add('new', 'lb-vip-subnet')).toBe('done');
    expect(await remove('mm')).toBe('done');
    expect([network.calls('updatePort'), network.calls('listPortsOfDevice')]).toEqual([updated, listed]);
    expect(await remove('new')).toBe('done');
    expect(await plugged()).toEqual({ ...management, ...ofVip });
  });

  it('on the management network: a port of their own, and the one that Nova made is left alone', async () => {
    const { create, add, remove, carryOut, amphorae, network } = setUp();
    await create('lb-mgmt-net-subnet');
    const ports = async () => {
      const [amphora] = await amphorae.list({ loadBalancerId: 'lb' });
      const there = await network.listPortsOfDevice(amphora?.computeId ?? '');
      return there.filter(({ networkId }) => networkId === 'lb-mgmt-net').map(({ name }) => name.slice(0, 18));
    };
    expect(await ports()).toEqual(['', 'octavia-lb-member-']);
    expect(await add('new', 'lb-mgmt-net-subnet')).toBe('done');
    expect(await ports()).toEqual(['', 'octavia-lb-member-']);
    expect(await carryOut('failover-load-balancer', 'lb')).toBe('done');
    expect(await ports()).toEqual(['', 'octavia-lb-member-']);
    expect(await remove('m')).toBe('done');
    expect(await remove('new')).toBe('done');
    expect(await ports()).toEqual(['']);
  });

  it('whose subnet was deleted meanwhile hold up nothing, and their network is left', async () => {
    for (const place of ['one', 'far', 'vip-side'] as const) {
      const { create, add, remove, carryOut, plugged, network, loadBalancers } = setUp();
      await create(place);
      network.removeSubnet(place);
      for (const subnet of ['two', 'vip-side', 'far'] as const) {
        if (subnet === place) continue;
        expect(await add(subnet, subnet), place).toBe('done');
        expect(await carryOut('update-listener', 'li'), place).toBe('done');
      }
      expect(await carryOut('failover-load-balancer', 'lb')).toBe('done');
      expect(Object.values(await plugged()).flat()).not.toContain(place);
      expect(await remove('m')).toBe('done');
      expect(await loadBalancers.get('loadbalancer', 'lb')).toMatchObject({ provisioningStatus: 'ACTIVE' });
    }
  });

  it('are sent to the agent again when it did not answer at first', async () => {
    const { create, add, remove, plugged, agent } = setUp();
    await create('one');
    const away = new KilnError('AGENT_UNREACHABLE', 'not yet', { retryable: true });
    for (const place of ['two', 'far', 'vip-side'] as const) {
      agent.failNext('plugNetwork', away);
      expect(await add(place, place)).toBe('done');
    }
    const all = { 'near-net eth2': ['one', 'two'], 'lb-vip-net eth1': ['lb-vip-subnet', 'vip-side'] };
    expect(await plugged()).toEqual({ ...management, 'far-net eth3': ['far'], ...all });
    agent.failNext('plugNetwork', away);
    expect(await remove('two')).toBe('done');
    expect(await plugged()).toMatchObject({ 'near-net eth2': ['one'] });
  });

  it('are sent again to the one of a pair that did not answer at first', async () => {
    const { create, add, remove, plugged, agent } = setUp('ACTIVE_STANDBY');
    await create('one');
    const away = new KilnError('AGENT_UNREACHABLE', 'not yet', { retryable: true });
    const both = async () => [await plugged('MASTER'), await plugged('BACKUP')];
    for (const place of ['two', 'far', 'vip-side'] as const) {
      agent.failNext('plugNetwork', away);
      expect(await add(place, place)).toBe('done');
    }
    const all = { 'near-net eth2': ['one', 'two'], 'lb-vip-net eth1': ['lb-vip-subnet', 'vip-side'] };
    const each = { ...management, 'far-net eth3': ['far'], ...all };
    expect(await both()).toEqual([each, each]);
    agent.failNext('plugNetwork', away);
    expect(await remove('two')).toBe('done');
    expect(await both()).toMatchObject([{ 'near-net eth2': ['one'] }, { 'near-net eth2': ['one'] }]);
  });

  describe('of a pair, one server of which', () => {
    type End = 'deleteServer' | 'breakServer' | 'turnOff';

    async function withDead(role: 'MASTER' | 'BACKUP', end: End, ...places: Place[]) {
      const harness = setUp('ACTIVE_STANDBY');
      await harness.create(...places);
      const dead = await harness.amphoraOf(role);
      await harness.compute[end](dead.computeId ?? '');
      return { ...harness, dead };
    }

    it.each([
      ['was deleted', 'deleteServer', ['far', 'vip-side']],
      ['is in ERROR', 'breakServer', ['far']],
      ['is off', 'turnOff', ['far']],
    ] as const)('%s are reached by the other one, and this one is left to failover', async (_, end, places) => {
      for (const place of places) {
        const { add, carryOut, plugged, amphoraOf, network, dead } = await withDead('MASTER', end, 'one');
        const before = await plugged('BACKUP');
        expect(await add('new', place)).toBe('done');
        expect(await amphoraOf('MASTER')).toMatchObject({ status: 'ERROR', reason: { code: 'AGENT_UNREACHABLE' } });
        expect(await amphoraOf('BACKUP')).toMatchObject({ status: 'ALLOCATED' });
        const after = await plugged('BACKUP');
        expect(after).not.toEqual(before);
        expect(await carryOut('failover-amphora-of-pair', 'lb', { amphoraId: dead.id })).toBe('done');
        expect(subnetsOf(await plugged('MASTER'))).toEqual(subnetsOf(after));
        const reference = setUp('ACTIVE_STANDBY');
        await reference.create('one', place);
        expect(network.ports()).toHaveLength(reference.network.ports().length);
      }
    });

    it('was deleted, are reached by the other one as before when they could not be removed', async () => {
      for (const [dead, living] of [
        ['MASTER', 'BACKUP'],
        ['BACKUP', 'MASTER'],
      ] as const) {
        const harness = await withDead(dead, 'deleteServer', 'one');
        const before = await harness.plugged(living);
        harness.network.failNext('deletePort', new KilnError('SERVICE_REJECTED_REQUEST', 'no'), 2);
        expect(await harness.remove('m')).toBe('undone');
        expect(await harness.plugged(living)).toEqual(before);
        expect(await harness.amphoraOf(dead)).toMatchObject({ status: 'ERROR' });
        const { provisioningStatus } = (await harness.loadBalancers.get('loadbalancer', 'lb')) ?? expect.unreachable();
        expect(provisioningStatus).toBe('ACTIVE');
      }
    });

    it('is on a dead host, which Nova does not know, are reached by the other one', async () => {
      const { create, toAdd, ask, resume, plugged, amphoraOf, deps } = setUp('ACTIVE_STANDBY');
      await create('one');
      const master = await amphoraOf('MASTER');
      const failing = <Part extends object>(part: Part, names: RegExp, whose: string | null, error: () => KilnError) =>
        aroundCalls(part, names, async (_name, carryOut, [first]) => {
          if ((typeof first === 'string' ? first : (first as { id: string }).id) === whose) throw error();
          return await carryOut();
        });
      const through = {
        ...deps,
        compute: failing(deps.compute, /^attachPort$/, master.computeId, () => aServiceError('SERVICE_FAILED')),
        agent: failing(deps.agent, /./, master.id, () => new KilnError('AGENT_UNREACHABLE', 'silent')),
      };
      await toAdd('new', 'far');
      expect(await resume(await ask('create-member', 'new'), through)).toBe('done');
      expect(await plugged('BACKUP')).toMatchObject({ 'far-net eth3': ['far'] });
      expect(await amphoraOf('MASTER')).toMatchObject({ status: 'ERROR' });
    });

    it('runs, are not taken where Nova refuses their port: that is no fault of the server', async () => {
      for (const error of ['SERVICE_REJECTED_REQUEST', 'SERVICE_NOT_FOUND'] as const) {
        const { create, add, plugged, amphoraOf, compute } = setUp('ACTIVE_STANDBY');
        await create('one');
        const before = await plugged('BACKUP');
        compute.failNext('attachPort', aServiceError(error));
        expect(await add('new', 'far')).toBe('undone');
        for (const role of ['MASTER', 'BACKUP'] as const) {
          expect(await amphoraOf(role)).toMatchObject({ status: 'ALLOCATED' });
          expect(await plugged(role)).toEqual(before);
        }
      }
    });

    it('and the other one were deleted, or the only one was, fail the change', async () => {
      for (const topology of ['ACTIVE_STANDBY', 'SINGLE'] as const) {
        const { create, add, amphorae, compute } = setUp(topology);
        await create('one');
        for (const { server } of compute.servers()) await compute.deleteServer(server.id);
        expect(await add('new', 'far')).toBe('undone');
        for (const { status } of await amphorae.list({ loadBalancerId: 'lb' })) expect(status).toBe('ALLOCATED');
      }
    });
  });

  it('that can not be reached leave no address behind, also where the agent fails', async () => {
    for (const place of ['two', 'far', 'vip-side'] as const) {
      const { create, add, plugged, agent, network } = setUp();
      await create('one');
      const before = await plugged();
      const ports = network.ports().length;
      agent.failNext('plugNetwork', new KilnError('AGENT_REFUSED', 'a full disk'), 2);
      expect(await add(place, place), place).toBe('undone');
      expect(await plugged(), place).toEqual(before);
      expect(network.ports()).toHaveLength(ports);
    }
  });

  it('that could not be removed are reached as before', async () => {
    const { create, toRemove, carryOut, plugged, network } = setUp();
    await create('one', 'two', 'far', 'vip-side');
    const before = await plugged();
    for (const id of ['mm', 'mmm', 'mmmm']) await toRemove(id);
    network.failNext('deletePort', new KilnError('SERVICE_REJECTED_REQUEST', 'no'));
    expect(await carryOut('update-members', 'po')).toBe('undone');
    expect(await plugged()).toEqual(before);
  });

  const moves = (['two', 'far', 'vip-side', 'lb-vip-subnet', 'lb-mgmt-net-subnet', null] as const).flatMap((place) => [
    ['one', place] as const,
    [place, 'one'] as const,
  ]);
  it.each(moves)(
    'moved from %s to %s have their port and address there, and none where they were',
    async (from, to) => {
      const { create, toMove, ask, resume, plugged } = setUp();
      await create('far', from);
      const more = await toMove('mm', to);
      expect(await resume(await ask('update-members', 'po', more))).toBe('done');
      const reference = setUp();
      await reference.create('far', to);
      expect(subnetsOf(await plugged())).toEqual(subnetsOf(await reference.plugged()));
    },
  );

  it.each(moves)(
    'whose move from %s to %s is undone, at any point, are where they were, and nowhere else',
    async (from, to) => {
      for (let at = 1, isReached = true; isReached; at++) {
        const { create, toMove, ask, resume, plugged, network, deps } = setUp();
        await create('far', from);
        const before = await plugged();
        const ports = network.ports().length;
        const id = await ask('update-members', 'po', await toMove('mm', to));
        const failing = failingBehind(deps, at);
        const end = await resume(id, failing.deps);
        isReached = failing.calls() >= at;
        if (isReached && end === 'undone') {
          expect(subnetsOf(await plugged()), `${at}`).toEqual(subnetsOf(before));
          expect(network.ports()).toHaveLength(ports);
        } else expect(end).toBe('done');
      }
    },
  );

  it('are plugged, and unplugged, by whoever comes after one that was killed at any point', async () => {
    for (const place of ['two', 'far', 'vip-side', 'lb-mgmt-net-subnet'] as const) {
      for (const what of ['add', 'remove'] as const) {
        for (let at = 1, isReached = true; isReached; at++) {
          const harness = setUp();
          await harness.create('one', ...(what === 'remove' ? [place] : []));
          if (what === 'add') await harness.toAdd('mm', place);
          else await harness.toRemove('mm');
          const id = await harness.ask(what === 'add' ? 'create-member' : 'delete-member', 'mm');
          const dying = killedBehind(harness.deps, at);
          const end = await harness.resume(id, dying.deps).catch((error: KilnError) => error.code);
          isReached = dying.calls() >= at;
          if (isReached) expect(await harness.resume(id), `${what} ${place} ${at}`).toBe('done');
          else expect(end).toBe('done');
          const reference = setUp();
          await reference.create('one', ...(what === 'add' ? [place] : []));
          expect(await harness.plugged(), `${what} ${place} ${at}`).toEqual(await reference.plugged());
          expect(harness.network.ports()).toHaveLength(reference.network.ports().length);
        }
      }
    }
  });
});

/** The subnets of each network's port. */
const subnetsOf = (plugged: Record<string, (string | null)[]>) =>
  Object.entries(plugged)
    .map(([name, subnets]) => `${name.split(' ')[0]}: ${subnets.toSorted()}`)
    .toSorted();

/** The process ends behind the n-th call that changes something. */
const killedBehind = (deps: LoadBalancerDeps, n: number) =>
  failingAtCall(deps, n, /^(create|update|delete|attach|detach|plug)/, 'behind', killed());

/** The n-th call that changes something is carried out, and answered by a refusal. */
const failingBehind = (deps: LoadBalancerDeps, n: number) =>
  failingAtCall(deps, n, /^(create|update|delete|attach|detach|plug|upload|reload|start)/, 'behind');
