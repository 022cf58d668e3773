/**
 * Every pair of write routes: while the first one waits (for Neutron, a secret, the database), the second one is carried out
 * to its end. The first must then end as if it had come after it: nothing is reverted, and nothing that is gone comes back.
 */
import { expect, it } from 'vitest';
import type { LoadBalancerStore } from '../../src/ports/load-balancer-store.ts';
import { type ApiBench, openApiBench, qosPolicyId, securityGroupId, subnetId } from '../../src/testing/api.ts';
import { createFakeLoadBalancerStore, type FakeLoadBalancerStore } from '../../src/testing/fake-load-balancer-store.ts';

type Ids = Record<'lb' | 'listener' | 'spare' | 'pool' | 'other' | 'member' | 'monitor' | 'policy' | 'rule', string>;
type Request = (ids: Ids) => [method: 'POST' | 'PUT' | 'DELETE', path: string, body?: object];

const member = { name: 'new-member', address: '10.0.0.9', protocol_port: 99, subnet_id: subnetId };
const requests: Record<string, Request> = {
  'PUT loadbalancer name': ({ lb }) => ['PUT', `/loadbalancers/${lb}`, { loadbalancer: { name: 'renamed' } }],
  'PUT loadbalancer policy': ({ lb }) => [
    'PUT',
    `/loadbalancers/${lb}`,
    { loadbalancer: { vip_qos_policy_id: qosPolicyId, vip_sg_ids: [securityGroupId] } },
  ],
  'PUT failover': ({ lb }) => ['PUT', `/loadbalancers/${lb}/failover`],
  'DELETE loadbalancer': ({ lb }) => ['DELETE', `/loadbalancers/${lb}?cascade=true`],
  'POST listener': ({ lb }) => [
    'POST',
    '/listeners',
    { listener: { name: 'new-listener', loadbalancer_id: lb, protocol: 'HTTP', protocol_port: 81 } },
  ],
  'PUT listener limit': ({ listener }) => ['PUT', `/listeners/${listener}`, { listener: { connection_limit: 7 } }],
  'PUT listener pool': ({ spare, other }) => ['PUT', `/listeners/${spare}`, { listener: { default_pool_id: other } }],
  'DELETE listener': ({ listener }) => ['DELETE', `/listeners/${listener}`],
  'POST pool': ({ spare }) => [
    'POST',
    '/pools',
    {
      pool: { name: 'new-pool', listener_id: spare, protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN', members: [member] },
    },
  ],
  'PUT pool': ({ pool }) => ['PUT', `/pools/${pool}`, { pool: { lb_algorithm: 'SOURCE_IP' } }],
  'DELETE pool': ({ other }) => ['DELETE', `/pools/${other}`],
  'POST member': ({ pool }) => ['POST', `/pools/${pool}/members`, { member }],
  'POST member elsewhere': ({ other }) => ['POST', `/pools/${other}/members`, { member }],
  'PUT members': ({ pool }) => ['PUT', `/pools/${pool}/members`, { members: [member] }],
  'PUT members as well': ({ pool }) => ['PUT', `/pools/${pool}/members?additive_only=true`, { members: [member] }],
  'PUT member': ({ pool, member: id }) => ['PUT', `/pools/${pool}/members/${id}`, { member: { weight: 9 } }],
  'DELETE member': ({ pool, member: id }) => ['DELETE', `/pools/${pool}/members/${id}`],
  'POST healthmonitor': ({ other }) => [
    'POST',
    '/healthmonitors',
    { healthmonitor: { name: 'new-monitor', pool_id: other, type: 'TCP', delay: 5, timeout: 3, max_retries: 2 } },
  ],
  'PUT healthmonitor': ({ monitor }) => ['PUT', `/healthmonitors/${monitor}`, { healthmonitor: { delay: 9 } }],
  'DELETE healthmonitor': ({ monitor }) => ['DELETE', `/healthmonitors/${monitor}`],
  'POST l7policy': ({ listener }) => [
    'POST',
    '/l7policies',
    { l7policy: { name: 'new-policy', listener_id: listener, action: 'REJECT', position: 1 } },
  ],
  'PUT l7policy': ({ policy }) => ['PUT', `/l7policies/${policy}`, { l7policy: { description: 'changed' } }],
  'DELETE l7policy': ({ policy }) => ['DELETE', `/l7policies/${policy}`],
  'POST rule': ({ policy }) => [
    'POST',
    `/l7policies/${policy}/rules`,
    { rule: { type: 'PATH', compare_type: 'EQUAL_TO', value: '/new' } },
  ],
  'PUT rule': ({ policy, rule }) => ['PUT', `/l7policies/${policy}/rules/${rule}`, { rule: { value: '/other' } }],
  'DELETE rule': ({ policy, rule }) => ['DELETE', `/l7policies/${policy}/rules/${rule}`],
};

interface Bench {
  call: ApiBench['call'];
  store: FakeLoadBalancerStore;
  ids: Ids;
}

/** One API for all; each bench has a store of its own behind it. */
let current = createFakeLoadBalancerStore();
/** Runs once, before the next change is written. */
let meanwhile: (() => Promise<void>) | null = null;
const { call } = openApiBench({
  store: {
    list: (kind, query) => current.list(kind, query),
    get: (kind, id) => current.get(kind, id),
    tree: (id) => current.tree(id),
    reasonOf: (id) => current.reasonOf(id),
    countByProject: (id) => current.countByProject(id),
    async apply(change) {
      const interruption = meanwhile;
      meanwhile = null;
      await interruption?.();
      await current.apply(change);
    },
  } satisfies LoadBalancerStore as unknown as FakeLoadBalancerStore,
});

async function openBench(): Promise<Bench> {
  const inner = createFakeLoadBalancerStore();
  current = inner;
  meanwhile = null;
  const bench: Bench = { call, store: inner, ids: {} as Ids };
  const pool = (name: string, more: object) => ({ name, protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN', ...more });
  const rules = [{ type: 'PATH', compare_type: 'EQUAL_TO', value: '/' }];
  const { status, body } = await bench.call('POST', '/v2/lbaas/loadbalancers', {
    loadbalancer: {
      name: 'lb',
      vip_subnet_id: subnetId,
      pools: [pool('other', {})],
      listeners: [
        {
          name: 'listener',
          protocol: 'HTTP',
          protocol_port: 80,
          default_pool: pool('pool', {
            members: [{ name: 'member', address: '10.0.0.1', protocol_port: 80 }],
            healthmonitor: { name: 'monitor', type: 'HTTP', delay: 5, timeout: 3, max_retries: 2 },
          }),
          l7policies: [{ name: 'policy', action: 'REJECT', rules }],
        },
        { name: 'spare', protocol: 'HTTP', protocol_port: 82 },
      ],
    },
  });
  expect(status).toBe(201);
  inner.settleAll();
  const made = body.loadbalancer;
  const named = (list: { name: string; id: string }[], name: string) => list.find((one) => one.name === name) as never;
  const listener = named(made.listeners, 'listener') as {
    id: string;
    l7policies: { id: string; rules: { id: string }[] }[];
  };
  const main = named(made.pools, 'pool') as { id: string; members: { id: string }[]; healthmonitor: { id: string } };
  bench.ids = {
    lb: made.id,
    listener: listener.id,
    spare: (named(made.listeners, 'spare') as { id: string }).id,
    pool: main.id,
    other: (named(made.pools, 'other') as { id: string }).id,
    member: main.members[0]?.id ?? '',
    monitor: main.healthmonitor.id,
    policy: listener.l7policies[0]?.id ?? '',
    rule: listener.l7policies[0]?.rules[0]?.id ?? '',
  };
  return bench;
}

/** Carried out by its flow as soon as it is asked for; a load balancer that goes takes with it what is in it. */
async function carryOut(bench: Bench, name: string): Promise<number> {
  const [method, path, body] = (requests[name] as Request)(bench.ids);
  const { status } = await bench.call(method, `/v2/lbaas${path}`, body);
  if (status < 300) await end(bench);
  return status;
}

async function end({ store }: Bench): Promise<void> {
  const trees = [];
  for (const { id } of await store.list('loadbalancer', { projectId: null, filters: {}, sort: [], limit: 9 })) {
    const tree = await store.tree(id);
    if (tree) trees.push(tree);
  }
  for (const { loadBalancer, listeners, pools } of trees) {
    const gone = loadBalancer.provisioningStatus === 'PENDING_DELETE';
    const goes = (row: { provisioningStatus: string }) => gone || row.provisioningStatus === 'PENDING_DELETE';
    const ids = (rows: readonly { id: string }[]) => rows.map(({ id }) => id);
    const lostPools = pools.filter(goes);
    const lostListeners = listeners.filter(goes);
    store.settle({
      loadBalancerId: loadBalancer.id,
      operation: { id: 'any', fence: 0 },
      statuses: [],
      deletes: [
        { kind: 'member', ids: ids(lostPools.flatMap(({ members }) => members)) },
        { kind: 'healthmonitor', ids: ids(lostPools.flatMap(({ healthMonitor }) => healthMonitor ?? [])) },
        { kind: 'pool', ids: ids(lostPools) },
        { kind: 'l7policy', ids: ids(lostListeners.flatMap(({ l7Policies }) => l7Policies)) },
        { kind: 'listener', ids: ids(lostListeners) },
      ],
      reason: null,
    } as never);
  }
  store.settleAll();
}

/** What is there, without IDs and times. */
async function seen(bench: Bench): Promise<unknown> {
  const { store, ids } = bench;
  const names = new Map(Object.entries(ids).map(([name, id]) => [id, name]));
  const tree = await store.tree(ids.lb);
  return JSON.parse(
    JSON.stringify(tree, (key, value) => {
      if (/^(createdAt|updatedAt|revision|address|portId)$/.test(key)) return undefined;
      return typeof value === 'string' && /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(value)
        ? (names.get(value) ?? 'new')
        : value;
    }),
  );
}

for (const first of Object.keys(requests)) {
  it(`${first}, while anything else is changed`, async () => {
    for (const second of Object.keys(requests)) {
      const interleaved = await openBench();
      let secondStatus = 0;
      meanwhile = async () => {
        secondStatus = await carryOut(interleaved, second);
      };
      const firstStatus = await carryOut(interleaved, first);

      const serial = await openBench();
      const expected = [await carryOut(serial, second), await carryOut(serial, first)];
      expect([second, secondStatus, firstStatus]).toEqual([second, ...expected]);
      expect(await seen(interleaved), `${first} while ${second}`).toEqual(await seen(serial));
    }
  });
}
