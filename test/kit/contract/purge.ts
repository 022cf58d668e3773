import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAmphoraStore } from '../../../src/adapters/storage/amphora-store.ts';
import { openDatabase } from '../../../src/adapters/storage/database.ts';
import { isMysql } from '../../../src/adapters/storage/engine.ts';
import { createJournal } from '../../../src/adapters/storage/journal.ts';
import { createLoadBalancerStore } from '../../../src/adapters/storage/load-balancer-store.ts';
import { createOutbox } from '../../../src/adapters/storage/outbox.ts';
import { createPurge } from '../../../src/adapters/storage/purge.ts';
import { createReleaseStore } from '../../../src/adapters/storage/release-store.ts';
import type { KilnDatabase } from '../../../src/adapters/storage/schema.ts';
import { tallyOf } from '../../../src/core/releases/tallies.ts';
import { createFakeClock, type FakeClock } from '../fakes/fake-clock.ts';
import { aRelease, aTarget } from '../releases.ts';
import { storedLoadBalancer } from '../stored-resources.ts';
import { type DatabaseSubject, storedAmphora } from './amphora-store.ts';

interface Statement {
  sql: string;
  parameters: readonly unknown[];
}

/** What is purged, what never is, and that neither it nor the sweeps read more when there is more. */
export function describePurgeContract(name: string, makeSubject: () => Promise<DatabaseSubject>): void {
  describe(`Purge: ${name}`, () => {
    let subject: DatabaseSubject;
    let clock: FakeClock;
    let database: KilnDatabase;
    let statements: Statement[];

    beforeEach(async () => {
      clock = createFakeClock({ start: '2026-11-23T12:00:00Z', autoAdvance: true });
      subject = await makeSubject();
      statements = [];
      database = await openDatabase(subject.connection, clock, ({ query }) => {
        statements.push(query);
      });
    });
    afterEach(async () => {
      await database.destroy();
      await subject.close();
    });

    const now = () => clock.now().toISOString();
    const failed = { code: 'BOOT_FAILED', message: 'm', advice: 'a' } as const;

    async function end(id: string, outcome: 'done' | 'undone', subjectId = `lb-of-${id}`): Promise<void> {
      const journal = createJournal(database, clock);
      await journal.enqueue({ id, flow: 'update-listener', subject: subjectId, input: {}, priority: 0 });
      const fence = (await journal.claim(id, 'w'))?.operation.fence ?? 0;
      await journal.record(id, fence, { kind: 'started', step: 's' });
      await journal.finish(id, fence, outcome === 'done' ? 'done' : { undone: failed });
    }

    async function idsIn(table: 'kiln_operation' | 'kiln_amphora'): Promise<string[]> {
      return (await database.selectFrom(table).select('id').orderBy('id').execute()).map(({ id }) => id);
    }

    it('takes releases that ended before with all of theirs, a few rows at a time; what was rejected stays', async () => {
      const store = createReleaseStore(database, clock);
      const purge = createPurge(database, clock);
      const event = { atMs: 0, actor: 'kiln', kind: 'phase', loadBalancerId: null, reason: '', data: {} };
      const start = async (id: string, tag: string) => {
        const targets = Array.from({ length: 7 }, (_none, n) => aTarget(id, `lb-${n}`, { position: n }));
        await store.create(aRelease(id, { tag, targets: 7 }), targets, tallyOf(targets), event);
      };
      const finish = async (id: string, endedAtMs: number) => {
        const release = (await store.get(id)) ?? expect.unreachable();
        const change = { targets: [], joined: [], probes: [], talliesAfter: () => release.tallies };
        const progress = { ...release.progress, phase: 'rejected' as const };
        const rejected = { hashAlgo: 'sha512', hash: id };
        const events = Array.from({ length: 12 }, () => event);
        await store.commit(release, { ...change, progress, endedAtMs, events, rejected }, endedAtMs);
      };
      const endMs = clock.now().getTime();
      for (const id of ['old', 'young', 'active']) await start(id, id);
      await finish('old', endMs - 2000);
      await finish('young', endMs);
      const before = new Date(endMs - 1000).toISOString();
      expect((await purge.count({ operations: before, amphorae: before, releases: before })).releases).toBe(1);
      const left = async (table: 'kiln_release_event' | 'kiln_release_target') =>
        (await database.selectFrom(table).select('release_id').where('release_id', '=', 'old').execute()).length;
      // 13 events and 7 load balancers.
      for (const expected of [13 + 7 - 5, 13 + 7 - 10, 13 + 7 - 15, 0]) {
        expect(await purge.releases(before, 5)).toEqual({ removed: 0, more: true });
        expect((await left('kiln_release_event')) + (await left('kiln_release_target'))).toBe(expected);
      }
      expect(await purge.releases(before, 5)).toEqual({ removed: 1, more: false });
      expect(await purge.releases(before, 5)).toEqual({ removed: 0, more: false });
      expect((await store.list(9)).map(({ spec }) => spec.id).toSorted()).toEqual(['active', 'young']);
      expect((await store.targets('young', { limit: 9 })).length).toBe(7);
      expect(await store.rejectedBy('sha512', 'old')).toBe('old');
    });

    it('takes operations that ended before, with their journals, and no more than asked for', async () => {
      for (const id of ['a', 'b', 'c']) await end(id, id === 'b' ? 'undone' : 'done');
      await clock.sleep(1000);
      const between = now();
      await clock.sleep(1000);
      await end('d', 'done');
      const purge = createPurge(database, clock);
      expect(await purge.operations(between, 2)).toBe(2);
      expect(await purge.operations(between, 2)).toBe(1);
      expect(await purge.operations(between, 2)).toBe(0);
      expect(await idsIn('kiln_operation')).toEqual(['d']);
      const entries = await database.selectFrom('kiln_journal_entry').select('operation_id').execute();
      expect(entries.map((entry) => entry.operation_id)).toEqual(['d']);
    });

    it('never takes what has not ended, however old: queued, running, undoing, or not announced yet', async () => {
      const journal = createJournal(database, clock);
      for (const id of ['queued', 'running', 'undoing']) {
        await journal.enqueue({ id, flow: 'update-listener', subject: id, input: {}, priority: 0 });
        if (id === 'queued') continue;
        const fence = (await journal.claim(id, 'w'))?.operation.fence ?? 0;
        await journal.record(id, fence, { kind: 'started', step: 's' });
        if (id === 'undoing') await journal.record(id, fence, { kind: 'failed', step: 's', reason: failed });
      }
      await clock.sleep(1000 * 24 * 3600 * 1000);
      expect(await createPurge(database, clock).operations(now(), 100)).toBe(0);
      expect(await idsIn('kiln_operation')).toEqual(['queued', 'running', 'undoing']);
      expect((await createOutbox(database, clock).unannounced(10)).map(({ id }) => id).sort()).toEqual([
        'queued',
        'running',
        'undoing',
      ]);
    });

    it('keeps what failed last on a load balancer until that is repaired or gone', async () => {
      const store = createLoadBalancerStore(database, clock);
      await store.apply({
        loadBalancerId: 'lb',
        mutableFrom: [],
        operation: null,
        rows: [{ kind: 'loadbalancer', put: storedLoadBalancer('lb') }],
      });
      const setStatus = (status: string) =>
        database
          .updateTable('kiln_load_balancer')
          .set({ provisioning_status: status })
          .where('id', '=', 'lb')
          .execute();
      await setStatus('ERROR');
      await end('before', 'done', 'lb');
      // Tried again and again, for as long as nobody repairs it.
      for (const id of ['failed-1', 'failed-2', 'failed']) {
        await clock.sleep(1000);
        await end(id, 'undone', 'lb');
      }
      await clock.sleep(1000);
      const purge = createPurge(database, clock);
      await purge.operations(now(), 100);
      expect(await idsIn('kiln_operation')).toEqual(['failed']);
      await setStatus('ACTIVE');
      await purge.operations(now(), 100);
      expect(await idsIn('kiln_operation')).not.toContain('failed');
    });

    it('takes amphorae that were deleted before, and none that is there or is still worked on', async () => {
      const store = createAmphoraStore(database, clock);
      await store.insert(storedAmphora('gone', { status: 'DELETED' }));
      await store.insert(storedAmphora('lately', { status: 'DELETED', updatedAt: '2026-11-23T11:59:59.000Z' }));
      await store.insert(storedAmphora('worked-on', { status: 'DELETED', loadBalancerId: 'busy' }));
      for (const status of ['BOOTING', 'READY', 'ALLOCATED', 'PENDING_DELETE', 'ERROR'] as const)
        await store.insert(storedAmphora(status, { status }));
      await database.insertInto('kiln_amphora_health').values({ amphora_id: 'gone', last_heard: now() }).execute();
      const journal = createJournal(database, clock);
      await journal.enqueue({ id: 'o', flow: 'update-listener', subject: 'busy', input: {}, priority: 0 });
      const fence = (await journal.claim('o', 'w'))?.operation.fence ?? 0;

      const purge = createPurge(database, clock);
      const before = '2026-11-23T11:59:00.000Z';
      expect(await purge.amphorae(before, 100)).toBe(1);
      const there = ['ALLOCATED', 'BOOTING', 'ERROR', 'PENDING_DELETE', 'READY', 'lately'];
      expect(await idsIn('kiln_amphora')).toEqual([...there, 'worked-on']);
      expect(await database.selectFrom('kiln_amphora_health').selectAll().execute()).toEqual([]);
      await journal.finish('o', fence, 'done');
      expect(await purge.amphorae(before, 100)).toBe(1);
      expect(await idsIn('kiln_amphora')).toEqual(there);
    });

    it('several may do it at once', async () => {
      for (let n = 0; n < 30; n++) await end(`o${n}`, 'done');
      await clock.sleep(1000);
      const before = now();
      const rounds = Array.from({ length: 4 }, async () => {
        const purge = createPurge(database, clock);
        while ((await purge.operations(before, 10)) > 0);
      });
      await Promise.all(rounds);
      expect(await idsIn('kiln_operation')).toEqual([]);
    });

    describe('with a large fleet', () => {
      const FLEET = 2_000;
      const BATCH = 200;
      beforeEach(async () => {
        for (let from = 0; from < FLEET; from += BATCH) {
          const numbers = Array.from({ length: BATCH }, (_, n) => from + n);
          const at = (n: number) => new Date(Date.parse('2026-11-01T00:00:00Z') + n * 1000).toISOString();
          await database
            .insertInto('kiln_amphora')
            .values(
              numbers.map((n) => ({
                id: `a${n}`,
                server_name: `s${n}`,
                status: 'ALLOCATED',
                load_balancer_id: `lb${n}`,
                timings: '{}',
                created_at: at(n),
                updated_at: at(n),
              })),
            )
            .execute();
          await database
            .insertInto('kiln_operation')
            .values(
              numbers.map((n) => ({
                id: `o${n}`,
                flow: 'update-listener',
                subject: `lb${n}`,
                input: '{}',
                priority: 0,
                status: 'done',
                fence: 1,
                entry_count: 0,
                created_at: at(n),
                updated_at: at(n),
              })),
            )
            .execute();
        }
        if (isMysql(database)) await sql`analyze table kiln_amphora, kiln_operation`.execute(database);
      });

      /** Whether the engine finds what it needs by an index, and reads rows in proportion to what it gives back. */
      async function expectIndexed(call: () => Promise<unknown>): Promise<void> {
        statements.length = 0;
        await call();
        const asked = statements.filter((statement) => /^select/i.test(statement.sql));
        expect(asked.length).toBeGreaterThan(0);
        for (const statement of asked) {
          const explain = isMysql(database) ? 'explain ' : 'explain query plan ';
          // Kysely's raw statements take values by template: these ones are placed where the compiled text has its marks.
          const texts = statement.sql.split('?');
          const parts = texts.flatMap((text, n) =>
            n < statement.parameters.length ? [sql.raw(text), sql`${statement.parameters[n]}`] : [sql.raw(text)],
          );
          const { rows } = await sql<Record<string, unknown>>`${sql.raw(explain)}${sql.join(parts, sql``)}`.execute(
            database,
          );
          for (const row of rows) {
            if (isMysql(database)) {
              expect(`${row.type}`, statement.sql).not.toBe('ALL');
              expect(Number.parseInt(`${row.rows ?? 0}`, 10), statement.sql).toBeLessThan(FLEET / 4);
            } else {
              expect(`${row.detail}`, statement.sql).not.toMatch(/^SCAN (?!.*INDEX)/);
            }
          }
        }
      }

      it('neither the list of operations nor any sweep reads all rows', async () => {
        const journal = createJournal(database, clock);
        const amphorae = createAmphoraStore(database, clock);
        const purge = createPurge(database, clock);
        await expectIndexed(() => journal.list({ limit: 20 }));
        await expectIndexed(() => journal.list({ limit: 20, subject: 'lb7' }));
        await expectIndexed(() => journal.claimed());
        await expectIndexed(() => journal.unclaimed(100));
        await expectIndexed(() => createOutbox(database, clock).unannounced(100));
        await expectIndexed(() => amphorae.listWithoutOperation());
        await expectIndexed(() => purge.operations('2026-10-01T00:00:00.000Z', 100));
        await expectIndexed(() => purge.amphorae('2026-10-01T00:00:00.000Z', 100));
      });
    });
  });
}
