import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../../test/kit/fakes/fake-clock.ts';
import { createFakeJournal } from '../../../test/kit/fakes/fake-journal.ts';
import { createFakeLog } from '../../../test/kit/fakes/fake-log.ts';
import { madeUpFlow } from '../../../test/kit/made-up-flow.ts';
import { KilnError } from '../../model/errors.ts';
import type { JournalEntry, JsonObject } from '../../model/operation.ts';
import type { Journal } from '../../ports/journal.ts';
import { defineFlow, type Flow, type Step, type StepRun } from './flow.ts';
import { unknownStep } from './read-past.ts';
import { type EngineDeps, runFlow } from './run-flow.ts';

/** What there is, how often each thing was made, and what stops a worker at an instant. */
interface World {
  things: Set<string>;
  made: Map<string, number>;
  instant(): Promise<void>;
}
type AnyStep = Step<World, JsonObject, JsonObject>;

const refused = () => new KilnError('BOOT_FAILED', 'no valid host', { retryable: false });
const passing = () => new KilnError('SERVICE_FAILED', 'down for a moment');
const never = new AbortController().signal;

/** Makes one thing of the name that is in the state that it sees: so a step of two branches makes two. */
function making(what: string, fails: (state: JsonObject) => KilnError | null = () => null): AnyStep {
  const thingOf = (state: JsonObject) => `${String(state.of ?? 'shared')}/${what}`;
  return {
    name: `make-${what}`,
    async do(world, state) {
      const thing = thingOf(state);
      await world.instant();
      if (!world.things.has(thing)) world.made.set(thing, (world.made.get(thing) ?? 0) + 1);
      world.things.add(thing);
      await world.instant();
      const failure = fails(state);
      if (failure) throw failure;
      return { [what]: thing };
    },
    async undo(world, state) {
      await world.instant();
      world.things.delete(thingOf(state));
      await world.instant();
    },
    leaves: async (_records, state) => [{ kind: 'thing', id: null, name: thingOf(state) }],
  };
}

/** As `resolve-amphorae` of a pair: what the branches are about is on record before they begin. */
const names: Step<World, JsonObject, { MASTER: { of: string }; BACKUP: { of: string } }> = {
  name: 'resolve',
  do: async () => ({ MASTER: { of: 'master' }, BACKUP: { of: 'backup' } }),
};
const subFlow = (...steps: AnyStep[]): Flow<World> =>
  steps.reduce((flow, step) => flow.step(step), defineFlow('sub').takes<World, JsonObject>()).build();

const pairOf = (sub: Flow<World>, after: AnyStep = making('end')): Flow<World> =>
  defineFlow('pair').takes<World, JsonObject>().step(names).parallel({ MASTER: sub, BACKUP: sub }).step(after).build();

const isMaster = (state: JsonObject) => state.of === 'master';

function createWorld(instant: () => Promise<void> | void = () => {}): World {
  return { things: new Set(), made: new Map(), instant: async () => await instant() };
}

async function setUp() {
  const clock = createFakeClock({ autoAdvance: true });
  const journal = createFakeJournal(clock);
  const log = createFakeLog();
  const limits = { attempts: 2, firstPauseMs: 100, longestPauseMs: 1000 };
  const engine: EngineDeps = { journal, clock, log, doing: limits, undoing: limits, giveUpAfterMs: 900_000 };
  await journal.enqueue({ id: 'op-1', flow: madeUpFlow('pair'), subject: 'lb', input: {}, priority: 0 });
  const claim = async (worker = 'w1') => (await journal.claim('op-1', worker)) ?? expect.unreachable();
  const entries = async () => (await journal.get('op-1'))?.entries ?? [];
  const status = async () => (await journal.get('op-1'))?.operation.status;
  return { clock, journal, engine, claim, entries, status };
}

describe('branches of a flow', () => {
  it('go forward at the same time, each with a state of its own, and are joined before the next step', async () => {
    const { engine, claim, entries } = await setUp();
    const meeting = Promise.withResolvers<void>();
    let here = 0;
    const meet: AnyStep = {
      name: 'meet',
      do: async () => {
        if (++here === 2) meeting.resolve();
        await meeting.promise;
        return {};
      },
    };
    let seen: JsonObject = {};
    const look: AnyStep = {
      name: 'look',
      do: async (_world, state) => {
        seen = state;
        return {};
      },
    };
    const flow = pairOf(subFlow(making('a'), meet, making('b')), look);
    expect(await runFlow(flow, createWorld(), await claim(), engine, never)).toBe('done');
    expect(seen).toEqual({
      MASTER: { of: 'master', a: 'master/a', b: 'master/b' },
      BACKUP: { of: 'backup', a: 'backup/a', b: 'backup/b' },
    });
    const written = (await entries()).map(({ kind, step }) => `${kind} ${step}`);
    for (const role of ['MASTER', 'BACKUP']) {
      expect(written.filter((line) => line.includes(role))).toEqual(
        ['make-a', 'meet', 'make-b'].flatMap((step) => [`started ${role}/${step}`, `done ${role}/${step}`]),
      );
      expect(written.indexOf(`done ${role}/make-b`)).toBeLessThan(written.indexOf('started look'));
    }
  });

  it('when one fails the other, which waits, is stopped; it begins nothing more, and both are undone', async () => {
    const { engine, claim, entries } = await setUp();
    const world = createWorld();
    const waiting: AnyStep = {
      name: 'wait',
      do: async (_world, state, run: StepRun) => {
        if (isMaster(state)) throw refused();
        await new Promise((_resolve, reject) =>
          run.cancelled.addEventListener('abort', () => reject(run.cancelled.reason)),
        );
        return expect.unreachable();
      },
    };
    const flow = pairOf(subFlow(making('a'), waiting, making('b')));
    expect(await runFlow(flow, world, await claim(), engine, never)).toBe('undone');
    expect(world.things).toEqual(new Set());
    expect([...world.made.keys()].sort()).toEqual(['backup/a', 'master/a']);
    const failed = (await entries()).filter(({ kind }) => kind === 'failed');
    expect(failed).toEqual([expect.objectContaining({ step: 'MASTER/wait' })]);
  });

  it('a step that was under way when the other branch failed knows that the failure is not its own', async () => {
    const { engine, claim } = await setUp();
    const own: Record<string, boolean> = {};
    const step: AnyStep = {
      name: 'ask',
      do: async (_world, state) => {
        if (isMaster(state)) throw refused();
        throw passing();
      },
      undo: async (_world, state, run) => {
        own[String(state.of)] = run.isOwnFailure;
      },
    };
    const run = (flow: Flow<World>, claimed: Awaited<ReturnType<typeof claim>>) =>
      runFlow(flow, createWorld(), claimed, engine, never);
    expect(await run(pairOf(subFlow(step)), await claim())).toBe('undone');
    expect(own).toEqual({ master: true, backup: false });
  });

  it('giving up in one branch leaves the other one to be undone whole', async () => {
    const { engine, claim, entries } = await setUp();
    const world = createWorld();
    const gaveUp: Record<string, boolean> = {};
    const stubborn: AnyStep = {
      ...making('b'),
      undo: async (...all) => {
        if (isMaster(all[1])) throw new KilnError('SERVICE_REJECTED_REQUEST', 'never');
        await making('b').undo?.(...all);
      },
    };
    const first: AnyStep = {
      ...making('a'),
      undo: async (...all) => {
        gaveUp[String(all[1].of)] = all[2].gaveUp;
        await making('a').undo?.(...all);
      },
    };
    const flow = pairOf(subFlow(first, stubborn), making('end', refused));
    expect(await runFlow(flow, world, await claim(), engine, never)).toBe('undone');
    expect(world.things).toEqual(new Set(['master/b']));
    expect(gaveUp).toEqual({ master: true, backup: false });
    expect((await entries()).filter(({ kind }) => kind === 'left')).toEqual([
      expect.objectContaining({
        step: 'MASTER/make-b',
        leftovers: [{ kind: 'thing', id: null, name: 'master/b' }],
      }),
    ]);
  });

  it('behind the point of no return a branch that is given up does not keep the other one from its end', async () => {
    const { engine, claim, status } = await setUp();
    const world = createWorld();
    const sub = subFlow(
      making('a', (state) => (isMaster(state) ? refused() : null)),
      making('b'),
    );
    const flow = defineFlow('pair')
      .takes<World, JsonObject>()
      .step(names)
      .commit()
      .parallel({ MASTER: sub, BACKUP: sub })
      .build();
    expect(await runFlow(flow, world, await claim(), engine, never)).toBe('undone');
    expect(await status()).toBe('undone');
    expect(world.things).toContain('backup/b');
  });

  it('when the fence is lost in one branch nothing more is begun in either, and it is let go', async () => {
    const { engine, claim, journal, entries } = await setUp();
    const world = createWorld();
    const thief: AnyStep = {
      name: 'thief',
      do: async (_world, state, run) => {
        if (isMaster(state) && !run.resumed) await journal.claim('op-1', 'other');
        return {};
      },
    };
    const flow = pairOf(subFlow(making('a'), thief, making('b')));
    await expect(runFlow(flow, world, await claim(), engine, never)).rejects.toMatchObject({ code: 'FENCED' });
    expect([...world.made.keys()].filter((thing) => thing.endsWith('/b'))).toEqual([]);
    expect((await entries()).some(({ kind }) => kind === 'failed')).toBe(false);
    expect(await runFlow(flow, world, await claim('w3'), engine, never)).toBe('done');
    for (const times of world.made.values()) expect(times).toBe(1);
  });

  it('what one branch has done is on record before the other one ends', async () => {
    const { engine, claim, entries } = await setUp();
    const slow: AnyStep = {
      name: 'slow',
      do: async (_world, state) => {
        if (isMaster(state)) return {};
        const isOnRecord = async () =>
          (await entries()).some(({ kind, step }) => kind === 'done' && step === 'MASTER/slow');
        await expect.poll(isOnRecord).toBe(true);
        return {};
      },
    };
    expect(await runFlow(pairOf(subFlow(slow)), createWorld(), await claim(), engine, never)).toBe('done');
  });

  it('one that is not wanted is passed over', async () => {
    const { engine, claim } = await setUp();
    const world = createWorld();
    const sub = subFlow(making('a'));
    const one: Step<World, JsonObject, { MASTER?: { of: string }; BACKUP?: { of: string } }> = {
      name: 'resolve',
      do: async () => ({ BACKUP: { of: 'backup' } }),
    };
    const flow = defineFlow('pair')
      .takes<World, JsonObject>()
      .step(one)
      .parallel({ MASTER: sub, BACKUP: sub }, (state, name) => state[name] !== undefined)
      .build();
    expect(await runFlow(flow, world, await claim(), engine, never)).toBe('done');
    expect(world.things).toEqual(new Set(['backup/a']));
  });

  it('within branches keep their states apart', async () => {
    const { engine, claim } = await setUp();
    const inner = defineFlow('inner')
      .takes<World, JsonObject>()
      .parallel({ one: subFlow(making('a')), two: subFlow(making('b')) })
      .build();
    let seen: JsonObject = {};
    const look: AnyStep = {
      name: 'look',
      do: async (_world, state) => {
        seen = state;
        return {};
      },
    };
    expect(await runFlow(pairOf(inner, look), createWorld(), await claim(), engine, never)).toBe('done');
    expect(seen.MASTER).toEqual({ of: 'master', one: { a: 'master/a' }, two: { b: 'master/b' } });
  });

  it('killed at any instants, in any branch and at the joins: all of it or nothing, nothing twice, nothing left', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.option(fc.record({ at: fc.integer({ min: 0, max: 3 }), master: fc.boolean() })),
        fc.array(fc.integer({ min: 1, max: 25 }), { maxLength: 6 }),
        fc.infiniteStream(fc.integer({ min: 0, max: 3 })),
        async (count, failing, kills, delays) => {
          const { journal, engine, status } = await setUp();
          const inBranch = Array.from({ length: count }, (_, n) =>
            making(`t${n}`, (state) =>
              failing && failing.at === n && isMaster(state) === failing.master ? refused() : null,
            ),
          );
          const flow = pairOf(
            subFlow(...inBranch),
            making('end', () => (failing?.at === 3 ? refused() : null)),
          );
          const deaths = [...kills];
          const world = createWorld();
          for (let life = 0; ; life++) {
            // This worker dies at its n-th instant: from then on it writes nothing, and does nothing.
            let left = deaths.shift() ?? Number.POSITIVE_INFINITY;
            const tick = async () => {
              for (let turns = delays.next().value ?? 0; turns > 0; turns--) await Promise.resolve();
              if (--left <= 0) throw new Error('killed');
            };
            world.instant = tick;
            const mortal = Object.fromEntries(
              Object.entries(journal).map(([method, act]) => [
                method,
                async (...values: never[]) => {
                  await tick();
                  const result = await (act as (...values: never[]) => Promise<unknown>)(...values);
                  await tick();
                  return result;
                },
              ]),
            ) as unknown as Journal;
            const claimed = await journal.claim('op-1', `w${life}`);
            if (!claimed) break;
            await runFlow(flow, world, claimed, { ...engine, journal: mortal }, never).catch((error: Error) => {
              if (error.message !== 'killed') throw error;
            });
          }
          const isUndone = failing !== null && (failing.at < count || failing.at === 3);
          expect(await status()).toBe(isUndone ? 'undone' : 'done');
          const all = ['master', 'backup'].flatMap((of) => inBranch.map((_, n) => `${of}/t${n}`));
          expect(world.things).toEqual(new Set(isUndone ? [] : [...all, 'shared/end']));
          for (const times of world.made.values()) expect(times).toBe(1);
        },
      ),
      { numRuns: 300 },
    );
  }, 60_000);
});

describe('versions of a flow', () => {
  const first = defineFlow('pair').takes<World, JsonObject>().step(making('old')).step(making('b')).build();
  const second = defineFlow('pair')
    .takes<World, JsonObject>({ version: 2, older: [first] })
    .step(making('new'))
    .step(making('b'))
    .build();

  it('a journal goes on under the steps it began with, one that nobody began under the newest', async () => {
    const { engine, claim, journal, entries } = await setUp();
    const { operation } = await claim();
    const begun: JournalEntry[] = [{ kind: 'started', step: 'make-old' }];
    await journal.record('op-1', operation.fence, ...begun);
    const world = createWorld();
    expect(await runFlow(second, world, await claim(), engine, never)).toBe('done');
    expect(world.things).toEqual(new Set(['shared/old', 'shared/b']));
    expect((await entries()).some((entry) => 'version' in entry)).toBe(false);

    const fresh = await setUp();
    const stop = new AbortController();
    const stopping = createWorld(() => stop.abort());
    expect(await runFlow(second, stopping, await fresh.claim(), fresh.engine, stop.signal)).toBe('released');
    expect((await fresh.entries())[0]).toEqual({ kind: 'started', step: 'make-new', version: 2 });
    expect(await runFlow(second, stopping, await fresh.claim(), fresh.engine, never)).toBe('done');
    expect(stopping.things).toEqual(new Set(['shared/new', 'shared/b']));
    // A Kiln that knows the first version only leaves it alone.
    expect(unknownStep(first, await fresh.entries())).toBe('of version 2');
  });

  it('refuses versions that an older Kiln could take for its own, and sub-flows that commit or settle', () => {
    const same = () =>
      defineFlow('pair')
        .takes<World, JsonObject>({ version: 2, older: [first] })
        .step(making('old'))
        .build();
    expect(same).toThrow('versions 2 and 1 begin with the same step');
    const committing = defineFlow('sub').takes<World, JsonObject>().commit().step(making('a')).build();
    expect(() => pairOf(committing)).toThrow('commits within it');
    const settling = subFlow({ name: 'end', do: async () => ({}), settle: async () => null });
    expect(() => pairOf(settling)).toThrow('settles where the operation does not end');
  });
});
