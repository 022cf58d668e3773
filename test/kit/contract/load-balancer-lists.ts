import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src/adapters/storage/database.ts';
import { createLoadBalancerStore } from '../../../src/adapters/storage/load-balancer-store.ts';
import type { KilnDatabase } from '../../../src/adapters/storage/schema.ts';
import { type LoadBalancer, operatingStatuses } from '../../../src/model/load-balancer.ts';
import type { ListQuery, LoadBalancerStore, RowChange } from '../../../src/ports/load-balancer-store.ts';
import { createFakeClock } from '../fakes/fake-clock.ts';
import { storedLoadBalancer, storedMember } from '../stored-resources.ts';
import type { DatabaseSubject } from './amphora-store.ts';

/** Few values, so that rows share them; and such as are easily put in a wrong order, or taken for each other. */
const names = ['', 'a', 'A', 'ä', 'b', 'a"', "a'", 'a\\', '10', '9', '🔥', '\uff5e', 'null'];
const times = ['2026-11-23T11:00:00.000Z', '2026-11-23T11:00:00.001Z', '2026-11-24T00:00:00.000Z'];
const tags = ['t', 'T', 'u', 'ü'];
const projects = ['p1', 'p2'];

const name = fc.constantFrom(...names);
const time = fc.constantFrom(...times);
const common = {
  projectId: fc.constantFrom(...projects),
  name,
  adminStateUp: fc.boolean(),
  operatingStatus: fc.constantFrom(...operatingStatuses),
  tags: fc.uniqueArray(fc.constantFrom(...tags)),
  createdAt: time,
  updatedAt: fc.option(time),
};
const loadBalancerFields = fc.record({
  ...common,
  vip: fc.record({
    address: fc.constantFrom('192.0.2.1', '192.0.2.10', '192.0.2.2'),
    networkId: fc.constant('n'),
    subnetId: fc.option(fc.constantFrom('s', 't')),
    portId: fc.constant(null),
    octaviaOwned: fc.boolean(),
  }),
});
const memberFields = fc.record({
  ...common,
  poolId: fc.constantFrom('po-1', 'po-2'),
  weight: fc.constantFrom(0, 1, 9, 10, 256),
  backup: fc.boolean(),
  monitorPort: fc.option(fc.constantFrom(9, 10, 80), { nil: null }),
  monitorAddress: fc.option(fc.constantFrom('192.0.2.1', '2001:db8::1'), { nil: null }),
});

type Value = string | number | boolean | null;
type Fields = Readonly<Record<string, unknown>> & { id: string; projectId: string; tags: readonly string[] };

/** What may be asked for, by field: values that are there, and some that aren't. */
const filterable = {
  loadbalancer: {
    name: names,
    adminStateUp: [true, false],
    operatingStatus: [...operatingStatuses],
    updatedAt: [...times, null],
    vipAddress: ['192.0.2.1', '192.0.2', '192.0.2.10'],
    vipSubnetId: ['s', null, 'nowhere'],
  },
  member: {
    name: names,
    backup: [true, false],
    weight: [0, 10, 11, '10'],
    monitorPort: [9, 80, null],
    monitorAddress: [null, '2001:db8::1'],
    id: ['x-member-0', 'ä-member-1', 'nowhere'],
  },
} satisfies Record<string, Record<string, readonly Value[]>>;
type Kind = keyof typeof filterable;
const kinds = Object.keys(filterable) as Kind[];

function someQuery(kind: Kind): fc.Arbitrary<Omit<ListQuery, 'limit'>> {
  const fields: Record<string, readonly Value[]> = filterable[kind];
  const filter = fc
    .constantFrom(...Object.entries(fields))
    .chain(([field, values]) => fc.tuple(fc.constant(field), fc.subarray([...values], { minLength: 1 })));
  const sortable = [...Object.keys(fields), 'createdAt', 'id'];
  const wanted = fc.subarray(tags, { minLength: 1 });
  const tagged = fc.record({ all: wanted, any: wanted, notAll: wanted, notAny: wanted }, { requiredKeys: [] });
  return fc.record({
    projectId: fc.option(fc.constantFrom(...projects, 'p3'), { freq: 1 }),
    filters: fc.array(filter, { maxLength: 2 }).map((some) => Object.fromEntries(some)),
    tags: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, tagged),
    sort: fc.array(fc.record({ field: fc.constantFrom(...sortable), direction: fc.constantFrom('asc', 'desc') }), {
      maxLength: 3,
    }),
  });
}

/** What the store should answer, thought out in memory. */
function expected(rows: readonly Fields[], query: Omit<ListQuery, 'limit'>): string[] {
  const { all = [], any, notAll, notAny = [] } = query.tags ?? {};
  const keys = [...query.sort, { field: 'id', direction: 'asc' as const }];
  return rows
    .filter(({ projectId }) => query.projectId === null || projectId === query.projectId)
    .filter((row) => Object.entries(query.filters).every(([field, values]) => values.includes(row[field] as Value)))
    .filter((row) => all.every((tag) => row.tags.includes(tag)) && !notAny.some((tag) => row.tags.includes(tag)))
    .filter((row) => !any || any.some((tag) => row.tags.includes(tag)))
    .filter((row) => !notAll?.every((tag) => row.tags.includes(tag)))
    .sort((a, b) => {
      for (const { field, direction } of keys) {
        const order = compare(a[field] as Value, b[field] as Value);
        if (order !== 0) return direction === 'asc' ? order : -order;
      }
      return 0;
    })
    .map(({ id }) => id);
}

/** Null first; text by its bytes in UTF-8, which is not JavaScript's order. */
function compare(a: Value, b: Value): number {
  if (a === null || b === null) return Number(b === null) - Number(a === null);
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(String(b)));
  return Number(a) - Number(b);
}

const flat = (loadBalancer: LoadBalancer): Fields => ({
  ...loadBalancer,
  vipAddress: loadBalancer.vip.address,
  vipSubnetId: loadBalancer.vip.subnetId,
});

const ROWS = 60;
const QUERIES = 150;

/** Lists of the store, page by page in both directions, against the same filtered and sorted in memory. */
export function describeListContract(engine: string, makeSubject: () => Promise<DatabaseSubject>): void {
  describe(`Lists of the LoadBalancerStore: ${engine}`, () => {
    let subject: DatabaseSubject;
    let database: KilnDatabase;
    let store: LoadBalancerStore;

    const seed = 20261123;
    const id = (kind: Kind, n: number) => `${'xXyä'[n % 4]}-${kind}-${n >> 2}`;
    const loadBalancers = fc
      .sample(loadBalancerFields, { numRuns: ROWS, seed })
      .map((fields, n) => storedLoadBalancer(id('loadbalancer', n), fields));
    const members = fc
      .sample(memberFields, { numRuns: ROWS, seed })
      .map((fields, n) => storedMember(id('member', n), 'po', { ...fields, protocolPort: n + 1 }));
    const rows: Record<Kind, readonly Fields[]> = {
      loadbalancer: loadBalancers.map(flat),
      member: members.map((member) => ({ ...member })),
    };

    beforeAll(async () => {
      const clock = createFakeClock({ autoAdvance: true });
      subject = await makeSubject();
      database = await openDatabase(subject.connection, clock);
      store = createLoadBalancerStore(database, clock);
      const changes: RowChange[] = [
        ...loadBalancers.map((put) => ({ kind: 'loadbalancer' as const, put })),
        ...members.map((put) => ({ kind: 'member' as const, put })),
      ];
      await store.apply({ loadBalancerId: 'all', mutableFrom: [], rows: changes, operation: null });
    });
    afterAll(async () => {
      await database.destroy();
      await subject.close();
    });

    it.each(kinds)('of %ss', async (kind) => {
      const all = rows[kind];
      await fc.assert(
        fc.asyncProperty(
          someQuery(kind),
          fc.integer({ min: 1, max: 25 }),
          fc.nat({ max: ROWS - 1 }),
          async (query, limit, anywhere) => {
            const wanted = expected(all, query);
            const page = async (marker: string | undefined, reverse: boolean) => {
              const found = await store.list(kind, { ...query, limit, ...(marker && { marker }), reverse });
              expect(found.length).toBeLessThanOrEqual(limit);
              return found.map((row) => row.id);
            };
            const forwards: string[] = [];
            for (let next = await page(undefined, false); next.length > 0; next = await page(next.at(-1), false)) {
              forwards.push(...next);
              if (forwards.length > wanted.length) break;
            }
            expect(forwards).toEqual(wanted);

            const backwards = wanted.slice(-1);
            while (backwards.length > 0) {
              const before = await page(backwards[0], true);
              expect(before).toEqual(wanted.slice(0, -backwards.length).slice(-limit));
              if (before.length === 0 || backwards.length > wanted.length) break;
              backwards.unshift(...before);
            }
            expect(backwards).toEqual(wanted);

            // A marker need not be among what is asked for: its place in the order is what counts. Another project's is none.
            const { projectId } = query;
            const marker = all[anywhere]?.id ?? '';
            const isForeign = projectId !== null && all[anywhere]?.projectId !== projectId;
            const order = expected(all, { projectId: null, filters: {}, sort: query.sort });
            const behind = new Set(order.slice(order.indexOf(marker) + 1));
            const next = isForeign ? [] : wanted.filter((one) => behind.has(one)).slice(0, limit);
            expect(await page(marker, false)).toEqual(next);
            const ahead = new Set(order.slice(0, order.indexOf(marker)));
            const former = isForeign ? [] : wanted.filter((one) => ahead.has(one)).slice(-limit);
            expect(await page(marker, true)).toEqual(former);
          },
        ),
        { numRuns: QUERIES },
      );
    });
  });
}
