import { describe, expect, it } from 'vitest';
import { createFakeLoadBalancerDeps } from '../../test/kit/fakes/fake-load-balancer-deps.ts';
import { madeUpFlow } from '../../test/kit/made-up-flow.ts';
import { storedListener, storedLoadBalancer } from '../../test/kit/stored-resources.ts';
import { KilnError } from '../model/errors.ts';
import type { FlowName } from '../model/flow-name.ts';
import type { JsonObject } from '../model/operation.ts';
import { abortOperation } from './abort-operation.ts';
import { runFlow } from './engine/run-flow.ts';
import type { LoadBalancerDeps } from './load-balancer/deps.ts';
import { loadBalancerFlows } from './load-balancer/index.ts';

const limits = { attempts: 1, firstPauseMs: 10, longestPauseMs: 100 };
const never = new AbortController().signal;

async function setUp() {
  const fakes = createFakeLoadBalancerDeps();
  const { deps, journal, clock, log, loadBalancers, amphorae } = fakes;
  const engine = { journal, clock, log, doing: limits, undoing: limits, giveUpAfterMs: 60_000 };
  const vip = {
    address: '10.100.0.9',
    networkId: 'lb-vip-net',
    subnetId: 'lb-vip-subnet',
    portId: null,
    octaviaOwned: true,
  };
  await loadBalancers.apply({
    loadBalancerId: 'lb',
    mutableFrom: [],
    rows: [
      { kind: 'loadbalancer', put: storedLoadBalancer('lb', { provisioningStatus: 'PENDING_CREATE', vip }) },
      { kind: 'listener', put: storedListener('li', 'lb', { provisioningStatus: 'PENDING_CREATE' }) },
    ],
    operation: null,
  });
  const enqueue = (id: string, flow: FlowName, input: JsonObject = {}) =>
    journal.enqueue({
      id,
      flow,
      subject: 'lb',
      input: { loadBalancerId: 'lb', resourceId: 'lb', ...input },
      priority: 0,
    });
  async function carryOut(id: string, through: LoadBalancerDeps = deps) {
    const claimed = (await journal.claim(id, 'w1')) ?? expect.unreachable();
    const flow = loadBalancerFlows.find(({ name }) => name === claimed.operation.flow) ?? expect.unreachable();
    return await runFlow(flow, through, claimed, engine, never);
  }
  const abort = (id: string) =>
    abortOperation({ journal, loadBalancers, amphorae, flows: loadBalancerFlows, self: 'by-hand', log }, id);
  return { ...fakes, enqueue, carryOut, abort };
}

describe('an operation that is aborted by hand', () => {
  it('ends at once; its worker loses it; what it leaves is reported; the load balancer can be deleted', async () => {
    const { deps, agent, abort, enqueue, carryOut, journal, loadBalancers, amphorae, network, compute } = await setUp();
    await enqueue('op', 'create-load-balancer');
    // The worker is at its step when the operation is taken from it.
    let aborted: Awaited<ReturnType<typeof abort>> | undefined;
    const plugVip: typeof agent.plugVip = async (...all) => {
      aborted = await abort('op');
      await agent.plugVip(...all);
    };
    await expect(carryOut('op', { ...deps, agent: { ...agent, plugVip } })).rejects.toMatchObject({ code: 'FENCED' });
    const [amphora] = await amphorae.list({ loadBalancerId: 'lb' });
    const [{ id: groupId = '' } = {}] = network.securityGroups().filter(({ name }) => name === 'lb-lb');
    expect(aborted).toMatchObject({ id: 'op', status: 'undone', worker: null, lastWorker: 'w1' });
    expect(aborted?.leftovers).toEqual([
      { kind: 'amphora', id: amphora?.id, name: amphora?.serverName },
      { kind: 'server', id: amphora?.computeId, name: amphora?.serverName },
      { kind: 'security group', id: groupId, name: 'lb-lb' },
      { kind: 'port', id: amphora?.vrrpPortId, name: `octavia-lb-vrrp-${amphora?.id}` },
    ]);
    expect(amphora).toMatchObject({ status: 'ERROR', reason: { code: 'OPERATION_ABORTED' } });
    for (const [kind, id] of [
      ['loadbalancer', 'lb'],
      ['listener', 'li'],
    ] as const) {
      expect(await loadBalancers.get(kind, id)).toMatchObject({ provisioningStatus: 'ERROR' });
    }
    expect(await loadBalancers.reasonOf('lb')).toMatchObject({ code: 'OPERATION_ABORTED' });
    const shown = await journal.get('op');
    expect(shown?.operation).toMatchObject({ status: 'undone', reason: { code: 'OPERATION_ABORTED' } });
    expect(shown?.entries.filter(({ kind }) => kind === 'left')).toHaveLength(4);

    await expect(abort('op')).rejects.toMatchObject({ code: 'OPERATION_ENDED' });
    await enqueue('deletion', 'delete-load-balancer');
    expect(await carryOut('deletion')).toBe('done');
    expect([compute.servers(), network.ports(), await loadBalancers.get('loadbalancer', 'lb')]).toEqual([[], [], null]);
  });

  it('before it began leaves what serves as it is', async () => {
    const { abort, enqueue, carryOut, loadBalancers } = await setUp();
    await enqueue('op', 'create-load-balancer');
    await carryOut('op');
    const listener = (await loadBalancers.get('listener', 'li')) ?? expect.unreachable();
    const lb = (await loadBalancers.get('loadbalancer', 'lb')) ?? expect.unreachable();
    await loadBalancers.apply({
      loadBalancerId: 'lb',
      mutableFrom: ['ACTIVE'],
      rows: [
        { kind: 'loadbalancer', put: { ...lb, provisioningStatus: 'PENDING_UPDATE' } },
        { kind: 'listener', put: { ...listener, provisioningStatus: 'PENDING_UPDATE' } },
      ],
      operation: null,
    });
    await enqueue('change', 'update-listener', { resourceId: 'li', before: {} });
    expect(await abort('change')).toMatchObject({ leftovers: [], lastWorker: null });
    expect(await loadBalancers.get('listener', 'li')).toMatchObject({ provisioningStatus: 'ERROR' });
    expect(await loadBalancers.get('loadbalancer', 'lb')).toMatchObject({ provisioningStatus: 'ACTIVE' });
  });

  it.each<[string, FlowName, string]>([
    ['flow', madeUpFlow('of-the-future'), 'anything'],
    ['step', 'create-load-balancer', 'of-the-future'],
  ])('of a %s that this version does not know: what its journal has is reported', async (_what, flow, step) => {
    const { abort, enqueue, journal, loadBalancers } = await setUp();
    await enqueue('op', flow);
    const output = { serverId: 'srv', vrrpPortIds: ['p1', 'p2'], volumeId: 'vol', address: '10.0.0.1' };
    await journal.claim('op', 'newer');
    await journal.record('op', 1, { kind: 'started', step }, { kind: 'done', step, output });
    await journal.release('op', 1);
    expect((await abort('op')).leftovers).toEqual([
      { kind: 'server', id: 'srv', name: null },
      { kind: 'port', id: 'p1', name: null },
      { kind: 'port', id: 'p2', name: null },
      { kind: 'volumeId', id: 'vol', name: null },
    ]);
    expect(await loadBalancers.get('loadbalancer', 'lb')).toMatchObject({ provisioningStatus: 'ERROR' });
  });

  it('of an unknown flow that holds nothing leaves the load balancer and what others change as they are', async () => {
    const { abort, enqueue, carryOut, journal, loadBalancers } = await setUp();
    await enqueue('creation', 'create-load-balancer');
    await carryOut('creation');
    await enqueue('unlocked', madeUpFlow('of-the-future'));
    expect(await abort('unlocked')).toMatchObject({ status: 'undone' });
    expect(await loadBalancers.get('loadbalancer', 'lb')).toMatchObject({ provisioningStatus: 'ACTIVE' });
    expect(await loadBalancers.get('listener', 'li')).toMatchObject({ provisioningStatus: 'ACTIVE' });
    expect(await loadBalancers.reasonOf('lb')).toBeNull();

    // Meanwhile a user changes something, which waits for the unknown one.
    await enqueue('unlocked again', madeUpFlow('of-the-future'));
    await journal.claim('unlocked again', 'newer');
    const listener = (await loadBalancers.get('listener', 'li')) ?? expect.unreachable();
    const lb = (await loadBalancers.get('loadbalancer', 'lb')) ?? expect.unreachable();
    await loadBalancers.apply({
      loadBalancerId: 'lb',
      mutableFrom: ['ACTIVE'],
      rows: [
        { kind: 'loadbalancer', put: { ...lb, provisioningStatus: 'PENDING_UPDATE' } },
        { kind: 'listener', put: { ...listener, provisioningStatus: 'PENDING_UPDATE' } },
      ],
      operation: null,
    });
    await enqueue('change', 'update-listener', { resourceId: 'li', before: {} });
    await abort('unlocked again');
    expect(await loadBalancers.get('loadbalancer', 'lb')).toMatchObject({ provisioningStatus: 'PENDING_UPDATE' });
    expect(await carryOut('change')).toBe('done');
    expect(await loadBalancers.get('listener', 'li')).toMatchObject({ provisioningStatus: 'ACTIVE' });
  });

  it('is refused when there is none, and while it waits for another one on the load balancer', async () => {
    const { abort, enqueue, journal } = await setUp();
    await expect(abort('nowhere')).rejects.toMatchObject({ code: 'OPERATION_NOT_FOUND' });
    await enqueue('first', 'create-load-balancer');
    await enqueue('second', 'update-load-balancer');
    await journal.claim('first', 'w1');
    await expect(abort('second')).rejects.toMatchObject({
      code: 'RESOURCE_CONFLICT',
      message: expect.stringContaining('first'),
    });
  });

  it('of an amphora can be asked for again', async () => {
    const { abort, enqueue, carryOut, amphorae } = await setUp();
    await enqueue('op', 'create-load-balancer');
    await carryOut('op');
    const [amphora] = await amphorae.list({ loadBalancerId: 'lb' });
    const amphoraId = amphora?.id ?? '';
    await amphorae.update(amphoraId, { status: 'PENDING_DELETE' });
    await enqueue('deletion', 'delete-amphora', { amphoraId });
    await abort('deletion');
    expect(await amphorae.get(amphoraId)).toMatchObject({ status: 'ERROR' });
  });

  it('is aborted also when a worker claims it in between', async () => {
    const { abort, enqueue, journal } = await setUp();
    await enqueue('op', 'create-load-balancer');
    journal.beforeNext('finish', async () => {
      await journal.claim('op', 'eager');
    });
    expect(await abort('op')).toMatchObject({ status: 'undone', lastWorker: 'eager' });
  });

  it('is left alone when it can not be written: another one takes it up', async () => {
    const { abort, enqueue, journal } = await setUp();
    await enqueue('op', 'create-load-balancer');
    journal.failNext('finish', new KilnError('STATE_UNUSABLE', 'down', { retryable: true }));
    await expect(abort('op')).rejects.toMatchObject({ code: 'STATE_UNUSABLE' });
    expect((await journal.get('op'))?.operation).toMatchObject({ status: 'running', worker: 'by-hand' });
    expect(await abort('op')).toMatchObject({ status: 'undone' });
  });
});
