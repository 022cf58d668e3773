import { beforeEach, expect, it } from 'vitest';
import { createFakeLog } from '../../test/kit/fakes/fake-log.ts';
import { storedListener, storedLoadBalancer } from '../../test/kit/stored-resources.ts';
import { trafficOf } from '../core/health/traffic.ts';
import type { Heartbeat } from '../core/heartbeat/message.ts';
import type { StoredTree } from '../model/load-balancer.ts';
import type { KnownAmphora } from '../ports/health-store.ts';
import { createHealthEvaluator, type HealthEvaluator } from './health-evaluator.ts';
import type { Waiting } from './inbox.ts';

const receivedAt = new Date('2026-11-23T12:00:00Z');
const counters = { bytesIn: 1, bytesOut: 2, activeConnections: 3, totalConnections: 4, requestErrors: 5 };

let known: Map<string, KnownAmphora>;
let trees: Map<string, StoredTree>;
let log: ReturnType<typeof createFakeLog>;
let counts: { unknownAmphorae: number; wrongListenerCounts: number; treesRead: number };
let evaluator: HealthEvaluator;

beforeEach(() => {
  log = createFakeLog();
  counts = { unknownAmphorae: 0, wrongListenerCounts: 0, treesRead: 0 };
  known = new Map([['a', { status: 'ALLOCATED', loadBalancerId: 'lb', revision: '1 ACTIVE', lacksPartner: false }]]);
  const listener = { ...storedListener('li', 'lb'), l7Policies: [] };
  trees = new Map([['lb', { revision: 1, loadBalancer: storedLoadBalancer('lb'), listeners: [listener], pools: [] }]]);
  evaluator = createHealthEvaluator(
    {
      directory: { find: async (ids) => new Map([...known].filter(([id]) => ids.includes(id))) },
      loadBalancers: { tree: async (id) => trees.get(id) ?? null },
      log,
      monotonicMs: () => 0,
      yieldToEventLoop: async () => {},
    },
    counts,
  );
});

function waiting(listeners: Record<string, string> = { li: 'OPEN' }, amphoraId = 'a'): Waiting {
  const heartbeat: Heartbeat = {
    amphoraId,
    sequence: 1,
    version: 3,
    countersAreDeltas: true,
    listeners: new Map(Object.entries(listeners).map(([id, status]) => [id, { status, counters }])),
    pools: [],
  };
  return { heartbeat, traffic: trafficOf(heartbeat), receivedAt, beats: 1, restarts: 0 };
}

/** Judges, and takes it as recorded. */
async function judgeAndRemember(...batch: Waiting[]) {
  const judged = await evaluator.judge(batch);
  evaluator.remember(judged);
  return judged.map(({ record }) => record);
}

it('records what a heartbeat says', async () => {
  expect(await judgeAndRemember(waiting({ li: 'FULL' }))).toEqual([
    {
      amphoraId: 'a',
      receivedAt: receivedAt.toISOString(),
      beats: 1,
      restarts: 0,
      statistics: [{ listenerId: 'li', ...counters }],
      countersAreDeltas: true,
      operatingStatuses: [
        { kind: 'listener', id: 'li', operatingStatus: 'DEGRADED' },
        { kind: 'loadbalancer', id: 'lb', operatingStatus: 'DEGRADED' },
      ],
    },
  ]);
});

it.each([
  ['came before the last change of its load balancer judges nothing', 1, false],
  ['came after it is judged', -1, true],
  ['seems to come long before it, by another clock, is judged', 6_000, true],
])('a heartbeat that %s; it is heard all the same, and so is the next one', async (_what, laterMs, isJudged) => {
  const updatedAt = new Date(receivedAt.getTime() + laterMs).toISOString();
  const tree = trees.get('lb') as StoredTree;
  trees.set('lb', { ...tree, loadBalancer: { ...tree.loadBalancer, updatedAt } });
  const [record] = await judgeAndRemember(waiting({ li: 'FULL' }));
  expect(record?.receivedAt).toBe(receivedAt.toISOString());
  expect(record?.operatingStatuses).toHaveLength(isJudged ? 2 : 0);
  const later = { ...waiting({ li: 'FULL' }), receivedAt: new Date(receivedAt.getTime() + 1_000) };
  const [next] = await judgeAndRemember(later);
  if (!isJudged) expect(next?.operatingStatuses).toHaveLength(2);
});

it('reads a load balancer again only when it, or what is said of it, has changed', async () => {
  const steps: [() => void, Waiting][] = [
    [() => {}, waiting()],
    [() => {}, waiting()],
    [() => {}, waiting({ li: 'FULL' })],
    [
      () => known.set('a', { status: 'ALLOCATED', loadBalancerId: 'lb', revision: '2 ACTIVE', lacksPartner: false }),
      waiting({ li: 'FULL' }),
    ],
    [() => {}, waiting({ li: 'FULL' })],
    [
      () => known.set('a', { status: 'ALLOCATED', loadBalancerId: 'lb2', revision: '2 ACTIVE', lacksPartner: false }),
      waiting({ li: 'FULL' }),
    ],
  ];
  const reads: number[] = [];
  for (const [before, one] of steps) {
    before();
    await judgeAndRemember(one);
    reads.push(counts.treesRead);
  }
  expect(reads).toEqual([1, 1, 2, 3, 3, 4]);
});

it('two amphorae of one load balancer cost one read', async () => {
  known.set('b', { status: 'ALLOCATED', loadBalancerId: 'lb', revision: '1 ACTIVE', lacksPartner: false });
  expect(await judgeAndRemember(waiting(), waiting({ li: 'OPEN' }, 'b'))).toHaveLength(2);
  expect(counts.treesRead).toBe(1);
});

it('decides again what could not be recorded', async () => {
  const one = waiting({ li: 'FULL' });
  const [first] = await evaluator.judge([one]);
  const [second] = await evaluator.judge([one]);
  expect(second?.record.operatingStatuses).toHaveLength(2);
  expect(second).toEqual(first);
});

it('an amphora that nobody knows, or that is DELETED, is reported once and left out', async () => {
  known.set('gone', { status: 'DELETED', loadBalancerId: 'lb', revision: '1 ACTIVE', lacksPartner: false });
  for (let n = 0; n < 3; n++) {
    expect(await judgeAndRemember(waiting({}, 'stranger'), waiting({}, 'gone'))).toEqual([]);
  }
  expect(log.lines.map(({ fields }) => fields)).toEqual([{ amphoraId: 'stranger' }, { amphoraId: 'gone' }]);
  expect(counts.unknownAmphorae).toBe(6);
});

it.each(['BOOTING', 'PENDING_DELETE', 'ERROR'] as const)(
  'one that is %s judges nothing; its traffic counts',
  async (status) => {
    known.set('a', { status, loadBalancerId: 'lb', revision: '1 ACTIVE', lacksPartner: false });
    const expected = { operatingStatuses: [], receivedAt: null, statistics: [{ listenerId: 'li' }] };
    expect(await judgeAndRemember(waiting({ li: 'FULL' }))).toMatchObject([expected]);
    expect(await judgeAndRemember(waiting({ li: 'FULL' }))).toMatchObject([expected]);
    expect(counts.treesRead).toBe(1);

    known.set('a', { status: 'ALLOCATED', loadBalancerId: 'lb', revision: '1 ACTIVE', lacksPartner: false });
    const [record] = await judgeAndRemember(waiting({ li: 'FULL' }));
    expect(record?.operatingStatuses).toHaveLength(2);
  },
);

it('too few listeners are no sign of health, which is reported when it begins', async () => {
  for (const revision of ['1 ACTIVE', '2 ACTIVE', '2 ACTIVE']) {
    known.set('a', { status: 'ALLOCATED', loadBalancerId: 'lb', revision, lacksPartner: false });
    expect(await judgeAndRemember(waiting({}))).toMatchObject([{ receivedAt: null }]);
  }
  expect(log.lines.filter(({ level }) => level !== 'debug')).toMatchObject([
    { level: 'warn', fields: { amphoraId: 'a', loadBalancerId: 'lb', found: 0, expected: 1 } },
  ]);
  expect(counts.wrongListenerCounts).toBe(1);
});

it('traffic of listeners that the load balancer does not have counts for nobody', async () => {
  const [record] = await judgeAndRemember(waiting({ li: 'OPEN', 'of-another': 'OPEN' }));
  expect(record?.statistics.map(({ listenerId }) => listenerId)).toEqual(['li']);
});

it('an amphora without a load balancer is well while nothing that it tells of is other than well', async () => {
  known.set('a', { status: 'READY', loadBalancerId: null, revision: null, lacksPartner: false });
  expect(await judgeAndRemember(waiting({}))).toMatchObject([{ receivedAt: receivedAt.toISOString(), statistics: [] }]);
  const heard = receivedAt.toISOString();
  expect(await judgeAndRemember(waiting({ li: 'OPEN' }))).toMatchObject([{ receivedAt: heard, statistics: [] }]);
  expect(await judgeAndRemember(waiting({ li: 'FULL' }))).toMatchObject([{ receivedAt: null, statistics: [] }]);
  expect(counts).toMatchObject({ treesRead: 0, wrongListenerCounts: 0 });
});

it('a load balancer that is gone is not judged', async () => {
  trees.clear();
  expect(await judgeAndRemember(waiting())).toMatchObject([
    { operatingStatuses: [], statistics: [], receivedAt: null },
  ]);
});
