import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src/adapters/storage/database.ts';
import { createEventStore } from '../../../src/adapters/storage/event-store.ts';
import { createJournal } from '../../../src/adapters/storage/journal.ts';
import { createReleaseStore } from '../../../src/adapters/storage/release-store.ts';
import type { KilnDatabase } from '../../../src/adapters/storage/schema.ts';
import { createTagHistory } from '../../../src/adapters/storage/tag-history.ts';
import { timeOfEventId } from '../../../src/model/event.ts';
import { createFakeClock } from '../fakes/fake-clock.ts';
import { aRelease } from '../releases.ts';
import type { DatabaseSubject } from './amphora-store.ts';

/** What EventStore does, whatever engine is behind it. */
export function describeEventStoreContract(name: string, makeSubject: () => Promise<DatabaseSubject>): void {
  describe(`EventStore: ${name}`, () => {
    const clock = createFakeClock({ autoAdvance: true });
    let statements = 0;
    let subject: DatabaseSubject;
    let database: KilnDatabase;

    beforeEach(async () => {
      subject = await makeSubject();
      database = await openDatabase(subject.connection, clock, () => {
        statements++;
      });
    });
    afterEach(async () => {
      await database.destroy();
      await subject.close();
    });

    const ms = (time: string) => Date.parse(`2026-11-28T${time}.000Z`);
    const iso = (time: string) => new Date(ms(time)).toISOString();

    /** A tag, a release and an operation that ended, one after the other. */
    async function seed(): Promise<void> {
      const history = createTagHistory(database, clock);
      await history.record('amphora', [{ id: 'i1', name: 'one' }], iso('10:00:00'));
      await history.record('amphora', [{ id: 'i2', name: '<b>' }], iso('10:01:00'));
      const event = { actor: 'alice', loadBalancerId: null, reason: 'patch' };
      await createReleaseStore(database, clock).create(
        aRelease('r', {}, ms('10:02:00')),
        [],
        { counts: {} as never, waves: {} },
        { ...event, atMs: ms('10:02:00'), kind: 'intent', data: { want: 'run' } },
      );
      await createJournal(database, clock).enqueue({
        id: 'o',
        flow: 'failover-load-balancer',
        subject: 'lb',
        input: { loadBalancerId: 'lb', secret: 'geheim' },
        priority: 0,
      });
      const reason = JSON.stringify({ code: 'X', message: 'no room', advice: 'a' });
      await database
        .updateTable('kiln_operation')
        .set({ created_at: iso('10:03:00'), updated_at: iso('10:04:00'), status: 'undone', reason })
        .execute();
    }

    it('tells of releases, operations and tags in one order, in one statement, and nothing of what an operation works with', async () => {
      await seed();
      const store = createEventStore(database, clock);
      const before = statements;
      const all = await store.newest(10);
      expect(statements - before).toBe(1);
      // The two of the tag are of the same moment.
      expect(all.map(({ source, atMs }) => [source, atMs])).toEqual([
        ['tag', ms('10:01:00')],
        ['tag', ms('10:01:00')],
        ['release', ms('10:02:00')],
        ['operation', ms('10:03:00')],
        ['operation', ms('10:04:00')],
      ]);
      expect(all.map(({ kind }) => kind).sort()).toEqual(['intent', 'queued', 'tagged', 'undone', 'untagged']);
      const [, , release, queued, undone] = all;
      expect(all.find(({ kind }) => kind === 'tagged')?.data).toEqual({
        tag: 'amphora',
        image_id: 'i2',
        image_name: '<b>',
      });
      expect(release).toMatchObject({ actor: 'alice', releaseId: 'r', reason: 'patch', data: { want: 'run' } });
      expect(queued).toMatchObject({ operationId: 'o', loadBalancerId: 'lb', reason: '' });
      expect(undone).toMatchObject({ reason: 'no room', data: { flow: 'failover-load-balancer', subject: 'lb' } });
      expect(JSON.stringify(all)).not.toContain('geheim');
      for (const { id, atMs } of all) expect(timeOfEventId(id)).toBe(atMs);
      expect(new Set(all.map(({ id }) => id)).size).toBe(5);
    });

    it('reads from a time on, and the newest ones', async () => {
      await seed();
      const store = createEventStore(database, clock);
      const kinds = (events: readonly { kind: string }[]) => events.map(({ kind }) => kind);
      expect(kinds(await store.since(ms('10:02:00'), 10))).toEqual(['intent', 'queued', 'undone']);
      expect(kinds(await store.since(ms('10:02:00'), 2))).toEqual(['intent', 'queued']);
      expect(kinds(await store.newest(2))).toEqual(['queued', 'undone']);
      expect(await store.since(ms('10:04:01'), 10)).toEqual([]);
      expect(await store.since(0, 10)).toEqual(await store.newest(10));
    });
  });
}
