import { randomUUID } from 'node:crypto';
import { createSystemClock } from '../../src/adapters/clock/system-clock.ts';
import { createAmphoraStore } from '../../src/adapters/storage/amphora-store.ts';
import { openDatabase } from '../../src/adapters/storage/database.ts';
import { createJournal } from '../../src/adapters/storage/journal.ts';
import { runFlow } from '../../src/flows/engine/run-flow.ts';
import type { LoadBalancerDeps } from '../../src/flows/load-balancer/deps.ts';
import { loadBalancerFlows } from '../../src/flows/load-balancer/index.ts';
import { createAmphoraOperations } from '../../src/services/amphora-operations.ts';
import { createFakeLoadBalancerDeps } from './fakes/fake-load-balancer-deps.ts';
import { newSqlite } from './sqlite.ts';

export const GIVE_UP_MS = 900_000;
const limits = { attempts: 2, firstPauseMs: 10, longestPauseMs: 100 };

/**
 * Boots and deletions of amphorae that serve nobody: rows and journal in SQLite, the cloud and its time in memory. Operations are
 * carried out by this process, at once when they are announced.
 */
export async function openBoots(over: Partial<LoadBalancerDeps> = {}) {
  const fakes = createFakeLoadBalancerDeps();
  const { clock, log } = fakes;
  const subject = await newSqlite();
  const wall = createSystemClock();
  const database = await openDatabase(subject.connection, wall);
  const amphorae = createAmphoraStore(database, clock);
  const journal = createJournal(database, clock);
  const deps: LoadBalancerDeps = { ...fakes.deps, ...over, amphorae };
  const engine = { journal, clock, log, doing: limits, undoing: limits, giveUpAfterMs: GIVE_UP_MS };
  const stopping = new AbortController();
  const turns = new Map<string, AbortController>();
  /** Whether announced operations are carried out; else they wait, as for a worker that is dead. */
  let works = true;

  /** As a worker would, once: to its end, or until it is released. */
  async function carryOut(operationId: string, worker = 'worker', through = deps): Promise<string | null> {
    if (turns.has(operationId)) return null;
    const turn = new AbortController();
    turns.set(operationId, turn);
    try {
      return await claimAndRun(operationId, worker, through, turn.signal);
    } finally {
      turns.delete(operationId);
      await deps.builds.release(operationId);
    }
  }
  async function claimAndRun(operationId: string, worker: string, through: LoadBalancerDeps, turn: AbortSignal) {
    const claimed = await journal.claim(operationId, worker);
    const flow = loadBalancerFlows.find(({ name }) => name === claimed?.operation.flow);
    if (!claimed || !flow) return null;
    return await runFlow(flow, through, claimed, engine, stopping.signal, turn);
  }
  const operationOn = async (amphoraId: string) =>
    (await journal.list({ subject: amphoraId, limit: 1 }))[0] ?? Promise.reject(new Error(`nothing on ${amphoraId}`));

  /** What waits or was left, until nothing does; one on its way back that does not get there rests. */
  async function carryOutAll(): Promise<void> {
    for (let ended = true; ended; ) {
      ended = false;
      for (const { id } of [...(await journal.unclaimed(100)), ...(await journal.claimed())]) {
        const end = await carryOut(id, 'the next worker');
        if (end !== null && end !== 'released') ended = true;
      }
    }
  }

  const operations = createAmphoraOperations({
    amphorae,
    journal,
    clock: { ...wall, now: clock.now },
    settings: deps.settings,
    newId: randomUUID,
    randomInteger: deps.randomInteger,
    self: 'host/1/1',
    announce: ({ id }) => {
      if (works) void carryOut(id).then((end) => (end === null ? null : carryOutAll()));
    },
    turnAround: (id, reason) => turns.get(id)?.abort(reason),
    stopping: stopping.signal,
    lookEveryMs: 1,
  });
  return {
    ...fakes,
    deps,
    amphorae,
    journal,
    operations,
    carryOut,
    carryOutAll,
    operationOn,
    stop: () => stopping.abort(),
    die: () => {
      works = false;
    },
    async close() {
      await database.destroy();
      await subject.close();
    },
  };
}
