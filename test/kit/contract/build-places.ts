import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBuildPlaces } from '../../../src/adapters/storage/build-places.ts';
import { openDatabase } from '../../../src/adapters/storage/database.ts';
import { createJournal } from '../../../src/adapters/storage/journal.ts';
import type { KilnDatabase } from '../../../src/adapters/storage/schema.ts';
import type { BuildPlaces } from '../../../src/ports/build-places.ts';
import type { Journal } from '../../../src/ports/journal.ts';
import { createFakeClock, type FakeClock } from '../fakes/fake-clock.ts';
import { seededRandom } from '../seeded-random.ts';
import type { DatabaseSubject } from './amphora-store.ts';

/**
 * Places for amphorae that are being built, in a database that processes share.
 * @param connections in this process: SQLite blocks a process that has two transactions in one file.
 */
export function describeBuildPlacesContract(
  name: string,
  makeSubject: () => Promise<DatabaseSubject>,
  connections: number,
): void {
  describe(`BuildPlaces: ${name}`, () => {
    let subject: DatabaseSubject;
    let databases: KilnDatabase[];
    let processes: BuildPlaces[];
    let clock: FakeClock;
    let journal: Journal;

    beforeEach(async () => {
      clock = createFakeClock({ start: '2026-11-23T12:00:00Z', autoAdvance: true });
      subject = await makeSubject();
      databases = [];
      for (let n = 0; n < connections; n++) databases.push(await openDatabase(subject.connection, clock));
      processes = Array.from({ length: 3 }, (_none, n) =>
        createBuildPlaces(databases[n % connections] as KilnDatabase, clock),
      );
      journal = createJournal(databases[0] as KilnDatabase, clock);
    });
    afterEach(async () => {
      await Promise.all(databases.map((database) => database.destroy()));
      await subject.close();
    });

    const wanted = (id: string, amphorae = 1) => ({
      operationId: id,
      amphoraIds: Array.from({ length: amphorae }, (_none, index) => `${id}-${index}`),
    });
    async function begin(id: string, priority = 0): Promise<void> {
      await journal.enqueue({ id, flow: 'update-listener', subject: id, input: {}, priority });
      await journal.claim(id, 'w');
      await clock.sleep(1);
    }
    const process = (index: number) => processes[index] as BuildPlaces;

    it('lets in the most urgent, then the oldest, in whatever process they are', async () => {
      for (const id of ['inside', 'old', 'young']) await begin(id);
      await begin('failover', 10);
      expect([...(await process(0).enter([wanted('inside')], 1))]).toEqual(['inside']);
      for (const [index, id] of ['young', 'failover', 'old'].entries()) {
        expect([...(await process(index).enter([wanted(id)], 1))]).toEqual([]);
      }
      // Twice is as once.
      expect([...(await process(2).enter([wanted('inside'), wanted('old')], 1))]).toEqual(['inside']);
      for (const [before, next] of [
        ['inside', 'failover'],
        ['failover', 'old'],
        ['old', 'young'],
      ] as const) {
        await process(1).leave(before);
        const waiting = ['failover', 'old', 'young'].map((id) => wanted(id));
        expect([
          ...(await process(0).enter(waiting.slice(waiting.findIndex((one) => one.operationId === next)), 1)),
        ]).toEqual([next]);
      }
    });

    it('lets nobody past a pair that waits for two places, which come back one by one', async () => {
      for (const id of ['a', 'b', 'pair', 'late']) await begin(id);
      const enter = async (limit = 2) => [
        ...(await process(0).enter([wanted('a'), wanted('b'), wanted('pair', 2), wanted('late')], limit)),
      ];
      expect(await enter()).toEqual(['a', 'b']);
      await process(0).leave('a');
      await journal.finish('a', 1, 'done');
      expect([...(await process(1).enter([wanted('pair', 2), wanted('late')], 2))]).toEqual([]);
      await process(0).leave('b');
      expect([...(await process(1).enter([wanted('pair', 2), wanted('late')], 2))]).toEqual(['pair']);
      await process(1).leave('pair', 'pair-0');
      expect([...(await process(2).enter([wanted('late')], 2))]).toEqual(['late']);
    });

    it('forgets what has ended, or has no worker; what a killed worker had is its operation’s', async () => {
      for (const id of ['ends', 'rests', 'killed', 'new']) await begin(id);
      await process(0).enter([wanted('ends'), wanted('rests'), wanted('killed')], 3);
      expect([...(await process(1).enter([wanted('new')], 3))]).toEqual([]);
      // The killed one is claimed by another worker: its place goes with it.
      await journal.claim('killed', 'heir');
      expect([...(await process(1).enter([wanted('new'), wanted('killed')], 3))]).toEqual(['killed']);
      await journal.finish('ends', 1, 'done');
      expect([...(await process(1).enter([wanted('new')], 3))]).toEqual(['new']);
      await begin('another');
      expect([...(await process(2).enter([wanted('another')], 3))]).toEqual([]);
      await journal.release('rests', 1);
      expect([...(await process(2).enter([wanted('another')], 3))]).toEqual(['another']);
    });

    it('are nobody’s where there are none, and wait while more are in than there may be', async () => {
      for (const id of ['a', 'b', 'c']) await begin(id);
      expect((await process(0).enter([wanted('a')], 0)).size).toBe(0);
      expect((await process(0).enter([wanted('a'), wanted('b')], 2)).size).toBe(2);
      expect((await process(0).enter([wanted('c')], 1)).size).toBe(0);
      await process(0).leave('a');
      expect((await process(0).enter([wanted('c')], 1)).size).toBe(0);
      await process(0).leave('b');
      expect((await process(0).enter([wanted('c')], 1)).size).toBe(1);
    });

    it('are never given twice, however processes come together', async () => {
      const seed = Date.now() % 1_000_000;
      const random = seededRandom(seed);
      const limit = 3;
      const open = Array.from({ length: 24 }, (_none, index) => wanted(`op-${index}`, 1 + random.integer(2)));
      for (const { operationId } of open) await begin(operationId, random.integer(2));
      let building = 0;
      let most = 0;
      const work = async (index: number): Promise<void> => {
        const mine = open.filter((_one, number) => number % processes.length === index);
        const waiting = new Map(mine.map((one) => [one.operationId, one]));
        while (waiting.size > 0) {
          const turns = await process(index).enter([...waiting.values()], limit);
          for (const id of turns) {
            const amphorae = waiting.get(id)?.amphoraIds ?? [];
            waiting.delete(id);
            building += amphorae.length;
            most = Math.max(most, building);
            for (const amphoraId of amphorae) {
              building--;
              await process(index).leave(id, amphoraId);
            }
          }
        }
      };
      await Promise.all(processes.map((_one, index) => work(index)));
      expect(most, `seed ${seed}`).toBeLessThanOrEqual(limit);
      expect(await databases[0]?.selectFrom('kiln_build_place').selectAll().execute()).toEqual([]);
    });
  });
}
