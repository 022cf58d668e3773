import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../../test/kit/fakes/fake-clock.ts';
import { createFakeJournal } from '../../../test/kit/fakes/fake-journal.ts';
import { createFakeLog } from '../../../test/kit/fakes/fake-log.ts';
import { madeUpFlow } from '../../../test/kit/made-up-flow.ts';
import { KilnError } from '../../model/errors.ts';
import type { JournalEntry, JsonObject } from '../../model/operation.ts';
import type { AmphoraSettlement } from '../../ports/amphora-store.ts';
import type { Journal } from '../../ports/journal.ts';
import type { Settlement } from '../../ports/load-balancer-store.ts';
import { defineFlow, type Flow, type Step } from './flow.ts';
import { type EngineDeps, runFlow } from './run-flow.ts';

/** A cloud in which things have unique names, and which counts how often each was made. */
interface World {
  things: Set<string>;
  made: Map<string, number>;
  /** Called between any two instants of a step; a test kills the worker here. */
  instant(): void;
}

function createWorld(instant: () => void = () => {}): World {
  return { things: new Set(), made: new Map(), instant };
}

/** A step that makes one thing, finding it first; `fails` says how it goes wrong. */
function making(name: string, fails: () => KilnError | null = () => null): Step<World, JsonObject, JsonObject> {
  return {
    name: `make-${name}`,
    async do(world, _state, { operationId }) {
      const thing = `${operationId}/${name}`;
      world.instant();
      if (!world.things.has(thing)) {
        world.things.add(thing);
        world.made.set(thing, (world.made.get(thing) ?? 0) + 1);
      }
      world.instant();
      const failure = fails();
      if (failure) throw failure;
      return { [name]: thing };
    },
    async undo(world, _state, { operationId }) {
      world.instant();
      world.things.delete(`${operationId}/${name}`);
      world.instant();
    },
  };
}

function flowOf(...steps: Step<World, JsonObject, JsonObject>[]): Flow<World> {
  let builder = defineFlow('test').takes<World, JsonObject>();
  for (const step of steps) builder = builder.step(step);
  return builder.build();
}

const running = new AbortController().signal;
const permanent = () => new KilnError('BOOT_FAILED', 'no valid host', { retryable: false });
const passing = () => new KilnError('SERVICE_FAILED', 'down for a moment');

/** A step that makes nothing; what it has seen goes into a row. */
function looking(name: string): Step<World, JsonObject, JsonObject> {
  return {
    name: `look-${name}`,
    isRepeatable: true,
    async do(world, _state, run) {
      world.instant();
      run.amend({ amphoraId: name, patch: { computeId: run.operationId } });
      world.instant();
      return { [name]: 'seen' };
    },
  };
}

async function setUp(subject = 'lb-1') {
  const clock = createFakeClock({ autoAdvance: true });
  /** Amphorae whose rows were amended. */
  const amended = new Set<string>();
  const journal = createFakeJournal(
    clock,
    () => {},
    (write) => 'patch' in write && amended.add(write.amphoraId),
  );
  const log = createFakeLog();
  const limits = { attempts: 3, firstPauseMs: 100, longestPauseMs: 1000 };
  const engine: EngineDeps = { journal, clock, log, doing: limits, undoing: limits, giveUpAfterMs: 900_000 };
  await journal.enqueue({ id: 'op-1', flow: madeUpFlow('test'), subject, input: { size: 2 }, priority: 0 });
  const claim = async (worker = 'w1') => {
    const claimed = await journal.claim('op-1', worker);
    if (!claimed) throw new Error('not claimed');
    return claimed;
  };
  const status = async () => (await journal.get('op-1'))?.operation.status;
  return { clock, journal, log, engine, claim, status, amended };
}

describe('runFlow', () => {
  it('does the steps in order, each journalled before the next starts, and gives outputs on', async () => {
    const { journal, engine, claim } = await setUp();
    const seen: JsonObject[] = [];
    const look: Step<World, JsonObject, JsonObject> = {
      name: 'look',
      do: async (_world, state) => {
        seen.push(state);
        return {};
      },
    };
    expect(await runFlow(flowOf(making('a'), making('b'), look), createWorld(), await claim(), engine, running)).toBe(
      'done',
    );
    expect(seen).toEqual([{ size: 2, a: 'op-1/a', b: 'op-1/b' }]);
    const kinds = (await journal.get('op-1'))?.entries.map(({ kind, step }) => `${kind} ${step}`);
    expect(kinds).toEqual([
      'started make-a',
      'done make-a',
      'started make-b',
      'done make-b',
      'started look',
      'done look',
    ]);
  });

  it('writes what can be repeated, and rows that it changes, with the start of the next step that can not', async () => {
    const { journal, engine, claim, amended } = await setUp();
    const known = async () => {
      const entries = (await journal.get('op-1'))?.entries ?? [];
      return [entries.map(({ kind, step }) => `${kind} ${step}`), [...amended]];
    };
    const seen: unknown[] = [];
    const making = (name: string): Step<World, JsonObject, JsonObject> => ({
      name,
      do: async () => {
        seen.push(await known());
        return {};
      },
    });
    const waiting: Step<World, JsonObject, JsonObject> = {
      ...looking('c'),
      async do(_world, _state, run) {
        await run.beforeWaiting();
        seen.push(await known());
        return {};
      },
    };
    const flow = flowOf(looking('a'), looking('b'), making('one'), waiting, looking('d'));
    expect(await runFlow(flow, createWorld(), await claim(), engine, running)).toBe('done');
    const begun = ['started look-a', 'done look-a', 'started look-b', 'done look-b', 'started one'];
    expect(seen).toEqual([
      [begun, ['a', 'b']],
      [
        [...begun, 'done one', 'started look-c'],
        ['a', 'b'],
      ],
    ]);
    expect(amended).toEqual(new Set(['a', 'b', 'd']));
    expect(journal.calls('recordWith')).toBe(2);
  });

  it('has on record that it is past the point of no return, also when its next step can be repeated', async () => {
    const { journal, engine, claim } = await setUp();
    const turn = new AbortController();
    const first: Step<World, JsonObject, JsonObject> = {
      ...looking('b'),
      do: async () => {
        expect((await journal.get('op-1'))?.entries.at(-1)).toEqual({ kind: 'started', step: 'look-b' });
        turn.abort(permanent());
        return {};
      },
    };
    const flow = defineFlow('test').takes<World, JsonObject>().step(making('a')).commit().step(first).build();
    expect(await runFlow(flow, createWorld(), await claim(), engine, running, turn.signal)).toBe('done');
  });

  it('undoes what was started, last first, and keeps the reason', async () => {
    const { journal, engine, claim } = await setUp();
    const world = createWorld();
    const flow = flowOf(making('a'), making('b', permanent), making('c'));
    expect(await runFlow(flow, world, await claim(), engine, running)).toBe('undone');
    expect(world.things).toEqual(new Set());
    expect(world.made.has('op-1/c')).toBe(false);
    const ended = await journal.get('op-1');
    expect(ended?.operation).toMatchObject({ status: 'undone', worker: null, reason: { message: 'no valid host' } });
    expect(ended?.entries.filter(({ kind }) => kind === 'undone').map(({ step }) => step)).toEqual([
      'make-b',
      'make-a',
    ]);
  });

  it('tries again what may succeed, and gives up after its limit', async () => {
    const { engine, claim, clock } = await setUp();
    let failures = 2;
    const flaky = making('a', () => (failures-- > 0 ? passing() : null));
    const world = createWorld();
    expect(await runFlow(flowOf(flaky), world, await claim(), engine, running)).toBe('done');
    expect(world.made.get('op-1/a')).toBe(1);
    expect(clock.sleeps).toEqual([100, 200]);

    const again = await setUp();
    expect(await runFlow(flowOf(making('a', passing)), createWorld(), await again.claim(), again.engine, running)).toBe(
      'undone',
    );
  });

  it('lets the running step end when it is asked to stop, and another worker goes on', async () => {
    const { engine, claim, status, journal } = await setUp();
    const stop = new AbortController();
    const world = createWorld();
    const flow = flowOf(
      {
        ...making('a'),
        do: async (...all) => {
          stop.abort();
          return await making('a').do(...all);
        },
      },
      making('b'),
    );
    expect(await runFlow(flow, world, await claim(), engine, stop.signal)).toBe('released');
    expect(world.things).toEqual(new Set(['op-1/a']));
    expect(await status()).toBe('running');
    expect(await journal.unclaimed(10)).toHaveLength(1);
    expect(await runFlow(flow, world, await claim('w2'), engine, running)).toBe('done');
    expect(world.made).toEqual(
      new Map([
        ['op-1/a', 1],
        ['op-1/b', 1],
      ]),
    );
  });

  it('keeps a worker out that comes back late', async () => {
    const { engine, claim, status } = await setUp();
    const world = createWorld();
    const late = await claim('late');
    await runFlow(flowOf(making('a')), world, await claim('w2'), engine, running);
    await expect(runFlow(flowOf(making('a')), world, late, engine, running)).rejects.toMatchObject({ code: 'FENCED' });
    expect(world.made.get('op-1/a')).toBe(1);
    expect(await status()).toBe('done');
  });

  it('releases an undoing that can not be finished, and the next one finishes it with the first reason', async () => {
    const { engine, claim, status, journal } = await setUp();
    const world = createWorld();
    let down = true;
    const stubborn: Step<World, JsonObject, JsonObject> = {
      ...making('a'),
      async undo(...all) {
        if (down) throw passing();
        await making('a').undo?.(...all);
      },
    };
    const flow = flowOf(stubborn, making('b', permanent));
    expect(await runFlow(flow, world, await claim(), engine, running)).toBe('released');
    expect(await status()).toBe('undoing');
    down = false;
    expect(await runFlow(flow, world, await claim(), engine, running)).toBe('undone');
    expect(world.things).toEqual(new Set());
    expect((await journal.get('op-1'))?.operation.reason?.message).toBe('no valid host');
  });

  it('gives an undoing up at once when nothing can help, and goes on with the others', async () => {
    const { engine, claim, journal, log } = await setUp();
    const world = createWorld();
    const seen: boolean[] = [];
    const hopeless: Step<World, JsonObject, JsonObject> = {
      ...making('b'),
      undo: async () => {
        throw new KilnError('SERVICE_REJECTED_REQUEST', 'never');
      },
      leaves: async (_world, state) => [{ kind: 'server', id: String(state.b), name: null }],
    };
    const first: Step<World, JsonObject, JsonObject> = {
      ...making('a'),
      undo: async (at, state, run) => {
        seen.push(run.gaveUp);
        await making('a').undo?.(at, state, run);
      },
    };
    const flow = flowOf(first, hopeless, making('c', permanent));
    expect(await runFlow(flow, world, await claim(), engine, running)).toBe('undone');
    expect(world.things).toEqual(new Set(['op-1/b']));
    expect(seen).toEqual([true]);
    const ended = await journal.get('op-1');
    expect(ended?.operation).toMatchObject({ status: 'undone', reason: { message: 'no valid host' } });
    expect(ended?.entries.find(({ kind }) => kind === 'left')).toEqual({
      kind: 'left',
      step: 'make-b',
      reason: expect.objectContaining({ message: 'never' }),
      leftovers: [{ kind: 'server', id: 'op-1/b', name: null }],
    });
    expect(log.lines.some(({ level, message }) => level === 'error' && message.includes('given up'))).toBe(true);
  });

  it('gives an undoing up that has failed for too long, counted over restarts', async () => {
    const { engine, claim, journal, clock } = await setUp();
    const world = createWorld();
    const stubborn: Step<World, JsonObject, JsonObject> = {
      ...making('a'),
      undo: async () => {
        throw passing();
      },
    };
    const flow = flowOf(stubborn, making('b', permanent));
    const ends: string[] = [];
    for (let life = 0; life < 5; life++) {
      ends.push(await runFlow(flow, world, await claim(`w${life}`), engine, running));
      if (ends.at(-1) !== 'released') break;
      await clock.sleep(engine.giveUpAfterMs / 2);
    }
    expect(ends).toEqual(['released', 'released', 'undone']);
    expect(world.things).toEqual(new Set(['op-1/a']));
    expect((await journal.get('op-1'))?.entries.map(({ kind }) => kind).slice(-4)).toEqual([
      'failed',
      'undone',
      'stuck',
      'left',
    ]);
  });

  it('a step whose tries take long is given up in the midst of them', async () => {
    const { engine, claim, clock } = await setUp();
    let tries = 0;
    const slow: Step<World, JsonObject, JsonObject> = {
      ...making('a'),
      undo: async () => {
        tries++;
        await clock.sleep(engine.giveUpAfterMs / 4);
        throw passing();
      },
    };
    const patient = { ...engine, undoing: { ...engine.undoing, attempts: 1000 } };
    const flow = flowOf(slow, making('b', permanent));
    expect(await runFlow(flow, createWorld(), await claim(), patient, running)).toBe('undone');
    expect(tries).toBeLessThanOrEqual(6);
  });

  describe('an agent that refuses for a moment, as one does that is restarted', () => {
    const restarting = () => new KilnError('AGENT_REFUSED', 'restarting', { retryable: true });
    const given = async (failures: number, failure: () => KilnError) => {
      let [inDo, inUndo, tries] = [failures, failures, 0];
      const fails = (left: number) => {
        tries++;
        if (left > 0) throw failure();
      };
      const committed: Step<World, JsonObject, JsonObject> = {
        name: 'committed',
        do: async () => {
          fails(inDo--);
          return {};
        },
      };
      const undone: Step<World, JsonObject, JsonObject> = {
        ...making('a'),
        async undo(...all) {
          fails(inUndo--);
          await making('a').undo?.(...all);
        },
      };
      const forward = defineFlow('test').takes<World, JsonObject>().step(making('a')).commit().step(committed).build();
      const ends = [];
      for (const flow of [forward, flowOf(undone, making('b', permanent))]) {
        const { engine, claim, journal } = await setUp();
        tries = 0;
        const world = createWorld();
        const end = await runFlow(flow, world, await claim(), engine, running);
        const left = (await journal.get('op-1'))?.entries.some(({ kind }) => kind === 'left');
        ends.push({ end, left, tries, things: [...world.things] });
      }
      return ends;
    };

    it('is asked again, behind the point of no return and on the way back', async () => {
      expect(await given(1, restarting)).toEqual([
        { end: 'done', left: false, tries: 2, things: ['op-1/a'] },
        { end: 'undone', left: false, tries: 2, things: [] },
      ]);
    });

    it('is given up when the tries of the step are used up, and at once when it refuses for good', async () => {
      const gaveUp = (tries: number) => [
        { end: 'undone', left: true, tries, things: ['op-1/a'] },
        { end: 'undone', left: true, tries, things: ['op-1/a'] },
      ];
      expect(await given(100, restarting)).toEqual(gaveUp(3));
      expect(await given(100, () => new KilnError('AGENT_REFUSED', 'no', { retryable: false }))).toEqual(gaveUp(1));
    });
  });

  it('waits for a database that fails, for credentials that somebody may repair, and gives nothing up for them', async () => {
    for (const code of ['STATE_UNUSABLE', 'SERVICE_UNAUTHORIZED'] as const) {
      const { engine, claim, status } = await setUp();
      let down = true;
      const step: Step<World, JsonObject, JsonObject> = {
        ...making('a'),
        undo: async (...all) => {
          if (down) throw new KilnError(code, 'not now');
          await making('a').undo?.(...all);
        },
      };
      const world = createWorld();
      const flow = flowOf(step, making('b', permanent));
      expect(await runFlow(flow, world, await claim(), engine, running)).toBe('released');
      down = false;
      expect(await runFlow(flow, world, await claim(), engine, running)).toBe('undone');
      expect(await status()).toBe('undone');
      expect(world.things).toEqual(new Set());
    }
  });

  it('behind the point of no return a step that can never succeed is given up, the others are done, and it ends', async () => {
    const { engine, claim, journal } = await setUp();
    const world = createWorld();
    const settled: JsonObject[] = [];
    const first: Step<World, JsonObject, JsonObject> = {
      name: 'first',
      do: async () => ({}),
      settleUndone: async (_world, _state, { reason, gaveUp }) => {
        settled.push({ reason: reason?.message ?? null, gaveUp });
        return null;
      },
    };
    const flow = defineFlow('test')
      .takes<World, JsonObject>()
      .step(first)
      .step(making('a'))
      .commit()
      .step(making('b', permanent))
      .step(making('c'))
      .step({
        name: 'last',
        do: async () => ({}),
        settle: async () => expect.unreachable(),
      })
      .build();
    expect(await runFlow(flow, world, await claim(), engine, running)).toBe('undone');
    expect(world.things).toContain('op-1/c');
    expect(settled).toEqual([{ reason: 'no valid host', gaveUp: true }]);
    expect((await journal.get('op-1'))?.operation).toMatchObject({ status: 'undone', worker: null });
  });

  it('what it leaves in the rows is written with its end; what Kiln 0.1 had settled in a step is not settled again', async () => {
    const ended = async (entries: JournalEntry[], fails: boolean) => {
      const { engine } = await setUp();
      const settlements: (Settlement | AmphoraSettlement)[] = [];
      const settling = createFakeJournal(engine.clock, (one) => settlements.push(one));
      await settling.enqueue({ id: 'op-1', flow: madeUpFlow('test'), subject: 'lb', input: {}, priority: 0 });
      const settlement = (name: string) => async () => ({
        loadBalancerId: name,
        statuses: [],
        deletes: [],
        reason: null,
      });
      const flow = flowOf(
        { name: 'first', do: async () => ({}), settleUndone: settlement('undone') },
        making('a', () => (fails ? permanent() : null)),
        { name: 'last', do: async () => ({}), settle: settlement('done') },
      );
      const before = await settling.claim('op-1', 'old');
      await settling.record('op-1', before?.operation.fence ?? 0, ...entries);
      const claimed = (await settling.claim('op-1', 'w1')) ?? expect.unreachable();
      const end = await runFlow(flow, createWorld(), claimed, { ...engine, journal: settling }, running);
      return { end, settled: settlements.map((one) => 'loadBalancerId' in one && one.loadBalancerId) };
    };
    expect(await ended([], false)).toEqual({ end: 'done', settled: ['done'] });
    expect(await ended([], true)).toEqual({ end: 'undone', settled: ['undone'] });
    const started = ['first', 'make-a', 'last'].map((step) => ({ kind: 'started' as const, step }));
    const done = ['first', 'make-a'].map((step) => ({ kind: 'done' as const, step, output: {} }));
    expect(await ended([...started, ...done], false)).toEqual({ end: 'done', settled: ['done'] });
    const reason = { code: 'BOOT_FAILED', message: 'no', advice: '' };
    const undone = [
      ...started.slice(0, 2),
      { kind: 'failed' as const, step: 'make-a', reason },
      ...['make-a', 'first'].map((step) => ({ kind: 'undone' as const, step })),
    ];
    expect(await ended(undone, true)).toEqual({ end: 'undone', settled: [] });
    expect(await ended(undone.slice(0, -1), true)).toEqual({ end: 'undone', settled: ['undone'] });
  });

  it('does not guess at a journal that a newer version wrote', async () => {
    const { engine, claim, journal } = await setUp();
    const { operation } = await claim();
    await journal.record('op-1', operation.fence, { kind: 'started', step: 'from-the-future' });
    await expect(runFlow(flowOf(making('a')), createWorld(), await claim(), engine, running)).rejects.toThrow(
      'from-the-future',
    );
  });

  it('refuses a flow with two steps of one name', () => {
    expect(() => flowOf(making('a'), making('a'))).toThrow('two steps make-a');
  });

  it('killed at any instants, it ends as it would have or is undone: nothing twice, nothing left', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.option(fc.integer({ min: 0, max: 3 })),
        fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 6 }),
        fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
        async (count, failing, kills, looks) => {
          const { journal, engine, status, amended } = await setUp();
          const names = Array.from({ length: count }, (_, n) => `t${n}`);
          const flow = flowOf(
            ...names.flatMap((name, n) => [
              ...(looks[n] ? [looking(name)] : []),
              making(name, () => {
                // Rows before deeds: what was seen before this step is on record.
                for (const [seen, before] of names.slice(0, n + 1).entries()) {
                  if (looks[seen]) expect(amended).toContain(before);
                }
                return n === failing ? permanent() : null;
              }),
            ]),
          );
          const deaths = [...kills];
          const world = createWorld();

          for (let life = 0; ; life++) {
            // This worker dies at its n-th instant: from then on it can write nothing, and does nothing.
            let left = deaths.shift() ?? Number.POSITIVE_INFINITY;
            const tick = () => {
              if (--left <= 0) throw new Error('killed');
            };
            world.instant = tick;
            const mortal = Object.fromEntries(
              Object.entries(journal).map(([method, act]) => [
                method,
                async (...values: never[]) => {
                  tick();
                  const result = await (act as (...values: never[]) => Promise<unknown>)(...values);
                  tick();
                  return result;
                },
              ]),
            ) as unknown as Journal;
            const claimed = await journal.claim('op-1', `w${life}`);
            if (!claimed) break;
            await runFlow(flow, world, claimed, { ...engine, journal: mortal }, running).catch((error: Error) => {
              if (error.message !== 'killed') throw error;
            });
          }

          const fails = failing !== null && failing < count;
          expect(await status()).toBe(fails ? 'undone' : 'done');
          expect(world.things).toEqual(new Set(fails ? [] : names.map((name) => `op-1/${name}`)));
          for (const times of world.made.values()) expect(times).toBe(1);
        },
      ),
      { numRuns: 300 },
    );
  });
});
