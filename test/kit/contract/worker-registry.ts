import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src/adapters/storage/database.ts';
import type { KilnDatabase } from '../../../src/adapters/storage/schema.ts';
import { createWorkerRegistry } from '../../../src/adapters/storage/worker-registry.ts';
import { createFakeClock } from '../fakes/fake-clock.ts';
import type { DatabaseSubject } from './amphora-store.ts';

const LEASE_MS = 30_000;

/** Who lives, by what is in the database, on any engine. */
export function describeWorkerRegistryContract(name: string, makeSubject: () => Promise<DatabaseSubject>): void {
  describe(`WorkerRegistry: ${name}`, () => {
    let subject: DatabaseSubject;
    let database: KilnDatabase;
    beforeEach(async () => {
      subject = await makeSubject();
      database = await openDatabase(subject.connection, createFakeClock({ autoAdvance: true }));
    });
    afterEach(async () => {
      await database.destroy();
      await subject.close();
    });

    /** A worker on a host with a clock of its own. `gone` are processes that its host knows to be dead. */
    function makeWorker(self: string, { start = '2026-11-23T12:00:00Z' } = {}) {
      const clock = createFakeClock({ start });
      const gone = new Set<string>();
      const isAlive = (worker: string) => !gone.has(worker);
      const identity = { self, isAlive };
      const registry = createWorkerRegistry(database, clock, { identity, roles: ['worker'], leaseMs: LEASE_MS });
      return { self, clock, gone, registry };
    }

    it('a worker elsewhere lives as long as it beats within its lease, whatever its wall clock says', async () => {
      const one = makeWorker('h1:b:1/1/1');
      const two = makeWorker('h2:b:1/1/1', { start: '2031-01-01T00:00:00Z' });
      await one.registry.beat();
      await two.registry.beat();
      for (let n = 0; n < 20; n++) {
        expect(await one.registry.isAlive(two.self)).toBe(true);
        expect(await two.registry.isAlive(one.self)).toBe(true);
        await one.clock.advance(LEASE_MS - 1);
        await two.clock.advance(LEASE_MS - 1);
        one.clock.jumpWall(-3_600_000);
        await two.registry.beat();
        await one.registry.beat();
      }
    });

    it('one that stands still for a lease is dead, and alive again when it beats', async () => {
      const one = makeWorker('h1:b:1/1/1');
      const two = makeWorker('h2:b:1/1/1');
      await two.registry.beat();
      expect(await one.registry.isAlive(two.self)).toBe(true);
      await one.clock.advance(LEASE_MS);
      expect(await one.registry.isAlive(two.self)).toBe(true);
      await one.clock.advance(1);
      expect(await one.registry.isAlive(two.self)).toBe(false);
      await two.registry.beat();
      expect(await one.registry.isAlive(two.self)).toBe(true);
    });

    it('an asker that slept long accuses nobody by what it knew before', async () => {
      const one = makeWorker('h1:b:1/1/1');
      const two = makeWorker('h2:b:1/1/1');
      await two.registry.beat();
      await one.registry.isAlive(two.self);
      await two.registry.beat();
      await one.clock.advance(10 * LEASE_MS);
      expect(await one.registry.isAlive(two.self)).toBe(true);
    });

    it('one that is not in the table is given a lease as well', async () => {
      const one = makeWorker('h1:b:1/1/1');
      expect(await one.registry.isAlive('h2:b:1/1/1')).toBe(true);
      await one.clock.advance(LEASE_MS + 1);
      expect(await one.registry.isAlive('h2:b:1/1/1')).toBe(false);
    });

    it('of this host, the process counts and not its beats', async () => {
      const one = makeWorker('h1:b:1/1/1');
      const beside = 'h1:b:1/2/2';
      expect(await one.registry.isAlive(beside)).toBe(true);
      await one.clock.advance(10 * LEASE_MS);
      expect(await one.registry.isAlive(beside)).toBe(true);
      one.gone.add(beside);
      expect(await one.registry.isAlive(beside)).toBe(false);
    });

    it('keeps one row for each, takes it away on authorize, and forgets those of long ago', async () => {
      const old = makeWorker('h0:b:1/1/1', { start: '2026-11-01T00:00:00Z' });
      await old.registry.beat();
      const one = makeWorker('h1:b:1/1/1');
      for (let n = 0; n < 3; n++) await one.registry.beat();
      const rows = () => database.selectFrom('kiln_worker').selectAll().orderBy('id').execute();
      expect(await rows()).toEqual([
        {
          id: 'h1:b:1/1/1',
          host: 'h1',
          role: 'worker',
          beats: 3,
          beat_at: '2026-11-23T12:00:00.000Z',
          started_at: '2026-11-23T12:00:00.000Z',
        },
      ]);
      await one.registry.remove();
      expect(await rows()).toEqual([]);
      await one.registry.beat();
      expect(await rows()).toMatchObject([{ beats: 1 }]);
    });
  });
}
