import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSystemClock } from '../src/adapters/clock/system-clock.ts';
import { openDatabase } from '../src/adapters/storage/database.ts';
import { createLoadBalancerStore } from '../src/adapters/storage/load-balancer-store.ts';
import type { ListQuery, LoadBalancerStore, RowChange } from '../src/ports/load-balancer-store.ts';
import { storedListener, storedLoadBalancer, storedMember, storedPool } from '../test/kit/stored-resources.ts';
import { type Figure, milliseconds, percentile, timesMs } from './report.ts';

const LOAD_BALANCERS = 10_000;
const LISTENERS = 5;
const MEMBERS = 10;
const ROUNDS = 50;

/** Reads from the embedded database when it holds 10,000 load balancers, each of 5 listeners, a pool and 10 members. */
export async function benchStore(): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-bench-store-'));
  const clock = createSystemClock();
  const database = await openDatabase(`sqlite:///${folder}/kiln.sqlite`, clock);
  try {
    const store = createLoadBalancerStore(database, clock);
    await fill(store);
    const middle = LOAD_BALANCERS / 2;
    const page: ListQuery = {
      projectId: null,
      filters: {},
      sort: [{ field: 'createdAt', direction: 'asc' }],
      limit: 100,
    };
    const reads: [string, () => Promise<unknown>][] = [
      ['a page of 100 load balancers', () => store.list('loadbalancer', page)],
      ['the same, from the middle', () => store.list('loadbalancer', { ...page, marker: `lb-${middle}` })],
      ['the same, of one project with 100', () => store.list('loadbalancer', { ...page, projectId: 'p-7' })],
      [
        'the same, sorted by name',
        () => store.list('loadbalancer', { ...page, sort: [{ field: 'name', direction: 'desc' }] }),
      ],
      [
        'load balancers of one name',
        () => store.list('loadbalancer', { ...page, filters: { name: [`name-${middle}`] } }),
      ],
      ['load balancers with one tag', () => store.list('loadbalancer', { ...page, tags: { all: ['rare'] } })],
      ['a page of 100 of all listeners', () => store.list('listener', { ...page, marker: `li-${middle}-2` })],
      ['members of one pool', () => store.list('member', { ...page, parentId: `po-${middle}` })],
      ['show of one load balancer', () => store.get('loadbalancer', `lb-${middle}`)],
      ['all of one load balancer', () => store.tree(`lb-${middle}`)],
      ['how much a project has', () => store.countByProject('p-7')],
    ];
    const figures: Figure[] = [];
    for (const [what, read] of reads)
      figures.push({ what: `${what}: median / 95th percentile`, value: await time(read) });
    const startMs = performance.now();
    await store.list('loadbalancer', { ...page, limit: LOAD_BALANCERS });
    return [
      ...figures,
      { what: 'all 10,000 load balancers in one list', value: milliseconds(performance.now() - startMs) },
    ];
  } finally {
    await database.destroy();
    rmSync(folder, { recursive: true });
  }
}

async function time(read: () => Promise<unknown>): Promise<string> {
  const times = await timesMs(ROUNDS, read);
  return `${milliseconds(percentile(times, 0.5))} / ${milliseconds(percentile(times, 0.95))}`;
}

async function fill(store: LoadBalancerStore): Promise<void> {
  const AT_ONCE = 200;
  for (let first = 0; first < LOAD_BALANCERS; first += AT_ONCE) {
    const rows = Array.from({ length: AT_ONCE }, (_, n) => rowsOf(first + n)).flat();
    await store.apply({ loadBalancerId: `fill-${first}`, mutableFrom: [], rows, operation: null });
  }
}

function rowsOf(n: number): RowChange[] {
  const common = {
    projectId: `p-${n % 100}`,
    name: `name-${n}`,
    createdAt: new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString(),
  };
  const tags = n % 1000 === 0 ? ['rare', 'common'] : ['common'];
  return [
    { kind: 'loadbalancer', put: storedLoadBalancer(`lb-${n}`, { ...common, tags }) },
    { kind: 'pool', put: storedPool(`po-${n}`, `lb-${n}`, common) },
    ...Array.from({ length: LISTENERS }, (_, m): RowChange => {
      const fields = { ...common, protocolPort: m + 1, defaultPoolId: `po-${n}` };
      return { kind: 'listener', put: storedListener(`li-${n}-${m}`, `lb-${n}`, fields) };
    }),
    ...Array.from({ length: MEMBERS }, (_, m): RowChange => {
      return { kind: 'member', put: storedMember(`me-${n}-${m}`, `po-${n}`, { ...common, protocolPort: m + 1 }) };
    }),
  ];
}
