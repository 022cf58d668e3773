import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src/adapters/storage/database.ts';
import { createQuotaStore } from '../../../src/adapters/storage/quota-store.ts';
import type { KilnDatabase } from '../../../src/adapters/storage/schema.ts';
import type { Quota, QuotaStore } from '../../../src/ports/quota-store.ts';
import { createFakeClock } from '../fakes/fake-clock.ts';
import type { DatabaseSubject } from './amphora-store.ts';

const none: Quota = {
  loadbalancer: null,
  listener: null,
  pool: null,
  member: null,
  healthmonitor: null,
  l7policy: null,
  l7rule: null,
};

const all = { projectId: null, filters: {}, sort: [] };

/** What every keeper of quotas must do: run against SQLite and MariaDB. */
export function describeQuotaStoreContract(name: string, makeSubject: () => Promise<DatabaseSubject>): void {
  describe(`quota store: ${name}`, () => {
    const clock = createFakeClock({ autoAdvance: true });
    let subject: DatabaseSubject;
    let database: KilnDatabase;
    let store: QuotaStore;
    let statements = 0;

    beforeEach(async () => {
      subject = await makeSubject();
      database = await openDatabase(subject.connection, clock, () => {
        statements++;
      });
      store = createQuotaStore(database, clock);
    });
    afterEach(async () => {
      await database.destroy();
      await subject.close();
    });

    it('is all null for a project that has none', async () => {
      expect(await store.get('p')).toEqual(none);
      expect(await store.list({ ...all, limit: 10 })).toEqual([]);
    });

    it('changes what the patch names, null included', async () => {
      expect(await store.put('p', { loadbalancer: 5, member: -1 })).toEqual({ ...none, loadbalancer: 5, member: -1 });
      expect(await store.put('p', { loadbalancer: 0, l7rule: 2_000_000_000 })).toEqual({
        ...none,
        loadbalancer: 0,
        member: -1,
        l7rule: 2_000_000_000,
      });
      expect(await store.put('p', { member: null })).toMatchObject({ loadbalancer: 0, member: null });
      expect(await store.put('p', {})).toMatchObject({ loadbalancer: 0 });
      expect(await store.get('P')).toEqual(none);
    });

    it('of two changes at once neither is lost', async () => {
      await Promise.all([
        store.put('p', { pool: 1 }),
        store.put('p', { listener: 2 }),
        store.put('p', { l7policy: 3 }),
      ]);
      expect(await store.get('p')).toEqual({ ...none, pool: 1, listener: 2, l7policy: 3 });
    });

    it('forgets', async () => {
      await store.put('p', { pool: 1 });
      expect(await store.delete('p')).toBe(true);
      expect(await store.delete('p')).toBe(false);
      expect(await store.get('p')).toEqual(none);
      expect(await store.list({ ...all, limit: 10 })).toEqual([]);
    });

    it('lists projects in order, in pages, in as many statements however many there are', async () => {
      for (const project of ['c', 'a', 'd', 'b']) await store.put(project, { pool: 1 });
      const projects = async (query: Partial<Parameters<QuotaStore['list']>[0]>) =>
        (await store.list({ ...all, limit: 10, ...query })).map(({ projectId }) => projectId);
      statements = 0;
      expect(await projects({})).toEqual(['a', 'b', 'c', 'd']);
      expect(statements).toBe(1);
      expect(await projects({ limit: 2, marker: 'b' })).toEqual(['c', 'd']);
      expect(await projects({ limit: 2, marker: 'd', reverse: true })).toEqual(['b', 'c']);
      expect(await projects({ projectId: 'c' })).toEqual(['c']);
      expect(await store.list({ ...all, projectId: 'c', limit: 1 })).toEqual([{ ...none, projectId: 'c', pool: 1 }]);
    });
  });
}
