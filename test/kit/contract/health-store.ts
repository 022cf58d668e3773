import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAmphoraDirectory } from '../../../src/adapters/storage/amphora-directory.ts';
import { createAmphoraStore } from '../../../src/adapters/storage/amphora-store.ts';
import { openDatabase } from '../../../src/adapters/storage/database.ts';
import { createHealthStore } from '../../../src/adapters/storage/health-store.ts';
import { createJournal } from '../../../src/adapters/storage/journal.ts';
import { createLoadBalancerStore } from '../../../src/adapters/storage/load-balancer-store.ts';
import type { KilnDatabase } from '../../../src/adapters/storage/schema.ts';
import type { AmphoraDirectory, HealthStore, HeartbeatRecord, StatisticsSum } from '../../../src/ports/health-store.ts';
import type { LoadBalancerStore, Settlement } from '../../../src/ports/load-balancer-store.ts';
import { createFakeClock } from '../fakes/fake-clock.ts';
import {
  storedHealthMonitor,
  storedListener,
  storedLoadBalancer,
  storedMember,
  storedPool,
} from '../stored-resources.ts';
import { type DatabaseSubject, storedAmphora } from './amphora-store.ts';

const nothing: StatisticsSum = {
  bytesIn: 0,
  bytesOut: 0,
  activeConnections: 0,
  totalConnections: 0,
  requestErrors: 0,
};

function counters(listenerId: string, over: Partial<StatisticsSum> = {}): HeartbeatRecord['statistics'][number] {
  return {
    listenerId,
    bytesIn: 10,
    bytesOut: 200,
    activeConnections: 3,
    totalConnections: 4,
    requestErrors: 5,
    ...over,
  };
}

function heartbeat(amphoraId: string, over: Partial<HeartbeatRecord> = {}): HeartbeatRecord {
  return {
    amphoraId,
    receivedAt: '2026-11-23T12:00:00.000Z',
    beats: 1,
    restarts: 0,
    statistics: [],
    countersAreDeltas: true,
    operatingStatuses: [],
    ...over,
  };
}

/** What HealthStore and AmphoraDirectory do, whatever engine is behind them. */
export function describeHealthStoreContract(name: string, makeSubject: () => Promise<DatabaseSubject>): void {
  describe(`HealthStore: ${name}`, () => {
    const clock = createFakeClock({ start: '2026-11-23T12:00:00Z', autoAdvance: true });
    let subject: DatabaseSubject;
    let database: KilnDatabase;
    let store: HealthStore;
    let directory: AmphoraDirectory;
    let loadBalancers: LoadBalancerStore;
    let statements: string[];

    beforeEach(async () => {
      statements = [];
      subject = await makeSubject();
      database = await openDatabase(subject.connection, clock, ({ query }) => {
        if (!/^(begin|start transaction|set transaction|commit)/.test(query.sql)) statements.push(query.sql);
      });
      store = createHealthStore(database, clock);
      directory = createAmphoraDirectory(database, clock, () => 60);
      loadBalancers = createLoadBalancerStore(database, clock);
      await loadBalancers.apply({
        loadBalancerId: 'lb',
        mutableFrom: [],
        operation: { id: 'made', flow: 'update-listener', subject: 'lb', input: {}, priority: 0 },
        rows: [
          { kind: 'loadbalancer', put: storedLoadBalancer('lb') },
          { kind: 'listener', put: storedListener('li1', 'lb', { protocolPort: 1 }) },
          { kind: 'listener', put: storedListener('li2', 'lb', { protocolPort: 2 }) },
          { kind: 'pool', put: storedPool('po', 'lb') },
          { kind: 'member', put: storedMember('me', 'po') },
          { kind: 'healthmonitor', put: storedHealthMonitor('hm', 'po') },
        ],
      });
      const amphorae = createAmphoraStore(database, clock);
      await amphorae.insert(storedAmphora('a', { loadBalancerId: 'lb', status: 'ALLOCATED' }));
      await amphorae.insert(storedAmphora('b', { loadBalancerId: 'lb', status: 'PENDING_DELETE' }));
      await amphorae.insert(storedAmphora('c', { status: 'READY' }));
    });
    afterEach(async () => {
      await database.destroy();
      await subject.close();
    });

    /** The operation that made the load balancer ends. */
    async function end(settlement: Omit<Settlement, 'loadBalancerId' | 'reason'>): Promise<void> {
      const journal = createJournal(database, clock);
      const claimed = await journal.claim('made', 'w');
      const fence = claimed?.operation.fence ?? expect.unreachable();
      await journal.finish('made', fence, 'done', {
        settlement: { loadBalancerId: 'lb', reason: null, ...settlement },
      });
    }

    it('knows nothing of what nobody reported', async () => {
      await store.record([]);
      expect(await store.lastHeard('a')).toBeNull();
      expect(await store.statisticsOfAmphora('a')).toEqual([]);
      expect(await store.statisticsOfListener('li1')).toEqual(nothing);
      expect(await store.statisticsOfLoadBalancer('lb')).toEqual(nothing);
    });

    it('a list of load balancers has each new operating status, and what the end of an operation left', async () => {
      const listed = async () => {
        const [row] = await loadBalancers.list('loadbalancer', { projectId: null, filters: {}, sort: [], limit: 10 });
        return [row?.operatingStatus, row?.provisioningStatus, row?.related.poolIds];
      };
      const [, provisioning] = await listed();
      for (const operatingStatus of ['ONLINE', 'DEGRADED'] as const) {
        await store.record([
          heartbeat('a', { operatingStatuses: [{ kind: 'loadbalancer', id: 'lb', operatingStatus }] }),
        ]);
        expect(await listed()).toEqual([operatingStatus, provisioning, ['po']]);
      }
      const statuses = [{ kind: 'loadbalancer', ids: ['lb'], provisioningStatus: 'ERROR' }] as const;
      await end({ statuses, deletes: [{ kind: 'pool', ids: ['po'] }] });
      expect(await listed()).toEqual(['DEGRADED', 'ERROR', []]);
    });

    it('knows whether anybody was heard since; that one is watched from now on is no heartbeat', async () => {
      await store.watch('b');
      expect(await store.hearsAnyoneSince('2026-11-23T11:00:00.000Z')).toBe(false);
      await store.record([heartbeat('a')]);
      const heard = (await store.lastHeard('a')) ?? '';
      expect(await store.hearsAnyoneSince(heard)).toBe(true);
      expect(await store.hearsAnyoneSince(new Date(Date.parse(heard) + 1).toISOString())).toBe(false);
    });

    it('adds what came since the last heartbeat; open connections are those of the newest', async () => {
      await store.record([heartbeat('a', { statistics: [counters('li1')] })]);
      await store.record([heartbeat('a', { statistics: [counters('li1', { activeConnections: 1 })] })]);
      expect(await store.statisticsOfAmphora('a')).toEqual([
        {
          listenerId: 'li1',
          amphoraId: 'a',
          bytesIn: 20,
          bytesOut: 400,
          activeConnections: 1,
          totalConnections: 8,
          requestErrors: 10,
        },
      ]);
    });

    it('totals since HAProxy started take the place of the old ones, also when it has started anew', async () => {
      const total = (bytesIn: number) =>
        heartbeat('a', { statistics: [counters('li1', { bytesIn })], countersAreDeltas: false });
      await store.record([total(1_000)]);
      await store.record([total(3_000)]);
      expect(await store.statisticsOfListener('li1')).toMatchObject({ bytesIn: 3_000 });
      await store.record([total(5)]);
      expect(await store.statisticsOfListener('li1')).toMatchObject({ bytesIn: 5 });
    });

    it('takes both ways of counting in one batch', async () => {
      await store.record([
        heartbeat('a', { statistics: [counters('li1')] }),
        heartbeat('b', { statistics: [counters('li1')] }),
      ]);
      await store.record([
        heartbeat('b', { statistics: [counters('li1', { bytesIn: 100 })], countersAreDeltas: false }),
        heartbeat('a', { statistics: [counters('li1', { bytesIn: 1 })] }),
      ]);
      expect(await store.statisticsOfAmphora('a')).toMatchObject([{ bytesIn: 11 }]);
      expect(await store.statisticsOfAmphora('b')).toMatchObject([{ bytesIn: 100 }]);
    });

    it('adds up listeners and load balancers; open connections only at an amphora that serves', async () => {
      await store.record([
        heartbeat('a', { statistics: [counters('li1'), counters('li2', { bytesIn: 1 })] }),
        heartbeat('b', { statistics: [counters('li1', { activeConnections: 1_000 })] }),
      ]);
      expect(await store.statisticsOfListener('li1')).toEqual({
        bytesIn: 20,
        bytesOut: 400,
        activeConnections: 3,
        totalConnections: 8,
        requestErrors: 10,
      });
      expect(await store.statisticsOfLoadBalancer('lb')).toEqual({
        bytesIn: 21,
        bytesOut: 600,
        activeConnections: 6,
        totalConnections: 12,
        requestErrors: 15,
      });
      expect(await store.statisticsOfLoadBalancer('another')).toEqual(nothing);
    });

    it('bears the largest counters that a heartbeat can hold, again and again', async () => {
      const most = Number.MAX_SAFE_INTEGER;
      const statistics = [counters('li1', { bytesIn: most }), counters('li2', { bytesIn: most })];
      for (let round = 0; round < 200; round++) await store.record([heartbeat('a', { statistics })]);
      const largest = 2 ** 60;
      expect(await store.statisticsOfAmphora('a')).toMatchObject([{ bytesIn: largest }, { bytesIn: largest }]);
      expect(await store.statisticsOfLoadBalancer('lb')).toMatchObject({ bytesIn: 2 * largest });
    });

    it('knows when an amphora was last heard; what is no sign of health, or came late, moves nothing', async () => {
      await store.record([heartbeat('a'), heartbeat('b', { receivedAt: null, statistics: [counters('li1')] })]);
      expect(await store.lastHeard('a')).toBe('2026-11-23T12:00:00.000Z');
      expect(await store.lastHeard('b')).toBeNull();
      await store.record([heartbeat('a', { receivedAt: '2026-11-23T12:00:10.000Z' })]);
      await store.record([heartbeat('a', { receivedAt: '2026-11-23T12:00:05.000Z' })]);
      await store.record([heartbeat('a', { receivedAt: null })]);
      expect(await store.lastHeard('a')).toBe('2026-11-23T12:00:10.000Z');
    });

    it('adds what failed behind a listener, where its agents tell of it', async () => {
      const failures = async () =>
        (await database.selectFrom('kiln_listener_statistics').select('failures').execute()).map((row) => row.failures);
      await store.record([heartbeat('a', { statistics: [counters('li1')] })]);
      expect(await failures()).toEqual([null]);
      for (let n = 0; n < 2; n++) {
        await store.record([heartbeat('a', { statistics: [{ ...counters('li1'), failures: 3 }] })]);
      }
      await store.record([heartbeat('a', { statistics: [counters('li1')] })]);
      expect(await failures()).toEqual([6]);
      await store.forget('a');
      expect(await failures()).toEqual([6]);
    });

    it('counts heartbeats, and agents that begin to count anew', async () => {
      await store.watch('a');
      await store.record([heartbeat('a', { beats: 2 }), heartbeat('b', { receivedAt: null })]);
      await store.record([heartbeat('a', { restarts: 1 })]);
      expect(
        await database.selectFrom('kiln_amphora_health').select(['amphora_id', 'beats', 'restarts']).execute(),
      ).toEqual([{ amphora_id: 'a', beats: 3, restarts: 1 }]);
    });

    it('writes operating statuses and nothing else of the rows', async () => {
      const before = await loadBalancers.tree('lb');
      await store.record([
        heartbeat('a', {
          operatingStatuses: [
            { kind: 'member', id: 'me', operatingStatus: 'ERROR' },
            { kind: 'pool', id: 'po', operatingStatus: 'ERROR' },
            { kind: 'listener', id: 'li2', operatingStatus: 'DEGRADED' },
            { kind: 'loadbalancer', id: 'lb', operatingStatus: 'ERROR' },
            { kind: 'member', id: 'gone', operatingStatus: 'ERROR' },
          ],
        }),
      ]);
      const [pool] = before?.pools ?? [];
      const [first, second] = before?.listeners ?? [];
      expect(await loadBalancers.tree('lb')).toEqual({
        revision: expect.any(Number),
        loadBalancer: { ...before?.loadBalancer, operatingStatus: 'ERROR' },
        listeners: [first, { ...second, operatingStatus: 'DEGRADED' }],
        pools: [{ ...pool, operatingStatus: 'ERROR', members: [{ ...pool?.members[0], operatingStatus: 'ERROR' }] }],
      });
    });

    it('a batch is written as a whole or not at all', async () => {
      const broken = { ...counters('li1'), bytesIn: null as unknown as number };
      const recording = store.record([
        heartbeat('a', { statistics: [counters('li1')] }),
        heartbeat('b', { statistics: [broken] }),
      ]);
      await expect(recording).rejects.toThrow();
      expect(await store.lastHeard('a')).toBeNull();
      expect(await store.statisticsOfListener('li1')).toEqual(nothing);
    });

    it('a hundred heartbeats take as many statements as one', async () => {
      const batch = (size: number) =>
        Array.from({ length: size }, (_, n) =>
          heartbeat(`amphora-${n}`, {
            statistics: Array.from({ length: 5 }, (_, m) => counters(`listener-${n}-${m}`)),
            operatingStatuses: [{ kind: 'member', id: `member-${n}`, operatingStatus: 'ERROR' }],
          }),
        );
      statements.length = 0;
      await store.record(batch(1));
      const ofOne = statements.length;
      statements.length = 0;
      await store.record(batch(100));
      expect(statements).toHaveLength(ofOne);
      statements.length = 0;
      await directory.find(Array.from({ length: 100 }, (_, n) => `amphora-${n}`));
      expect(statements).toHaveLength(1);
    });

    it('takes more heartbeats at once than fit into a statement', async () => {
      const many = Array.from({ length: 5_000 }, (_, n) =>
        heartbeat(`amphora-${n}`, {
          statistics: [counters('li1')],
          operatingStatuses: [{ kind: 'member', id: n === 4_999 ? 'me' : `m-${n}`, operatingStatus: 'DRAINING' }],
        }),
      );
      await store.record(many);
      expect(await store.statisticsOfListener('li1')).toMatchObject({ bytesIn: 50_000 });
      expect(await store.lastHeard('amphora-4999')).not.toBeNull();
      expect(await loadBalancers.get('member', 'me')).toMatchObject({ operatingStatus: 'DRAINING' });
    });

    it('forgets an amphora, and keeps what went through it with its listeners', async () => {
      await store.record([heartbeat('a', { statistics: [counters('li1'), counters('deleted')] })]);
      for (const id of ['a', 'a', 'never heard of']) await store.forget(id);
      expect(await store.lastHeard('a')).toBeNull();
      expect(await store.statisticsOfAmphora('a')).toEqual([]);
      const kept = { bytesIn: 10, bytesOut: 200, activeConnections: 0, totalConnections: 4, requestErrors: 5 };
      expect(await store.statisticsOfListener('li1')).toEqual(kept);
      expect(await store.statisticsOfListener('deleted')).toEqual(nothing);

      await store.record([heartbeat('b', { statistics: [counters('li1')] })]);
      await store.forget('b');
      expect(await store.statisticsOfLoadBalancer('lb')).toMatchObject({ bytesIn: 20, bytesOut: 400 });
    });

    it('the statistics of a listener go with it', async () => {
      await store.record([heartbeat('a', { statistics: [counters('li1'), counters('li2')] })]);
      await end({ statuses: [], deletes: [{ kind: 'listener', ids: ['li1'] }] });
      expect(await store.statisticsOfListener('li1')).toEqual(nothing);
      expect((await store.statisticsOfAmphora('a')).map(({ listenerId }) => listenerId)).toEqual(['li2']);
      expect(await store.statisticsOfLoadBalancer('lb')).toMatchObject({ bytesIn: 10 });
    });

    it('several who record at once lose nothing', async () => {
      const rounds = Array.from({ length: 20 }, (_, n) => {
        const batch = ['a', 'b', 'c'].map((id) =>
          heartbeat(id, {
            statistics: [counters('li1'), counters('li2')],
            operatingStatuses: [
              { kind: 'member', id: 'me', operatingStatus: 'ERROR' },
              { kind: 'loadbalancer', id: 'lb', operatingStatus: 'ERROR' },
            ],
          }),
        );
        return store.record(n % 3 === 0 ? batch.reverse() : batch);
      });
      await Promise.all(rounds);
      expect(await store.statisticsOfLoadBalancer('lb')).toMatchObject({ bytesIn: 20 * 3 * 2 * 10 });
    });

    it('any heartbeats come to the sums that arithmetic has', async () => {
      const count = fc.nat({ max: 1_000_000 });
      const reported = fc.record({
        amphoraId: fc.constantFrom('a', 'b'),
        listenerId: fc.constantFrom('li1', 'li2'),
        bytesIn: count,
        totalConnections: count,
        deltas: fc.boolean(),
      });
      await fc.assert(
        fc
          .asyncProperty(fc.array(reported, { maxLength: 12 }), async (all) => {
            const expected = new Map<string, { bytesIn: number; totalConnections: number }>();
            for (const { amphoraId, listenerId, bytesIn, totalConnections, deltas } of all) {
              await store.record([
                heartbeat(amphoraId, {
                  statistics: [counters(listenerId, { bytesIn, totalConnections })],
                  countersAreDeltas: deltas,
                }),
              ]);
              const key = `${amphoraId} ${listenerId}`;
              const old = (deltas && expected.get(key)) || { bytesIn: 0, totalConnections: 0 };
              expected.set(key, {
                bytesIn: old.bytesIn + bytesIn,
                totalConnections: old.totalConnections + totalConnections,
              });
            }
            const sums = [...expected.values()];
            expect(await store.statisticsOfLoadBalancer('lb')).toMatchObject({
              bytesIn: sums.reduce((sum, { bytesIn }) => sum + bytesIn, 0),
              totalConnections: sums.reduce((sum, { totalConnections }) => sum + totalConnections, 0),
            });
          })
          .afterEach(async () => {
            await database.deleteFrom('kiln_listener_statistics').execute();
          }),
        { numRuns: 25 },
      );
    });

    describe('AmphoraDirectory', () => {
      const revision = async () => (await directory.find(['a'])).get('a')?.revision;

      it('knows amphorae with and without a load balancer, and leaves out others', async () => {
        expect(await directory.find([])).toEqual(new Map());
        expect(await directory.find(['a', 'b', 'c', 'A', 'nobody'])).toEqual(
          new Map([
            ['a', { status: 'ALLOCATED', loadBalancerId: 'lb', revision: expect.any(String), lacksPartner: false }],
            [
              'b',
              { status: 'PENDING_DELETE', loadBalancerId: 'lb', revision: expect.any(String), lacksPartner: false },
            ],
            ['c', { status: 'READY', loadBalancerId: null, revision: null, lacksPartner: false }],
          ]),
        );
      });

      it('knows whether the other one of a pair serves and is heard of', async () => {
        const lacks = async () => (await directory.find(['a'])).get('a')?.lacksPartner;
        await database
          .updateTable('kiln_load_balancer')
          .set({ topology: 'ACTIVE_STANDBY' })
          .where('id', '=', 'lb')
          .execute();
        await store.watch('a');
        await store.watch('b');
        // b is on its way out.
        expect(await lacks()).toBe(true);
        const alone = await revision();
        await database.updateTable('kiln_amphora').set({ status: 'ALLOCATED' }).where('id', '=', 'b').execute();
        expect(await lacks()).toBe(false);
        expect(await revision()).not.toBe(alone);
        const longAgo = '2020-01-01T00:00:00.000Z';
        const silence = { last_heard: longAgo };
        await database.updateTable('kiln_amphora_health').set(silence).where('amphora_id', '=', 'b').execute();
        expect(await lacks()).toBe(true);
        // Its agent says that it serves: only its heartbeats are lost.
        const lost = { finding: 'heartbeats-lost' };
        await database.updateTable('kiln_amphora_health').set(lost).where('amphora_id', '=', 'b').execute();
        expect(await lacks()).toBe(false);
      });

      it('has another revision after each change, settlement and new operating status, and the same after counters', async () => {
        const seen = [await revision()];
        await loadBalancers.apply({
          loadBalancerId: 'lb',
          mutableFrom: ['ACTIVE'],
          rows: [{ kind: 'member', deleteId: 'me' }],
          operation: null,
        });
        seen.push(await revision());

        await end({
          statuses: [{ kind: 'loadbalancer', ids: ['lb'], provisioningStatus: 'ERROR' }],
          deletes: [],
        });
        seen.push(await revision());

        await store.record([
          heartbeat('a', { operatingStatuses: [{ kind: 'pool', id: 'po', operatingStatus: 'ERROR' }] }),
        ]);
        seen.push(await revision());
        expect(new Set(seen)).toHaveProperty('size', 4);

        await store.record([heartbeat('a', { statistics: [counters('li1')] })]);
        expect(await revision()).toBe(seen.at(-1));
      });
    });
  });
}
