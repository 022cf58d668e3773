import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../test/kit/fakes/fake-clock.ts';
import { createFakeJournal } from '../../test/kit/fakes/fake-journal.ts';
import { createFakeLog } from '../../test/kit/fakes/fake-log.ts';
import { madeUpFlow } from '../../test/kit/made-up-flow.ts';
import { createInProcessQueue } from '../adapters/queue/in-process.ts';
import { growingPauseMs } from '../lib/growing-pause.ts';
import { KilnError } from '../model/errors.ts';
import type { FlowName } from '../model/flow-name.ts';
import type { JsonObject } from '../model/operation.ts';
import { defineFlow, type StepRun } from './engine/flow.ts';
import { createWorker, type Worker, type WorkerSettings } from './worker.ts';

/** What the steps of the tests see and do. */
interface Harness {
  /** Operations whose step is under way. */
  busy: Set<string>;
  began: string[];
  ended: string[];
  mostAtOnce: number;
  /** Waited for by the step of an operation. */
  gates: Map<string, Promise<void>>;
  fails: Map<string, () => Error | null>;
}

async function work(harness: Harness, operationId: string, step: string): Promise<void> {
  harness.busy.add(operationId);
  harness.began.push(`${operationId} ${step}`);
  harness.mostAtOnce = Math.max(harness.mostAtOnce, harness.busy.size);
  try {
    await harness.gates.get(`${operationId} ${step}`);
    const failure = harness.fails.get(`${operationId} ${step}`)?.();
    if (failure) throw failure;
    harness.ended.push(`${operationId} ${step}`);
  } finally {
    harness.busy.delete(operationId);
  }
}

const step = (name: string) => ({
  name,
  do: async (harness: Harness, _state: JsonObject, { operationId }: StepRun) => {
    await work(harness, operationId, name);
    return {};
  },
});

const twoSteps = defineFlow('two-steps').takes<Harness, JsonObject>().step(step('one')).step(step('two')).build();
const committed = defineFlow('committed').takes<Harness, JsonObject>().commit().step(step('owed')).build();

const SWEEP_MS = 5_000;
const down = () => new KilnError('STATE_UNUSABLE', 'the database failed: gone', { retryable: true });

function setUp() {
  const clock = createFakeClock();
  const journal = createFakeJournal(clock);
  const log = createFakeLog();
  const limits = { attempts: 1, firstPauseMs: 100, longestPauseMs: 1000 };
  const engine = { journal, clock, log, doing: limits, undoing: limits, giveUpAfterMs: 900_000 };
  const harness: Harness = {
    busy: new Set(),
    began: [],
    ended: [],
    mostAtOnce: 0,
    gates: new Map(),
    fails: new Map(),
  };
  const flows = new Map([twoSteps, committed].map((flow) => [madeUpFlow(flow.name), flow]));
  const dead = new Set<string>();
  const workers: Worker[] = [];

  function makeWorker(over: Partial<WorkerSettings<Harness>> = {}) {
    const queue = createInProcessQueue({ clock, pauseMs: growingPauseMs });
    const worker = createWorker<Harness>({
      queue,
      journal,
      flows,
      deps: () => harness,
      engine,
      self: 'w1',
      isAlive: async (name) => !dead.has(name),
      capacity: 5,
      clock,
      log,
      sweepEveryMs: SWEEP_MS,
      ...over,
    });
    workers.push(worker);
    return { queue, worker };
  }
  async function enqueue(id: string, over: { subject?: string; priority?: number; flow?: FlowName } = {}) {
    const operation = { id, flow: madeUpFlow('two-steps'), subject: `lb-of-${id}`, input: {}, priority: 0, ...over };
    await journal.enqueue(operation);
    return operation;
  }
  /** Holds a step until it is let go. */
  function hold(id: string, name = 'one') {
    const gate = Promise.withResolvers<void>();
    harness.gates.set(`${id} ${name}`, gate.promise);
    return gate;
  }
  const operation = async (id: string) => (await journal.get(id))?.operation;
  const settle = () => clock.advance(0);
  return { clock, journal, log, harness, dead, makeWorker, enqueue, hold, operation, settle };
}

describe('worker', () => {
  it('carries out what is announced, and what was there before it', async () => {
    const { makeWorker, enqueue, operation, settle, harness } = setUp();
    await enqueue('before');
    const { queue, worker } = makeWorker();
    await worker.start();
    await settle();
    queue.announce(await enqueue('after'));
    await settle();
    expect(harness.ended).toEqual(['before one', 'before two', 'after one', 'after two']);
    expect(await operation('before')).toMatchObject({ status: 'done', fence: 1 });
    expect(await operation('after')).toMatchObject({ status: 'done', fence: 1 });
    expect(worker.running()).toEqual([]);
    await worker.stop();
  });

  it('runs no more than its capacity at once, the most urgent first', async () => {
    const { makeWorker, enqueue, hold, settle, harness } = setUp();
    const gates = ['a', 'b'].map((id) => hold(id));
    await enqueue('a');
    await enqueue('b');
    const { queue, worker } = makeWorker({ capacity: 2 });
    await worker.start();
    await settle();
    expect(worker.running()).toEqual([
      { id: 'a', flow: madeUpFlow('two-steps'), subject: 'lb-of-a' },
      { id: 'b', flow: madeUpFlow('two-steps'), subject: 'lb-of-b' },
    ]);
    for (const [id, priority] of [
      ['plain', 0],
      ['failover', 10],
      ['late', 0],
    ] as const) {
      queue.announce(await enqueue(id, { priority }));
    }
    await settle();
    expect(harness.began).toEqual(['a one', 'b one']);
    gates[0]?.resolve();
    await settle();
    expect(harness.ended.filter((line) => line.endsWith('two'))).toEqual([
      'a two',
      'failover two',
      'plain two',
      'late two',
    ]);
    gates[1]?.resolve();
    await settle();
    expect(harness.mostAtOnce).toBe(2);
    await worker.stop();
  });

  it('a hundred subjects side by side', async () => {
    const { makeWorker, enqueue, hold, settle, harness, journal } = setUp();
    const ids = Array.from({ length: 100 }, (_, n) => `op-${n}`);
    const gates = ids.map((id) => hold(id));
    const { queue, worker } = makeWorker({ capacity: 100 });
    await worker.start();
    for (const id of ids) queue.announce(await enqueue(id));
    await settle();
    expect(harness.mostAtOnce).toBe(100);
    for (const gate of gates) gate.resolve();
    await settle();
    expect((await journal.list({ limit: 1000 })).every(({ status }) => status === 'done')).toBe(true);
    await worker.stop();
  });

  it('one at a time on a subject, and the next one at once when it ends', async () => {
    const { makeWorker, enqueue, hold, settle, harness, clock } = setUp();
    const gate = hold('a');
    const { queue, worker } = makeWorker();
    await worker.start();
    const subject = 'lb';
    for (const [id, priority] of [
      ['a', 0],
      ['z', 0],
      ['urgent', 5],
    ] as const) {
      queue.announce(await enqueue(id, { subject, priority }));
    }
    await settle();
    expect(harness.began).toEqual(['a one']);
    const before = clock.monotonicMs();
    gate.resolve();
    await settle();
    expect(harness.ended).toEqual(['a one', 'a two', 'urgent one', 'urgent two', 'z one', 'z two']);
    expect(clock.monotonicMs()).toBe(before);
    await worker.stop();
  });

  it('finds by its sweeps what nobody announced', async () => {
    const { makeWorker, enqueue, operation, clock } = setUp();
    const { worker } = makeWorker();
    await worker.start();
    await clock.advance(SWEEP_MS);
    await enqueue('unheard');
    await clock.advance(3 * SWEEP_MS);
    expect(await operation('unheard')).toMatchObject({ status: 'done' });
    await worker.stop();
  });

  it('leaves alone what a living worker has, and carries on what a dead one left', async () => {
    const { makeWorker, enqueue, operation, clock, journal, dead, harness } = setUp();
    await enqueue('a');
    await journal.claim('a', 'other');
    await journal.record('a', 1, { kind: 'started', step: 'one' }, { kind: 'done', step: 'one', output: {} });
    const { queue, worker } = makeWorker();
    await worker.start();
    queue.announce({ id: 'a', priority: 0 });
    await clock.advance(60_000);
    expect(await operation('a')).toMatchObject({ worker: 'other', fence: 1 });
    dead.add('other');
    await clock.advance(2 * SWEEP_MS);
    expect(await operation('a')).toMatchObject({ status: 'done', fence: 2 });
    expect(harness.began).toEqual(['a two']);
    await worker.stop();
  });

  it('carries on what a dead one left, though no word that it gives reaches anybody', async () => {
    const { clock, journal, dead, makeWorker, enqueue, operation, settle } = setUp();
    // As a broker's, where every worker has its hands full of what has no place until this one is done.
    const inProcess = createInProcessQueue({ clock, pauseMs: growingPauseMs });
    const { worker } = makeWorker({ queue: { ...inProcess, announce() {} } });
    await worker.start();
    await enqueue('left');
    await journal.claim('left', 'other', 0);
    dead.add('other');
    await clock.advance(SWEEP_MS);
    await settle();
    expect((await operation('left'))?.status).toBe('done');
    await worker.stop();
  });

  it('kept out by the fence, it goes silent', async () => {
    const { makeWorker, enqueue, operation, hold, settle, journal, harness } = setUp();
    const gate = hold('a');
    await enqueue('a');
    const { worker } = makeWorker();
    await worker.start();
    await settle();
    await journal.claim('a', 'heir');
    gate.resolve();
    await settle();
    expect(harness.began).toEqual(['a one']);
    expect(await operation('a')).toMatchObject({ worker: 'heir', fence: 2, status: 'running' });
    expect((await journal.get('a'))?.entries).toEqual([{ kind: 'started', step: 'one' }]);
    expect(worker.running()).toEqual([]);
    await worker.stop();
  });

  it('says of every operation that it let go of it, also when the fence keeps it out', async () => {
    const { makeWorker, enqueue, hold, settle, journal } = setUp();
    const letGo: string[] = [];
    const gate = hold('a');
    await enqueue('a');
    await enqueue('b');
    const { worker } = makeWorker({ onLetGo: (id) => letGo.push(id) });
    await worker.start();
    await settle();
    await journal.claim('a', 'heir');
    gate.resolve();
    await settle();
    expect(letGo).toEqual(['b', 'a']);
    await worker.stop();
  });

  it('says of every operation that it brought to its end how that was, and nothing of what it gave back', async () => {
    const { makeWorker, enqueue, hold, settle, harness } = setUp();
    const ends: string[] = [];
    const gate = hold('given-back');
    for (const id of ['done', 'undone', 'given-back']) await enqueue(id);
    harness.fails.set('undone two', () => new KilnError('INTERNAL', 'no'));
    const { worker } = makeWorker({ onEnded: ({ id }, end) => ends.push(`${id} ${end}`) });
    await worker.start();
    await settle();
    const stopped = worker.stop();
    gate.resolve();
    await stopped;
    expect(ends.sort()).toEqual(['done done', 'undone undone']);
  });

  it('lets the running step end at a shutdown and gives the operation back', async () => {
    const { makeWorker, enqueue, operation, hold, settle, harness } = setUp();
    const gate = hold('a');
    await enqueue('a');
    const { queue, worker } = makeWorker();
    await worker.start();
    await settle();
    let stopped = false;
    const stop = worker.stop().then(() => {
      stopped = true;
    });
    queue.announce(await enqueue('too-late'));
    await settle();
    expect(stopped).toBe(false);
    gate.resolve();
    await stop;
    expect(harness.began).toEqual(['a one']);
    expect(await operation('a')).toMatchObject({ status: 'running', worker: null });
    const { worker: heir } = makeWorker({ self: 'w2' });
    await heir.start();
    await settle();
    expect(await operation('a')).toMatchObject({ status: 'done', fence: 2 });
    // In whichever order two operations go on beside each other.
    expect(harness.began.toSorted()).toEqual(['a one', 'a two', 'too-late one', 'too-late two']);
    await heir.stop();
  });

  it('tries what it had to give back again with a growing pause', async () => {
    const { makeWorker, enqueue, operation, clock, harness } = setUp();
    const times: number[] = [];
    harness.fails.set('a owed', () => {
      times.push(clock.monotonicMs());
      return times.length < 8 ? new KilnError('SERVICE_FAILED', 'down') : null;
    });
    await enqueue('a', { flow: madeUpFlow('committed') });
    const { worker } = makeWorker();
    await worker.start();
    await clock.advance(15 * 60_000);
    expect(await operation('a')).toMatchObject({ status: 'done' });
    const pauses = times.slice(1).map((time, n) => time - (times[n] ?? 0));
    expect(pauses).toHaveLength(7);
    for (const [n, pause] of pauses.entries()) {
      expect(pause).toBeGreaterThanOrEqual(Math.min(5_000 * 2 ** n, 60_000));
      expect(pause).toBeLessThanOrEqual(60_000 + SWEEP_MS);
    }
    await worker.stop();
  });

  it.each(['get', 'claimPlace', 'record', 'finish'] as const)(
    'outlives a database that is down at %s',
    async (method) => {
      const { makeWorker, enqueue, operation, clock, journal, harness } = setUp();
      const { queue, worker } = makeWorker();
      await worker.start();
      await clock.advance(0);
      journal.failNext(method, down(), 3);
      journal.failNext('release', down(), 2);
      journal.failNext('unclaimed', down(), 2);
      journal.failNext('claimed', down(), 2);
      queue.announce(await enqueue('a'));
      await clock.advance(10 * 60_000);
      expect(await operation('a')).toMatchObject({ status: 'done' });
      expect(harness.ended.at(-1)).toBe('a two');
      await worker.stop();
    },
  );

  it('claims again what it has by a claim whose answer was lost', async () => {
    const { makeWorker, enqueue, operation, clock, journal } = setUp();
    const { queue, worker } = makeWorker();
    await worker.start();
    journal.loseNextAnswer('claimPlace', down());
    queue.announce(await enqueue('a'));
    await clock.advance(60_000);
    expect(await operation('a')).toMatchObject({ status: 'done', fence: 2 });
    await worker.stop();
  });

  it('shares its places with all workers: the most urgent, then the oldest, whoever has word of it', async () => {
    const { makeWorker, enqueue, operation, hold, clock, harness, settle } = setUp();
    const [one, other] = ['w1', 'w2'].map((self) => makeWorker({ self, capacity: 2 }));
    if (!one || !other) expect.unreachable();
    await one.worker.start();
    await other.worker.start();
    const gates = ['a', 'b'].map((id) => hold(id));
    one.queue.announce(await enqueue('a'));
    other.queue.announce(await enqueue('b'));
    await settle();
    // All wait with the first worker, but for the failover, of which nobody brings word.
    for (const id of ['c', 'd', 'e']) {
      await clock.advance(1);
      one.queue.announce(await enqueue(id));
    }
    await enqueue('failover', { priority: 10 });
    await settle();
    expect([...harness.busy]).toEqual(['a', 'b']);
    gates[1]?.resolve();
    await clock.advance(60_000);
    expect(harness.mostAtOnce).toBe(2);
    expect(harness.began.filter((line) => line.endsWith(' one')).slice(2)).toEqual([
      'failover one',
      'c one',
      'd one',
      'e one',
    ]);
    gates[0]?.resolve();
    await settle();
    for (const id of ['a', 'b', 'c', 'd', 'e', 'failover'])
      expect(await operation(id)).toMatchObject({ status: 'done' });
    await Promise.all([one.worker.stop(), other.worker.stop()]);
  });

  it('goes on with what a dead worker left, though the dead have all the places; an unknown one loses its place', async () => {
    const { makeWorker, enqueue, operation, clock, journal, dead } = setUp();
    await enqueue('left');
    await enqueue('of the future', { flow: madeUpFlow('of-the-future') });
    for (const id of ['left', 'of the future']) await journal.claim(id, 'dead');
    const { queue, worker } = makeWorker({ capacity: 2 });
    await worker.start();
    queue.announce(await enqueue('new'));
    await clock.advance(10_000);
    expect(await operation('new')).toMatchObject({ status: 'queued' });
    dead.add('dead');
    await clock.advance(60_000);
    expect(await operation('left')).toMatchObject({ status: 'done', fence: 2 });
    expect(await operation('new')).toMatchObject({ status: 'done' });
    expect(await operation('of the future')).toMatchObject({ status: 'running', worker: null });
    await worker.stop();
  });

  it('asks for a place every two seconds, however many operations wait for one', async () => {
    const { makeWorker, enqueue, hold, clock, journal } = setUp();
    await enqueue('busy');
    await journal.claim('busy', 'other');
    const { queue, worker } = makeWorker({ capacity: 1 });
    await worker.start();
    for (let n = 0; n < 50; n++) queue.announce(await enqueue(`op-${n}`));
    hold('never');
    await clock.advance(1_000);
    const calls = ['get', 'claimPlace'] as const;
    const before = calls.map((name) => journal.calls(name));
    await clock.advance(20_000);
    const made = calls.map((name, index) => journal.calls(name) - (before[index] ?? 0));
    expect(made).toEqual([10, 10]);
    await worker.stop();
  });

  it('does not take what it can not carry on, for a worker that can', async () => {
    const { makeWorker, enqueue, operation, clock, journal, log } = setUp();
    await enqueue('a');
    await journal.claim('a', 'newer');
    await journal.record('a', 1, { kind: 'started', step: 'of-the-future' });
    await journal.release('a', 1);
    const { worker } = makeWorker();
    await worker.start();
    await clock.advance(5 * 60_000);
    expect(await operation('a')).toMatchObject({ status: 'running', worker: null, fence: 1 });
    expect(log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
    await worker.stop();
  });

  it('hundreds of operations of other versions, all of them urgent, hold up nobody', async () => {
    const { makeWorker, enqueue, operation, clock, journal } = setUp();
    for (let n = 0; n < 600; n++) await enqueue(`future-${n}`, { flow: madeUpFlow('of-the-future'), priority: 9 });
    const { worker } = makeWorker();
    await worker.start();
    await clock.advance(60_000);
    await enqueue('unheard');
    const asked = journal.calls('get');
    await clock.advance(60_000);
    expect(await operation('unheard')).toMatchObject({ status: 'done' });
    expect(journal.calls('get') - asked).toBeLessThan(10);
    await worker.stop();
  });

  it('leaves an operation of an unknown flow alone, and says so once', async () => {
    const { makeWorker, enqueue, operation, clock, log } = setUp();
    await enqueue('a', { flow: madeUpFlow('of-the-future') });
    await enqueue('b', { flow: madeUpFlow('of-the-future') });
    const { worker } = makeWorker();
    await worker.start();
    await clock.advance(5 * 60_000);
    expect(await operation('a')).toMatchObject({ status: 'queued', fence: 0 });
    expect(log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
    await worker.stop();
  });

  it('stops after the running step when it could not beat for a lease, and goes on when it can', async () => {
    const { makeWorker, enqueue, operation, clock, hold, harness } = setUp();
    const gate = hold('a');
    await enqueue('a');
    let beating = true;
    const lease = {
      lastsMs: 30_000,
      remove: async () => {},
      beat: async () => {
        if (!beating) throw down();
      },
    };
    const { queue, worker } = makeWorker({ lease });
    await worker.start();
    await clock.advance(40_000);
    beating = false;
    await clock.advance(41_000);
    queue.announce(await enqueue('b'));
    gate.resolve();
    await clock.advance(10_000);
    expect(harness.began).toEqual(['a one']);
    expect(await operation('a')).toMatchObject({ worker: null, status: 'running' });
    beating = true;
    await clock.advance(2 * 60_000);
    expect(await operation('a')).toMatchObject({ status: 'done' });
    expect(await operation('b')).toMatchObject({ status: 'done' });
    await worker.stop();
  });

  it('goes on while one beat hangs and the next ones are answered', async () => {
    const { makeWorker, enqueue, operation, clock, hold, log } = setUp();
    const gate = hold('a');
    await enqueue('a');
    const silence = Promise.withResolvers<void>();
    let beats = 0;
    const lease = {
      lastsMs: 30_000,
      remove: async () => {},
      beat: () => (++beats === 2 ? silence.promise : Promise.resolve()),
    };
    const { worker } = makeWorker({ lease });
    await worker.start();
    await clock.advance(90_000);
    gate.resolve();
    await clock.advance(0);
    expect(await operation('a')).toMatchObject({ status: 'done', fence: 1 });
    expect(log.lines.filter(({ level }) => level === 'error')).toEqual([]);
    silence.resolve();
    await worker.stop();
  });

  it('a beat that was answered after more than a lease says nothing', async () => {
    const { makeWorker, enqueue, operation, clock } = setUp();
    const silence = Promise.withResolvers<void>();
    let beats = 0;
    const lease = {
      lastsMs: 30_000,
      remove: async () => {},
      beat: () => (++beats > 1 && beats < 5 ? silence.promise : Promise.resolve()),
    };
    const { queue, worker } = makeWorker({ lease });
    await worker.start();
    await clock.advance(65_000);
    silence.resolve();
    await clock.advance(0);
    queue.announce(await enqueue('a'));
    await clock.advance(0);
    expect(await operation('a')).toMatchObject({ status: 'queued', fence: 0 });
    await clock.advance(60_000);
    expect(await operation('a')).toMatchObject({ status: 'done' });
    await worker.stop();
  });

  it('claims nothing before it has been entered as living, and is taken away at its end', async () => {
    const { makeWorker, enqueue, operation, clock } = setUp();
    await enqueue('a');
    const beats: string[] = [];
    const lease = {
      lastsMs: 30_000,
      beat: async () => {
        beats.push('beat');
        if (beats.length < 4) throw down();
      },
      remove: async () => {
        beats.push('remove');
      },
    };
    const { worker } = makeWorker({ lease });
    await worker.start();
    await clock.advance(25_000);
    expect(await operation('a')).toMatchObject({ status: 'queued', fence: 0 });
    await clock.advance(60_000);
    expect(await operation('a')).toMatchObject({ status: 'done' });
    await worker.stop();
    expect(beats.at(-1)).toBe('remove');
  });
});
