import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAmphoraStore } from '../../../src/adapters/storage/amphora-store.ts';
import { openDatabase } from '../../../src/adapters/storage/database.ts';
import { createHealthStore } from '../../../src/adapters/storage/health-store.ts';
import { createJournal } from '../../../src/adapters/storage/journal.ts';
import { createLoadBalancerStore } from '../../../src/adapters/storage/load-balancer-store.ts';
import type { KilnDatabase } from '../../../src/adapters/storage/schema.ts';
import { createTrafficSamples } from '../../../src/adapters/storage/traffic-samples.ts';
import { createFakeClock } from '../fakes/fake-clock.ts';
import { storedListener, storedLoadBalancer } from '../stored-resources.ts';
import { type DatabaseSubject, storedAmphora } from './amphora-store.ts';

const MINUTE_MS = 60_000;
const startMs = Date.parse('2026-11-23T12:00:30Z');
const held = async () => {};

/** What TrafficSamples does, whatever engine is behind it. */
export function describeTrafficSamplesContract(name: string, makeSubject: () => Promise<DatabaseSubject>): void {
  describe(`TrafficSamples: ${name}`, () => {
    const clock = createFakeClock({ autoAdvance: true });
    let statements: string[] = [];
    let subject: DatabaseSubject;
    let database: KilnDatabase;

    beforeEach(async () => {
      subject = await makeSubject();
      database = await openDatabase(subject.connection, clock, ({ query }) => {
        statements.push(query.sql);
      });
      await createLoadBalancerStore(database, clock).apply({
        loadBalancerId: 'lb',
        mutableFrom: [],
        operation: { id: 'made', flow: 'update-listener', subject: 'lb', input: {}, priority: 0 },
        rows: [
          { kind: 'loadbalancer', put: storedLoadBalancer('lb') },
          { kind: 'listener', put: storedListener('li1', 'lb', { protocolPort: 1 }) },
          { kind: 'listener', put: storedListener('li2', 'lb', { protocolPort: 2 }) },
        ],
      });
      const amphorae = createAmphoraStore(database, clock);
      await amphorae.insert(storedAmphora('a', { loadBalancerId: 'lb', status: 'ALLOCATED' }));
      await amphorae.insert(storedAmphora('b', { loadBalancerId: 'lb', status: 'PENDING_DELETE' }));
    });
    afterEach(async () => {
      await database.destroy();
      await subject.close();
    });

    async function count(amphoraId: string, listenerId: string, connections: number): Promise<void> {
      const counted = {
        bytesIn: 1,
        bytesOut: 2,
        activeConnections: 3,
        totalConnections: connections,
        requestErrors: 1,
      };
      await createHealthStore(database, clock).record([
        {
          ...{ amphoraId, receivedAt: '2026-11-23T12:00:00.000Z', beats: 1, restarts: 0, operatingStatuses: [] },
          ...{ statistics: [{ listenerId, ...counted }], countersAreDeltas: true },
        },
      ]);
    }

    it('adds up a listener over its amphorae; open connections are those of amphorae that serve', async () => {
      const samples = createTrafficSamples(database, clock);
      await count('a', 'li1', 4);
      await count('b', 'li1', 5);
      await count('a', 'li2', 7);
      await samples.take(startMs, held);
      const common = { atMs: startMs };
      expect(await samples.list('lb', 'hour', 0)).toEqual([
        {
          ...{ ...common, listenerId: 'li1', bytesIn: 2, bytesOut: 4 },
          ...{ activeConnections: 3, totalConnections: 9, requestErrors: 2 },
        },
        {
          ...{ ...common, listenerId: 'li2', bytesIn: 1, bytesOut: 2 },
          ...{ activeConnections: 3, totalConnections: 7, requestErrors: 1 },
        },
      ]);
      expect(await samples.list('lb', 'day', 0)).toHaveLength(2);
      expect(await samples.list('other', 'hour', 0)).toEqual([]);
    });

    it('keeps an hour by the minute and a day by the quarter of an hour, however long it goes on', async () => {
      const samples = createTrafficSamples(database, clock);
      await count('a', 'li1', 1);
      for (let minute = 0; minute <= 27 * 60; minute++) await samples.take(startMs + minute * MINUTE_MS, held);
      await createTrafficSamples(database, clock).take(startMs + 27 * 60 * MINUTE_MS + 1, held);
      const endMs = startMs + 27 * 60 * MINUTE_MS;
      const hour = await samples.list('lb', 'hour', endMs - 60 * MINUTE_MS);
      expect([hour.length, hour[0]?.atMs, hour.at(-1)?.atMs]).toEqual([62, endMs - 61 * MINUTE_MS, endMs + 1]);
      const day = await samples.list('lb', 'day', endMs - 24 * 60 * MINUTE_MS);
      expect([day.length, day[0]?.atMs]).toEqual([98, endMs - 24.25 * 60 * MINUTE_MS]);
      const { rows } = await database
        .selectFrom('kiln_traffic_sample')
        .select(({ fn }) => fn.countAll<number>().as('rows'))
        .executeTakeFirstOrThrow();
      expect(Number(rows)).toBe(164);
    });

    it('takes two statements for all listeners, and stops at its limit', async () => {
      const samples = createTrafficSamples(database, clock);
      await count('a', 'li1', 1);
      await samples.take(startMs, held);
      statements = [];
      await samples.take(startMs + MINUTE_MS, held);
      expect(statements).toHaveLength(2);
      const gone = async () => Promise.reject(new Error('another process has it'));
      await expect(samples.take(startMs + 2 * MINUTE_MS, gone)).rejects.toThrow('another process');
      expect(statements).toHaveLength(2);
    });

    it('goes with its listener', async () => {
      const samples = createTrafficSamples(database, clock);
      await count('a', 'li1', 1);
      await count('a', 'li2', 1);
      await samples.take(startMs, held);
      const journal = createJournal(database, clock);
      const fence = (await journal.claim('made', 'w'))?.operation.fence ?? expect.unreachable();
      const deletes = [{ kind: 'listener' as const, ids: ['li1'] }];
      await journal.finish('made', fence, 'done', {
        settlement: { loadBalancerId: 'lb', reason: null, statuses: [], deletes },
      });
      expect((await samples.list('lb', 'hour', 0)).map(({ listenerId }) => listenerId)).toEqual(['li2']);
    });
  });
}
