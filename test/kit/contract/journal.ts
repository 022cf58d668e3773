import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createAmphoraStore } from '../../../src/adapters/storage/amphora-store.ts';
import { openDatabase } from '../../../src/adapters/storage/database.ts';
import { createJournal } from '../../../src/adapters/storage/journal.ts';
import type { KilnDatabase } from '../../../src/adapters/storage/schema.ts';
import type { FlowName } from '../../../src/model/flow-name.ts';
import type { JournalEntry, NewOperation } from '../../../src/model/operation.ts';
import type { AmphoraPatch } from '../../../src/ports/amphora-store.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import type { Journal, RunPlaces } from '../../../src/ports/journal.ts';
import { createFakeClock, type FakeClock } from '../fakes/fake-clock.ts';
import { madeUpFlow } from '../made-up-flow.ts';
import { runScript } from '../run-script.ts';
import { type DatabaseSubject, storedAmphora } from './amphora-store.ts';

export interface JournalSubject {
  journal: Journal;
  close(): Promise<void>;
}

const reason = { code: 'BOOT_FAILED', message: 'no "valid" host: 🔥 \\ \'', advice: 'wait' };

function newOperation(id: string, over: Partial<NewOperation> = {}): NewOperation {
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
      await journal.enqueue(newOperation('b', { flow: madeUpFlow('of-the-future'), priority: 9 }));
      await journal.enqueue(newOperation('c'));
      const ids = async (flows?: FlowName[]) => (await journal.unclaimed(1, flows)).map(({ id }) => id);
      expect(await ids()).toEqual(['b']);
      expect(await ids(['create-load-balancer', 'update-pool'])).toEqual(['a']);
      for (const id of ['a', 'b']) {
        const entries = [1, 2, 3].map((n) => ({ kind: 'done' as const, step: `${id}${n}`, output: { n } }));
        await journal.record(id, await claim(id), ...entries);
      }
      const entries = await journal.entriesOf(['a', 'b', 'c', 'nowhere']);
      expect([...entries.keys()].sort()).toEqual(['a', 'b']);
      expect(entries.get('b')?.map(({ step }) => step)).toEqual(['b1', 'b2', 'b3']);
      expect(await journal.entriesOf([])).toEqual(new Map());
    });

    describe('with places', () => {
      const flows: FlowName[] = ['create-load-balancer'];
      const claimPlace = async (id: string, limit: number, worker = 'w1', fence?: number) => {
        const seen = fence ?? (await journal.get(id))?.operation.fence ?? 0;
        const claimed = await journal.claimPlace(id, worker, seen, { limit, flows });
        return claimed && 'full' in claimed ? claimed : claimed?.operation.fence;
      };

      it('gives as many as there are, and again what was given back or has ended', async () => {
        for (const id of ['a', 'b', 'c', 'd']) await journal.enqueue(newOperation(id));
        expect([await claimPlace('a', 2), await claimPlace('b', 2)]).toEqual([1, 1]);
        expect(await claimPlace('c', 2)).toEqual({ full: true, first: null });
        await journal.finish('a', 1, 'done');
        expect(await claimPlace('c', 2)).toBe(1);
        expect(await claimPlace('d', 2)).toMatchObject({ full: true });
        await journal.release('b', 1);
        expect(await claimPlace('d', 2)).toBe(1);
        // Fewer are meant now than are under way.
        expect(await claimPlace('b', 1)).toMatchObject({ full: true });
        expect(await claimPlace('b', 3)).toBe(2);
      });

      it('leaves what its worker had to whoever goes on; what is aborted gives it back', async () => {
        for (const id of ['a', 'b']) await journal.enqueue(newOperation(id));
        await claimPlace('a', 1);
        expect(await claimPlace('a', 1, 'heir')).toBe(2);
        expect(await claimPlace('b', 1)).toMatchObject({ full: true });
        const fence = await claim('a', 'who aborts');
        await journal.finish('a', fence, { undone: reason });
        expect(await claimPlace('b', 1)).toBe(1);
      });

      it('takes what was seen for what is there, unless it has changed since', async () => {
        const places = { limit: 5, flows };
        const add = async (id: string) => {
          await journal.enqueue(newOperation(id));
          return (await journal.get(id)) ?? expect.unreachable();
        };
        const fresh = await add('a');
        expect(await journal.claimPlace('a', 'w1', 0, places, fresh)).toMatchObject({
          operation: { fence: 1, worker: 'w1', status: 'running' },
          entries: [],
        });
        const old = await add('b');
        const entry = { kind: 'started', step: 's' } as const;
        await journal.record('b', 0, entry);
        expect(await journal.claimPlace('b', 'w1', 0, places, old)).toMatchObject({ entries: [entry] });
        expect(await journal.claimPlace('b', 'w2', 0, places, old)).toBeNull();
      });

      it('refuses as a claim does', async () => {
        await journal.enqueue(newOperation('a', { subject: 'same' }));
        await journal.enqueue(newOperation('b', { subject: 'same' }));
        expect(await claimPlace('a', 5, 'w1', 7)).toBeUndefined();
        expect(await claimPlace('nowhere', 5)).toBeUndefined();
        expect(await claimPlace('a', 5)).toBe(1);
        expect(await claimPlace('b', 5)).toBeUndefined();
        await journal.finish('a', 1, 'done');
        expect(await claimPlace('a', 5)).toBeUndefined();
      });

      it('keeps the last one for the most urgent, then the oldest, that can begin here', async () => {
        const add = async (id: string, over = {}) => {
          await journal.enqueue(newOperation(id, over));
          await clock.sleep(1);
        };
        await add('running');
        await claimPlace('running', 2);
        await add('old');
        await add('young');
        await add('unknown', { flow: madeUpFlow('of-the-future'), priority: 9 });
        await add('behind', { subject: 'lb-of-running', priority: 9 });
        expect(await claimPlace('young', 2)).toMatchObject({ full: true, first: { id: 'old' } });
        await add('urgent', { priority: 5 });
        expect(await claimPlace('old', 2)).toMatchObject({ full: true, first: { id: 'urgent' } });
        // There is more than one place: nobody is in the way of anybody.
        expect(await claimPlace('young', 3)).toBe(1);
        await journal.finish('young', 1, 'done');
        expect(await claimPlace('urgent', 2)).toBe(1);
        await journal.finish('urgent', 1, 'done');
        expect(await claimPlace('old', 2)).toBe(1);
      });
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

const LIMIT = 3;
const PLACED_OPERATIONS = 60;

/**
 * A worker with places, which counts after each claim what is under way, and takes over what the dead have left. `ready` is
 * printed when it begins; it ends by itself when there is nothing more.
 */
const placed = (connection: string) => {
  const source = (path: string) => JSON.stringify(join(import.meta.dirname, '../../../src/', path));
  return `
    import { openDatabase } from ${source('adapters/storage/database.ts')};
    import { createJournal } from ${source('adapters/storage/journal.ts')};
    import { createSystemClock } from ${source('adapters/clock/system-clock.ts')};
    const clock = createSystemClock();
    const database = await openDatabase(${JSON.stringify(connection)}, clock);
    const journal = createJournal(database, clock);
    const isDead = ({ worker }) => {
      try {
        process.kill(Number(worker), 0);
        return false;
      } catch {
        return true;
      }
    };
    process.stdout.write('ready');
    const work = async () => {
      for (;;) {
        const held = await journal.claimed();
        if (held.length > ${LIMIT}) throw new Error('under way at once: ' + held.length);
        const open = [...held.filter(isDead), ...(await journal.unclaimed(5))];
        if (open.length === 0 && held.length === 0) return;
        for (const { id, fence } of open) {
          const places = { limit: ${LIMIT}, flows: ['create-load-balancer'] };
          const claimed = await journal.claimPlace(id, String(process.pid), fence, places);
          if (!claimed || 'full' in claimed) continue;
          if ((await journal.claimed()).length > ${LIMIT}) throw new Error('a place was given twice');
          await clock.sleep(5);
          await journal.finish(id, claimed.operation.fence, 'done').catch((error) => {
            if (error.code !== 'FENCED') throw error;
          });
        }
        await clock.sleep(5);
      }
    };
    await Promise.all([work(), work()]);
    await database.destroy();`;
};

function startPlaced(connection: string) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', placed(connection)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let faults = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    faults += text;
  });
  return { child, ready: once(child.stdout, 'data'), ended: once(child, 'exit').then(([code]) => ({ code, faults })) };
}

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

    it('writes rows of amphorae with entries, all or none, and leaves those that are gone', async () => {
      const clock = createFakeClock({ autoAdvance: true });
      const journal = createJournal(database, clock);
      const amphorae = createAmphoraStore(database, clock);
      await journal.enqueue(newOperation('op'));
      const { operation } = (await journal.claim('op', 'w1')) ?? expect.unreachable();
      const entry = (step: string): JournalEntry => ({ kind: 'started', step });
      const patch = (amphoraId: string, fields: AmphoraPatch) => ({ amphoraId, patch: fields });
      await journal.recordWith('op', operation.fence, {
        entries: [entry('one')],
        amphorae: [
          { insert: storedAmphora('a', { status: 'BOOTING' }) },
          patch('a', { computeId: 'c' }),
          patch('gone', { computeId: 'c' }),
          patch('a', { lbNetworkIp: '192.0.2.1', timings: { chooseMs: 1 } }),
          { allocate: { amphoraId: 'gone' } },
        ],
      });
      const written = { computeId: 'c', lbNetworkIp: '192.0.2.1', timings: { chooseMs: 1 } };
      expect(await amphorae.get('a')).toMatchObject({ ...written, status: 'BOOTING' });
      const late = { entries: [entry('late')], amphorae: [patch('a', { computeId: 'late' })] };
      await expect(journal.recordWith('op', operation.fence - 1, late)).rejects.toMatchObject({ code: 'FENCED' });
      const again = { entries: [entry('again')], amphorae: [{ insert: storedAmphora('a') }] };
      await expect(journal.recordWith('op', operation.fence, again)).rejects.toThrow();
      const last = { entries: [entry('two')], amphorae: [{ allocate: { amphoraId: 'a' } }] };
      await journal.finish('op', operation.fence, 'done', last);
      expect(await amphorae.get('a')).toMatchObject({ ...written, status: 'ALLOCATED' });
      expect((await journal.get('op'))?.entries).toEqual([entry('one'), entry('two')]);
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

    it('no more run at once than there are places, and none is lost with a process that is killed', {
      timeout: 120_000,
    }, async () => {
      const journal = createJournal(database, createFakeClock());
      for (let n = 0; n < PLACED_OPERATIONS; n++) await journal.enqueue(newOperation(`op-${n}`));
      const workers = Array.from({ length: 5 }, () => startPlaced(subject.connection));
      await Promise.all(workers.map(({ ready }) => ready));
      // Killed while it has something: what it had goes on, in its place.
      for (const victim of workers.slice(0, 3)) {
        await vi.waitFor(
          async () => {
            const [held, left] = [await journal.claimed(), await journal.unclaimed(1)];
            expect(left.length === 0 || held.some(({ worker }) => worker === String(victim.child.pid))).toBe(true);
          },
          { timeout: 30_000, interval: 1 },
        );
        victim.child.kill('SIGKILL');
      }
      expect(await Promise.all(workers.slice(3).map(({ ended }) => ended))).toEqual(
        Array.from({ length: 2 }, () => ({ code: 0, faults: '' })),
      );
      await Promise.all(workers.map(({ ended }) => ended));
      const ended = await journal.list({ limit: PLACED_OPERATIONS });
      expect(ended.map(({ status }) => status)).toEqual(Array.from({ length: PLACED_OPERATIONS }, () => 'done'));
      const held = await database
        .selectFrom('kiln_operation')
        .select('id')
        .where('run_place', 'is not', null)
        .execute();
      expect(held).toEqual([]);
    });

    it('what an older Kiln ended without giving its place back has none', async () => {
      const journal = createJournal(database, createFakeClock());
      const places: RunPlaces = { limit: 1, flows: ['create-load-balancer'] };
      for (const id of ['ended', 'released', 'new']) await journal.enqueue(newOperation(id));
      const ends = [
        ['ended', { status: 'done', busy_subject: null }],
        ['released', { worker: null }],
      ] as const;
      for (const [id, columns] of ends) {
        expect(await journal.claimPlace(id, 'w', 0, places)).toMatchObject({ operation: { fence: 1 } });
        await database.updateTable('kiln_operation').set(columns).where('id', '=', id).execute();
      }
      expect(await journal.claimPlace('new', 'w', 0, places)).toMatchObject({ operation: { fence: 1 } });
    });
  });
}

function* pairs<Item>(items: readonly Item[]): Generator<[Item, Item]> {
  for (const [n, first] of items.entries()) for (const second of items.slice(n + 1)) yield [first, second];
}
