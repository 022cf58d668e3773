import { describe, expect, it } from 'vitest';
import { failingAtCall, killed } from '../../../test/kit/failing-call.ts';
import { createFakeLoadBalancerDeps } from '../../../test/kit/fakes/fake-load-balancer-deps.ts';
import { aNetwork, aSubnet } from '../../../test/kit/fakes/fake-network.ts';
import {
  storedHealthMonitor,
  storedListener,
  storedLoadBalancer,
  storedMember,
  storedPool,
} from '../../../test/kit/stored-resources.ts';
import { createVipPort } from '../../../test/kit/vip-port.ts';
import type { OperationVerb, RowBefore } from '../../core/operations/operation-subject.ts';
import type { FlowName } from '../../model/flow-name.ts';
import type { LoadBalancer, ResourceKind, Topology } from '../../model/load-balancer.ts';
import type { JsonObject } from '../../model/operation.ts';
import type { RowChange } from '../../ports/load-balancer-store.ts';
import { runFlow } from '../engine/run-flow.ts';
import { rememberTrees } from '../lib/remember-trees.ts';
import type { LoadBalancerDeps } from './deps.ts';
import { loadBalancerFlows } from './index.ts';

/** A change that fails for good, at any call, leaves the cloud and the amphorae as they were. */

const limits = { attempts: 2, firstPauseMs: 10, longestPauseMs: 100 };
const never = new AbortController().signal;

async function setUp(topology: Topology, own: Partial<LoadBalancer> = {}) {
  const fakes = createFakeLoadBalancerDeps();
  const { deps, journal, clock, log, loadBalancers, network, compute, amphorae, agent } = fakes;
  for (const [name, cidr] of [
    ['member', '10.7.0.0/16'],
    ['other', '10.8.0.0/16'],
  ] as const) {
    network.addNetwork(aNetwork({ id: `${name}-net`, subnetIds: [`${name}-subnet`] }), [
      aSubnet({ id: `${name}-subnet`, networkId: `${name}-net`, cidr }),
    ]);
  }
  network.addQosPolicy('policy');
  for (const name of ['user-group', 'other-group']) await network.createSecurityGroup({ name, description: '' });
  /** Groups of users have their names in a change. */
  const withGroupIds = <Fields extends { vipSgIds?: readonly string[] }>(fields: Fields): Fields => {
    const idOf = (named: string) => network.securityGroups().find(({ name }) => name === named)?.id ?? named;
    return fields.vipSgIds ? { ...fields, vipSgIds: fields.vipSgIds.map(idOf) } : fields;
  };
  const engine = { journal, clock, log, doing: limits, undoing: limits, giveUpAfterMs: 900_000 };
  let asked = 0;

  async function carryOut(flowName: FlowName, fields: JsonObject, through: LoadBalancerDeps = deps) {
    const id = `op-${++asked}`;
    const input = { loadBalancerId: 'lb', resourceId: 'lb', ...fields };
    await journal.enqueue({ id, flow: flowName, subject: 'lb', input, priority: 0 });
    return await goOn(id, through);
  }
  async function goOn(id = `op-${asked}`, through: LoadBalancerDeps = deps) {
    const claimed = (await journal.claim(id, 'w1')) ?? expect.unreachable();
    const flow = loadBalancerFlows.find(({ name }) => name === claimed.operation.flow) ?? expect.unreachable();
    const remembering = { ...through, loadBalancers: rememberTrees(through.loadBalancers) };
    return await runFlow(flow, remembering, claimed, engine, never);
  }

  const vip = await createVipPort(network, own.vipQosPolicyId ?? null);
  const state = { provisioningStatus: 'PENDING_CREATE' as const };
  await loadBalancers.apply({
    loadBalancerId: 'lb',
    mutableFrom: [],
    rows: [
      { kind: 'loadbalancer', put: storedLoadBalancer('lb', { ...state, vip, topology, ...withGroupIds(own) }) },
      { kind: 'pool', put: storedPool('po', 'lb', state) },
      { kind: 'member', put: storedMember('me', 'po', { ...state, address: '10.7.0.1', subnetId: 'member-subnet' }) },
      { kind: 'healthmonitor', put: storedHealthMonitor('hm', 'po', state) },
      {
        kind: 'listener',
        put: storedListener('li', 'lb', { ...state, defaultPoolId: 'po', allowedCidrs: ['10.0.0.0/8'] }),
      },
    ],
    operation: null,
  });
  const creation = topology === 'SINGLE' ? 'create-load-balancer' : 'create-load-balancer-pair';
  expect(await carryOut(creation as FlowName, {})).toBe('done');

  async function seen() {
    const groups = new Map(network.securityGroups().map(({ id, name }) => [id, name]));
    const serving = await amphorae.list({ loadBalancerId: 'lb' });
    /** Of the amphora's own addresses the subnets: Neutron may give others there. */
    const subnetsAt = (id: string) =>
      network.ports().flatMap(({ macAddress, fixedIps }) => {
        const addresses = agent.amphora(id).interfaces.get(macAddress)?.addresses ?? [];
        return addresses.map((address) => fixedIps.find(({ ipAddress }) => ipAddress === address)?.subnetId ?? address);
      });
    return {
      ports: network
        .ports()
        .map(({ name, fixedIps, securityGroupIds, qosPolicyId, allowedAddressPairs, deviceId }) => ({
          ...{ name, subnets: fixedIps.map(({ subnetId }) => subnetId), qosPolicyId, allowedAddressPairs, deviceId },
          groups: securityGroupIds.map((id) => groups.get(id)).toSorted(),
        }))
        .toSorted((one, other) => one.name.localeCompare(other.name)),
      groups: network.securityGroups().map(({ name, rules }) => ({
        name,
        rules: rules.map(({ id: _id, ...rule }) => JSON.stringify(rule)).toSorted(),
      })),
      servers: compute.servers().length,
      amphorae: serving.map(({ id, status }) => {
        return { id, status, objects: [...agent.amphora(id).objects], subnets: subnetsAt(id).toSorted() };
      }),
    };
  }
  return { ...fakes, carryOut, goOn, seen, withGroupIds };
}

/** The rows that the API writes, by what is made, changed and to go. */
interface Asked {
  flow: FlowName;
  made?: readonly RowChange[];
  changed?: readonly [kind: ResourceKind, id: string, fields: object][];
  gone?: readonly [kind: ResourceKind, id: string][];
  own?: Partial<LoadBalancer>;
}

const fresh = { provisioningStatus: 'PENDING_CREATE' as const };
const elsewhere = { address: '10.8.0.1', subnetId: 'other-subnet' };
const changes: Readonly<Record<string, Asked>> = {
  'groups of its own': {
    flow: 'update-load-balancer',
    changed: [['loadbalancer', 'lb', { vipSgIds: ['user-group'] }]],
  },
  'its owner’s groups are taken off': {
    flow: 'update-load-balancer',
    own: { vipSgIds: ['user-group'] },
    changed: [['loadbalancer', 'lb', { vipSgIds: [] }]],
  },
  'other groups of its owner': {
    flow: 'update-load-balancer',
    own: { vipSgIds: ['user-group'] },
    changed: [['loadbalancer', 'lb', { vipSgIds: ['other-group', 'user-group'] }]],
  },
  'a QoS policy': { flow: 'update-load-balancer', changed: [['loadbalancer', 'lb', { vipQosPolicyId: 'policy' }]] },
  'no QoS policy any more': {
    flow: 'update-load-balancer',
    own: { vipQosPolicyId: 'policy' },
    changed: [['loadbalancer', 'lb', { vipQosPolicyId: null, adminStateUp: false }]],
  },
  'a listener': {
    flow: 'create-listener',
    made: [{ kind: 'listener', put: storedListener('li2', 'lb', { ...fresh, protocolPort: 81, defaultPoolId: 'po' }) }],
  },
  'a listener of UDP': {
    flow: 'create-listener',
    made: [{ kind: 'listener', put: storedListener('li2', 'lb', { ...fresh, protocol: 'UDP', protocolPort: 53 }) }],
  },
  'other CIDRs of a listener': {
    flow: 'update-listener',
    changed: [['listener', 'li', { allowedCidrs: ['192.0.2.0/24', '10.0.0.0/8'] }]],
  },
  'no listener any more': { flow: 'delete-listener', gone: [['listener', 'li']] },
  'a pool with a member elsewhere': {
    flow: 'create-pool',
    made: [
      { kind: 'pool', put: storedPool('po2', 'lb', fresh) },
      { kind: 'member', put: storedMember('me2', 'po2', { ...fresh, ...elsewhere }) },
    ],
  },
  'another algorithm': { flow: 'update-pool', changed: [['pool', 'po', { lbAlgorithm: 'SOURCE_IP' }]] },
  'no pool any more': { flow: 'delete-pool', gone: [['pool', 'po']] },
  'a member elsewhere': {
    flow: 'create-member',
    made: [{ kind: 'member', put: storedMember('me2', 'po', { ...fresh, ...elsewhere }) }],
  },
  'another weight': { flow: 'update-member', changed: [['member', 'me', { weight: 7 }]] },
  'no member any more': { flow: 'delete-member', gone: [['member', 'me']] },
  'other members': {
    flow: 'update-members',
    made: [{ kind: 'member', put: storedMember('me2', 'po', { ...fresh, ...elsewhere }) }],
    gone: [['member', 'me']],
  },
  'a member that moves': { flow: 'update-members', changed: [['member', 'me', { subnetId: 'other-subnet' }]] },
  'no monitor any more': { flow: 'delete-health-monitor', gone: [['healthmonitor', 'hm']] },
};

const cases = (['SINGLE', 'ACTIVE_STANDBY'] as const).flatMap((topology) =>
  Object.keys(changes).map((name) => [topology, name] as const),
);

const changing = /^(create|update|delete|attach|detach|plug|upload|act)/;

describe('whichever call fails for good, undone or carried out, the cloud and the amphorae are as before', () => {
  it.each(cases)('%s: %s', async (topology, name) => {
    const asked = changes[name] ?? expect.unreachable();
    for (const moment of ['before', 'behind'] as const) {
      for (let n = 1, isReached = true; isReached; n++) {
        const harness = await setUp(topology, asked.own);
        const before = await harness.seen();
        const input = await write(harness, asked);
        const failing = failingAtCall(harness.deps, n, changing, moment);
        const end = await harness.carryOut(asked.flow, input, failing.deps);
        isReached = failing.calls() >= n;
        if (end === 'undone') expect(await harness.seen(), `${moment} call ${n}: ${failing.failed()}`).toEqual(before);
        else expect(end).toBe('done');
        if (!isReached) expect(end).toBe('done');
      }
    }
  });
});

async function write(
  { loadBalancers, withGroupIds }: Awaited<ReturnType<typeof setUp>>,
  asked: Asked,
): Promise<JsonObject> {
  const { made = [], changed = [], gone = [] } = asked;
  const before: RowBefore[] = [];
  const rows: RowChange[] = [...made];
  for (const [kind, id, fields] of changed) {
    const row = (await loadBalancers.get(kind as 'listener', id)) ?? expect.unreachable();
    const old = Object.fromEntries(Object.keys(fields).map((field) => [field, row[field as 'name']]));
    before.push({ kind: kind as ResourceKind, id, fields: old });
    rows.push({ kind, put: { ...row, ...withGroupIds(fields), provisioningStatus: 'PENDING_UPDATE' } } as RowChange);
  }
  for (const [kind, id] of gone) {
    const row = (await loadBalancers.get(kind as 'listener', id)) ?? expect.unreachable();
    rows.push({ kind, put: { ...row, provisioningStatus: 'PENDING_DELETE' } } as RowChange);
  }
  await loadBalancers.apply({ loadBalancerId: 'lb', mutableFrom: ['ACTIVE'], rows, operation: null });
  const [first] = rows;
  const isBatch = asked.flow === 'update-members';
  const verb = asked.flow.split('-')[0] as OperationVerb;
  return {
    resourceId: isBatch ? 'po' : first && 'put' in first ? first.put.id : '',
    ...(isBatch
      ? {
          othersBefore: before,
          created: made.map(() => 'me2'),
          updated: changed.map(([, id]) => id),
          deleted: gone.map(([, id]) => id),
        }
      : {}),
    ...(verb === 'update' && !isBatch ? { before: before[0]?.fields ?? {} } : {}),
  };
}

describe('whoever carries the change out is killed behind any call: the next one leaves what one alone would have left', () => {
  it.each(cases)('%s: %s', async (topology, name) => {
    const asked = changes[name] ?? expect.unreachable();
    const alone = await setUp(topology, asked.own);
    expect(await alone.carryOut(asked.flow, await write(alone, asked))).toBe('done');
    const expected = withoutIds(await alone.seen());
    for (let n = 1, isReached = true; isReached; n++) {
      const harness = await setUp(topology, asked.own);
      const dying = failingAtCall(harness.deps, n, changing, 'behind', killed());
      const first = await harness.carryOut(asked.flow, await write(harness, asked), dying.deps).catch(() => 'killed');
      isReached = dying.calls() >= n;
      if (isReached) expect(await harness.goOn()).toBe('done');
      else expect(first).toBe('done');
      expect(withoutIds(await harness.seen()), `call ${n}: ${dying.failed()}`).toEqual(expected);
    }
  });
});

const withoutIds = (seen: object) => JSON.parse(JSON.stringify(seen).replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'id'));
