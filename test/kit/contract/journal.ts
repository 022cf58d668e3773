import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src/adapters/storage/database.ts';
import { createJournal } from '../../../src/adapters/storage/journal.ts';
import type { KilnDatabase } from '../../../src/adapters/storage/schema.ts';
import type { JournalEntry } from '../../../src/model/operation.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import type { Journal } from '../../../src/ports/journal.ts';
import { createFakeClock, type FakeClock } from '../fakes/fake-clock.ts';
import { runScript } from '../run-script.ts';
import type { DatabaseSubject } from './amphora-store.ts';

export interface JournalSubject {
  journal: Journal;
  close(): Promise<void>;
}

const reason = { code: 'BOOT_FAILED', message: 'no "valid" host: 🔥 \\ \'', advice: 'wait' };

function newOperation(id: string, over: Partial<Parameters<Journal['enqueue']>[0]> = {}) {
  return { id, flow: 'create-load-balancer', subject: `lb-of-${id}`, input: {}, priority: 0, ...over };
}

/** What a journal does, in memory or on any engine. */
export function describeJournalContract(name: string, makeSubject: (clock: Clock) => Promise<JournalSubject>): void {
  describe(`Journal: ${name}`, () => {
    let clock: FakeClock;
    let subject: JournalSubject;
    let journal: Journal;

    beforeEach(async () => {
      clock = createFakeClock({ start: '2026-11-23T12:00:00Z', autoAdvance: true });
      subject = await makeSubject(clock);
      journal = subject.journal;
    });
    afterEach(() => subject.close());

    /** Claims what must be there to be claimed, and gives its fence. */
    async function claim(id: string, worker = 'w1'): Promise<number> {
      const claimed = await journal.claim(id, worker);
      if (!claimed) throw new Error(`${id} was not to be had`);
      return claimed.operation.fence;
    }

    it('gives back what was enqueued, once', async () => {
      const input = { text: 'ä🔥"\\\'\u0000', list: [1, null, { deep: true }], large: 'x'.repeat(100_000) };
      await journal.enqueue(newOperation('a', { input, priority: 7 }));
      await clock.sleep(1000);
      await journal.enqueue(newOperation('a', { input: { other: true }, subject: 'other', priority: 1 }));
      const at = '2026-11-23T12:00:00.000Z';
      const operation = {
        ...newOperation('a', { input, priority: 7 }),
        status: 'queued',
        fence: 0,
        worker: null,
        reason: null,
        createdAt: at,
        updatedAt: at,
      };
      expect(await journal.get('a')).toEqual({ operation, entries: [] });
      expect(await journal.unclaimed(10)).toEqual([operation]);
      expect(await journal.claimed()).toEqual([]);
      expect(await journal.get('A')).toBeNull();
    });

    it('enqueued again while it runs or has ended, it stays as it is', async () => {
      await journal.enqueue(newOperation('a'));
      const fence = await claim('a');
      await journal.enqueue(newOperation('a'));
      expect((await journal.get('a'))?.operation).toMatchObject({ status: 'running', fence, worker: 'w1' });
      await journal.finish('a', fence, 'done');
      await journal.enqueue(newOperation('a'));
      expect((await journal.get('a'))?.operation).toMatchObject({ status: 'done' });
    });

    it('keeps entries in the order in which they were written', async () => {
      await journal.enqueue(newOperation('a'));
      const entries: JournalEntry[] = Array.from({ length: 12 }, (_, n) => [
        { kind: 'started' as const, step: `s${n}` },
        { kind: 'done' as const, step: `s${n}`, output: { n, text: '🔥"\\' } },
      ]).flat();
      entries.push({ kind: 'failed', step: 's11', reason }, { kind: 'undone', step: 's11' });
      for (const [n, entry] of entries.entries()) {
        const claimed = await journal.claim('a', `w${n}`);
        expect(claimed?.entries).toEqual(entries.slice(0, n));
        await journal.record('a', n + 1, entry);
      }
      expect((await journal.get('a'))?.entries).toEqual(entries);
    });

    it('goes from queued to running to done', async () => {
      await journal.enqueue(newOperation('a'));
      await clock.sleep(5);
      const claimed = await journal.claim('a', 'w1');
      expect(claimed).toEqual({
        operation: expect.objectContaining({
          status: 'running',
          worker: 'w1',
          fence: 1,
          updatedAt: clock.now().toISOString(),
        }),
        entries: [],
      });
      expect(await journal.get('a')).toEqual(claimed);
      expect(await journal.claimed()).toEqual([claimed?.operation]);
      expect(await journal.unclaimed(10)).toEqual([]);
      await journal.finish('a', 1, 'done');
      expect((await journal.get('a'))?.operation).toMatchObject({ status: 'done', worker: null, reason: null });
      expect([await journal.claimed(), await journal.unclaimed(10)]).toEqual([[], []]);
      expect(await journal.claim('a', 'w1')).toBeNull();
    });

    it('turned around, it is undoing from then on, and keeps its reasons', async () => {
      await journal.enqueue(newOperation('a'));
      await journal.record('a', await claim('a'), { kind: 'failed', step: 's', reason });
      expect((await journal.get('a'))?.operation).toMatchObject({ status: 'undoing', reason, worker: 'w1' });
      await journal.release('a', 1);
      expect(await journal.unclaimed(10)).toMatchObject([{ id: 'a', status: 'undoing', worker: null, fence: 1 }]);
      expect((await journal.claim('a', 'w2'))?.operation).toMatchObject({ status: 'undoing', reason, fence: 2 });
      const last = { ...reason, message: 'and so it ended' };
      await journal.finish('a', 2, { undone: last });
      expect((await journal.get('a'))?.operation).toMatchObject({ status: 'undone', reason: last, worker: null });
    });

    it('writes nothing for who comes late: an older fence, or after the end', async () => {
      await journal.enqueue(newOperation('a'));
      const late = await claim('a', 'late');
      const fence = await claim('a', 'w2');
      const attempts = (with_: number) => [
        () => journal.record('a', with_, { kind: 'failed', step: 's', reason }),
        () => journal.record('a', with_, { kind: 'started', step: 's' }),
        () => journal.release('a', with_),
        () => journal.finish('a', with_, 'done'),
        () => journal.finish('a', with_, { undone: reason }),
      ];
      const before = await journal.get('a');
      for (const attempt of [...attempts(late), ...attempts(fence + 1)]) {
        await expect(attempt()).rejects.toMatchObject({ code: 'FENCED' });
      }
      expect(await journal.get('a')).toEqual(before);
      await journal.finish('a', fence, 'done');
      const ended = await journal.get('a');
      for (const attempt of attempts(fence)) await expect(attempt()).rejects.toMatchObject({ code: 'FENCED' });
      expect(await journal.get('a')).toEqual(ended);
      await expect(journal.record('nowhere', 0, { kind: 'started', step: 's' })).rejects.toMatchObject({
        code: 'FENCED',
      });
    });

    it('one operation on a subject at a time, until its end', async () => {
      await journal.enqueue(newOperation('a', { subject: 'lb' }));
      await journal.enqueue(newOperation('b', { subject: 'lb' }));
      await journal.enqueue(newOperation('c', { subject: 'LB' }));
      await claim('b');
      expect(await journal.claim('a', 'w2')).toBeNull();
      expect(await journal.claim('c', 'w2')).not.toBeNull();
      await journal.release('b', 1);
      expect(await journal.claim('a', 'w2')).toBeNull();
      await journal.record('b', await claim('b', 'w3'), { kind: 'failed', step: 's', reason });
      expect(await journal.claim('a', 'w2')).toBeNull();
      await journal.finish('b', 2, { undone: reason });
      expect(await journal.claim('a', 'w2')).not.toBeNull();
      expect((await journal.get('a'))?.operation).toMatchObject({ fence: 1, worker: 'w2' });
    });

    it('gives an operation to one of many that saw it at the same fence', async () => {
      await journal.enqueue(newOperation('a'));
      const claims = await Promise.all(Array.from({ length: 8 }, (_, n) => journal.claim('a', `w${n}`, 0)));
      expect(claims.filter((claimed) => claimed !== null)).toHaveLength(1);
      expect(await journal.claim('a', 'late', 0)).toBeNull();
      expect(await journal.claim('a', 'heir', 1)).toMatchObject({ operation: { fence: 2, worker: 'heir' } });
    });

    it('lists what nobody has of some flows alone, and gives the entries of several at once', async () => {
      await journal.enqueue(newOperation('a'));
      await journal.enqueue(newOperation('b', { flow: 'of-the-future', priority: 9 }));
      await journal.enqueue(newOperation('c'));
      const ids = async (flows?: string[]) => (await journal.unclaimed(1, flows)).map(({ id }) => id);
      expect(await ids()).toEqual(['b']);
      expect(await ids(['create-load-balancer', 'other'])).toEqual(['a']);
      for (const id of ['a', 'b']) {
        const entries = [1, 2, 3].map((n) => ({ kind: 'done' as const, step: `${id}${n}`, output: { n } }));
        await journal.record(id, await claim(id), ...entries);
      }
      const entries = await journal.entriesOf(['a', 'b', 'c', 'nowhere']);
      expect([...entries.keys()].sort()).toEqual(['a', 'b']);
      expect(entries.get('b')?.map(({ step }) => step)).toEqual(['b1', 'b2', 'b3']);
      expect(await journal.entriesOf([])).toEqual(new Map());
    });

    it('lists what nobody has: the most urgent first, then the oldest', async () => {
      await journal.enqueue(newOperation('b'));
      await clock.sleep(1);
      await journal.enqueue(newOperation('a'));
      await journal.enqueue(newOperation('urgent', { priority: 10 }));
      await journal.enqueue(newOperation('taken', { priority: 11 }));
      await claim('taken');
      const ids = async (limit: number) => (await journal.unclaimed(limit)).map(({ id }) => id);
      expect(await ids(10)).toEqual(['urgent', 'b', 'a']);
      expect(await ids(2)).toEqual(['urgent', 'b']);
      expect((await journal.claimed()).map(({ id }) => id)).toEqual(['taken']);
    });
  });
}

const PROCESSES = 8;
const OPERATIONS = 100;
const SUBJECTS = 30;

/**
 * One of several processes that claim whatever there is until nothing is left, with all the haste that they can. What it
 * prints is what it did: of each operation that it ended, when it had it for itself.
 */
const claimer = (connection: string, worker: string) => {
  const source = (path: string) => JSON.stringify(join(import.meta.dirname, '../../../src/', path));
  return `
    import { openDatabase } from ${source('adapters/storage/database.ts')};
    import { createJournal } from ${source('adapters/storage/journal.ts')};
    import { createSystemClock } from ${source('adapters/clock/system-clock.ts')};
    const clock = createSystemClock();
    const database = await openDatabase(${JSON.stringify(connection)}, clock);
    const journal = createJournal(database, clock);
    const done = [];
    for (;;) {
      const open = await journal.unclaimed(10);
      if (open.length === 0 && (await journal.claimed()).length === 0) break;
      for (const { id, fence, subject } of open) {
        const claimed = await journal.claim(id, ${JSON.stringify(worker)}, fence);
        if (!claimed) continue;
        const beganAt = Number(process.hrtime.bigint());
        await journal.record(id, claimed.operation.fence, { kind: 'started', step: 's' });
        await clock.sleep(2);
        await journal.record(id, claimed.operation.fence, { kind: 'done', step: 's', output: {} });
        const endedAt = Number(process.hrtime.bigint());
        await journal.finish(id, claimed.operation.fence, 'done');
        done.push({ id, subject, beganAt, endedAt });
      }
      await clock.sleep(5);
    }
    await database.destroy();
    process.stdout.write(JSON.stringify(done));`;
};

interface Ended {
  id: string;
  subject: string;
  beganAt: number;
  endedAt: number;
}

/** What only a journal can promise that several processes share. */
export function describeSharedJournalContract(name: string, makeSubject: () => Promise<DatabaseSubject>): void {
  describe(`Journal shared by processes: ${name}`, () => {
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

    it('none of many operations runs twice, and none beside another one on its subject', async () => {
      const journal = createJournal(database, createFakeClock());
      for (let n = 0; n < OPERATIONS; n++) {
        await journal.enqueue(newOperation(`op-${n}`, { subject: `lb-${n % SUBJECTS}` }));
      }
      const lists = await Promise.all(
        Array.from({ length: PROCESSES }, (_, n) => runScript<Ended[]>(claimer(subject.connection, `w${n}`))),
      );
      const ended = lists.flat();
      expect(ended.map(({ id }) => id).sort()).toEqual(Array.from({ length: OPERATIONS }, (_, n) => `op-${n}`).sort());
      for (const [first, second] of pairs(ended.sort((a, b) => a.beganAt - b.beganAt))) {
        if (first.subject === second.subject) expect(first.endedAt).toBeLessThanOrEqual(second.beganAt);
      }
      for (let n = 0; n < OPERATIONS; n++) {
        const { operation, entries } = (await journal.get(`op-${n}`)) ?? {};
        expect(operation).toMatchObject({ status: 'done', fence: 1 });
        expect(entries?.map(({ kind }) => kind)).toEqual(['started', 'done']);
      }
    });
  });
}

function* pairs<Item>(items: readonly Item[]): Generator<[Item, Item]> {
  for (const [n, first] of items.entries()) for (const second of items.slice(n + 1)) yield [first, second];
}
