import { errorOf } from '../core/operations/error-of-reason.ts';
import { growingPauseMs } from '../lib/growing-pause.ts';
import { BEATS_IN_LEASE, keepBeating } from '../lib/keep-beating.ts';
import { type KilnError, toKilnError } from '../model/errors.ts';
import type { FlowName } from '../model/flow-name.ts';
import { hasEnded, NO_PLACE_PAUSE_MS, type Operation } from '../model/operation.ts';
import type { Clock } from '../ports/clock.ts';
import type { ClaimedOperation, Journal, NoPlace } from '../ports/journal.ts';
import type { Log } from '../ports/log.ts';
import type { OperationQueue } from '../ports/operation-queue.ts';
import type { Flow } from './engine/flow.ts';
import { unknownStep } from './engine/read-past.ts';
import { type EngineDeps, type FlowEnd, runFlow } from './engine/run-flow.ts';

export interface WorkerSettings<Deps> {
  queue: OperationQueue;
  journal: Journal;
  /** By name. */
  flows: ReadonlyMap<FlowName, Flow<Deps>>;
  /** What the steps of a flow act through; asked for anew at each run of one. */
  deps: () => Deps;
  engine: EngineDeps;
  /** Who claims. Of all workers that share the journal, this one alone has the name. */
  self: string;
  /** Whether a worker that has an operation may still be at it. */
  isAlive(worker: string): Promise<boolean>;
  /** Operations carried out at once, by all workers that share the journal. */
  capacity: number;
  clock: Clock;
  log: Log;
  /** Called with every operation that this worker has let go, however that came: what it has in this process is free. */
  onLetGo?(operationId: string): void;
  /** Called with every operation that this worker has brought to its end. */
  onEnded?(operation: Operation, end: Exclude<FlowEnd, 'released'>): void;
  /** How often the journal is searched for what no word has reached anybody of. */
  sweepEveryMs: number;
  /** Where other processes look whether this one lives. Absent where there are none. */
  lease?: WorkerLease;
  /** It knows some flows alone, and leaves all others to other workers without a word. */
  isPartial?: boolean;
}

export interface WorkerLease {
  beat(): Promise<void>;
  /** Of a worker that has stopped. */
  remove(): Promise<void>;
  /** The others take this worker for dead when it has not beaten for so long. */
  lastsMs: number;
}

export interface RunningOperation {
  id: string;
  /** Null until it was read. */
  flow: FlowName | null;
  subject: string;
}

export interface Worker {
  /** Takes operations from now on, those first that were left behind. */
  start(): Promise<void>;
  /** Takes no more, lets each running step end, gives the operations back, and resolves when all have come back. */
  stop(): Promise<void>;
  running(): readonly RunningOperation[];
  /** If this worker has the operation, its flow is asked to go back: at once, and not with the next sweep. */
  turnAround(operationId: string, reason: KilnError): void;
}

/** Unclaimed operations looked at in one sweep. */
const SWEEP_LIMIT = 500;
/** Operations of one subject among which its next one is sought. */
const SUBJECT_LIMIT = 100;
/** How long a slot stays closed when the journal can't be read: else a queue would be emptied into nothing. */
const DATABASE_PAUSE_MS = 5_000;

type End = 'ended' | 'later' | 'full';

/** Carries out operations: claims what the queue brings, runs its flow, and finds again what others left. */
export function createWorker<Deps>(settings: WorkerSettings<Deps>): Worker {
  const { queue, journal, flows, deps, engine, self, capacity, clock, log, sweepEveryMs, lease, isPartial } = settings;
  const stopping = new AbortController();
  const running = new Map<string, RunningOperation & { turn: AbortController }>();
  /** What the sweeps saw unclaimed (or left by the dead): since when at this fence, and when it is announced. */
  const seen = new Map<string, { fence: number; announceAtMs: number }>();
  /** What the last sweep saw in the hands of the dead. It has its places. */
  let inherited: ReadonlySet<string> = new Set();
  /** What this worker found to be before its own operations in the line, and took up. */
  const adopted = new Set<Promise<unknown>>();
  /** There was no place a moment ago: until then nobody asks again. */
  let fullUntilMs = 0;
  let lastClaim: Promise<unknown> = Promise.resolve();
  /** Flows and steps of other versions that have been spoken of. */
  const unknownNames = new Set<string>();
  /** Aborted while this worker has to fear that it counts as dead. */
  let trusted = new AbortController();
  /** Without a lease nobody looks; with one, nothing is claimed before the first beat. */
  if (lease) trusted.abort();
  let lastBeatMs = clock.monotonicMs();
  let background: Promise<unknown> = Promise.resolve();

  /** Never rejects. */
  async function take(operationId: string): Promise<End> {
    if (stopping.signal.aborted || trusted.signal.aborted || running.has(operationId)) return 'later';
    if (isFull() && !inherited.has(operationId)) return 'full';
    // Noted before it is claimed: what this worker has and does not run counts as left behind.
    running.set(operationId, { id: operationId, flow: null, subject: '', turn: new AbortController() });
    try {
      return await carryOut(operationId);
    } catch (thrown) {
      const error = toKilnError(thrown);
      if (error.code === 'FENCED') {
        log.warn({ operation: operationId, worker: self }, 'another worker has the operation now; it is let go');
      } else {
        log.error({ operation: operationId, err: error }, 'an operation could not be carried on; it is tried again');
      }
      if (error.code === 'STATE_UNUSABLE') await clock.sleep(DATABASE_PAUSE_MS, stopping.signal).catch(() => {});
      return 'later';
    } finally {
      running.delete(operationId);
    }
  }

  async function carryOut(operationId: string): Promise<End> {
    const found = await journal.get(operationId);
    if (!found || hasEnded(found.operation.status)) return 'ended';
    const { fence, flow: flowName, subject, worker } = found.operation;
    const flow = flows.get(flowName);
    if (!flow && isPartial) return 'ended';
    const unknown = flow ? unknownStep(flow, found.entries) : flowName;
    if (!flow || unknown !== null) {
      // Left to a worker that knows it: that one's sweeps find it. It is not claimed here, so that nobody is kept out.
      if (!unknownNames.has(`${flowName} ${unknown}`)) {
        log.error(
          { operation: operationId, flow: flowName, unknown },
          'this version of Kiln has no such flow, or no such step; `kiln operation abort` ends the operation',
        );
      }
      unknownNames.add(`${flowName} ${unknown}`);
      // The place of a dead worker is free for others until somebody comes who can go on.
      if (worker !== null && !(await isHeld(found.operation))) await journal.release(operationId, fence);
      return 'ended';
    }
    if (await isHeld(found.operation)) return 'later';
    const claimed = await claimInTurn(found);
    if (!claimed) return 'later';
    if ('full' in claimed) {
      if (claimed.first) adopt(claimed.first.id, found.operation);
      return 'full';
    }
    const turn = running.get(operationId)?.turn ?? new AbortController();
    running.set(operationId, { id: operationId, flow: flowName, subject, turn });
    const end = await run(flow, claimed, turn.signal);
    if (end === 'released') return 'later';
    await announceNextOn(subject).catch((error: unknown) => {
      log.warn({ subject, err: error }, 'what waits for the subject could not be looked up; the next sweep does');
    });
    return 'ended';
  }

  const isFull = () => clock.monotonicMs() < fullUntilMs;

  /** One after the other: when there is no place, the others need not ask. */
  function claimInTurn(seen: ClaimedOperation): Promise<ClaimedOperation | NoPlace | null> {
    const claim = lastClaim.then(async () => {
      const { id, fence, worker } = seen.operation;
      if (isFull() && worker === null) return { full: true, first: null } as const;
      const places = { limit: capacity, flows: [...flows.keys()] };
      const claimed = await journal.claimPlace(id, self, fence, places, seen);
      if (claimed && 'full' in claimed) fullUntilMs = clock.monotonicMs() + NO_PLACE_PAUSE_MS;
      return claimed;
    });
    lastClaim = claim.catch(() => {});
    return claim;
  }

  /** The place goes to one that waits elsewhere, or of which no word has come; then it is the turn of the other one again. */
  function adopt(first: string, next: Operation): void {
    fullUntilMs = 0;
    const run = take(first).then((end) => {
      adopted.delete(run);
      if (end === 'ended') queue.announce(next);
    });
    adopted.add(run);
  }

  /** By a worker that may be at it. What is ours and not running here was left when the journal could not be reached. */
  async function isHeld({ worker }: Operation): Promise<boolean> {
    return worker !== null && worker !== self && (await settings.isAlive(worker));
  }

  async function run(flow: Flow<Deps>, claimed: ClaimedOperation, turn: AbortSignal): Promise<FlowEnd> {
    const { id, fence } = claimed.operation;
    const began = clock.monotonicMs();
    try {
      const stop = AbortSignal.any([stopping.signal, trusted.signal]);
      const end = await runFlow(flow, deps(), claimed, engine, stop, turn);
      log.info({ operation: id, flow: flow.name, end, ms: Math.round(clock.monotonicMs() - began) }, 'flow finished');
      if (end !== 'released') settings.onEnded?.(claimed.operation, end);
      return end;
    } catch (thrown) {
      // Nobody works on it from here on. If that can't be written either, a sweep finds it.
      if (toKilnError(thrown).code !== 'FENCED') await journal.release(id, fence).catch(() => {});
      throw thrown;
    } finally {
      fullUntilMs = 0;
      settings.onLetGo?.(id);
    }
  }

  /** What waited for the subject is not kept waiting for a sweep. */
  async function announceNextOn(subject: string): Promise<void> {
    const waiting = (await journal.list({ subject, limit: SUBJECT_LIMIT }))
      .filter(({ status, worker }) => !hasEnded(status) && worker === null)
      .sort((a, b) => b.priority - a.priority || (a.createdAt < b.createdAt ? -1 : 1));
    if (waiting[0]) queue.announce(waiting[0]);
  }

  async function sweep(first: boolean): Promise<void> {
    const left: Operation[] = [];
    // One look at each worker, however many operations it has.
    const held = new Map<string | null, boolean>();
    for (const operation of await journal.claimed()) {
      const ours = running.get(operation.id);
      // Turned around by somebody who does not have it; or by its own flow, which is then past asking.
      if (ours && operation.status === 'undoing') ours.turn.abort(errorOf(operation.reason));
      if (ours || (isPartial && !flows.has(operation.flow))) continue;
      if (!held.has(operation.worker)) held.set(operation.worker, await isHeld(operation));
      if (!held.get(operation.worker)) left.push(operation);
    }
    inherited = new Set(left.map(({ id }) => id));
    // A worker that is busy would announce what it can't take; its message waits in the queue with the others.
    const hasRoom = running.size < capacity && !isFull();
    const unclaimed = hasRoom ? await journal.unclaimed(SWEEP_LIMIT, [...flows.keys()]) : [];
    // Once, so that they are spoken of.
    if (first && !isPartial)
      for (const operation of await journal.unclaimed(SWEEP_LIMIT)) {
        if (!flows.has(operation.flow)) queue.announce(operation);
      }
    const open = [...left, ...unclaimed];
    const nowMs = clock.monotonicMs();
    for (const operation of open) {
      const { id, fence, worker } = operation;
      // What the dead have left has places, which messages in everybody's hands may wait for: word of it would reach nobody.
      const announce = worker === null ? queue.announce : queue.announceHere;
      const before = seen.get(id);
      if (before?.fence !== fence) {
        // First sight. What was left by the dead has nobody to bring the word; so has everything after a start. All else
        // was announced a moment ago, or given back by a worker that could not finish it.
        const atOnce = first || worker !== null;
        seen.set(id, { fence, announceAtMs: nowMs + growingPauseMs(atOnce ? 1 : fence) });
        if (atOnce) announce(operation);
      } else if (nowMs >= before.announceAtMs) {
        before.announceAtMs = nowMs + growingPauseMs(Number.POSITIVE_INFINITY);
        announce(operation);
      }
    }
    if (hasRoom) forgetAllBut(open);
  }

  function forgetAllBut(open: readonly Operation[]): void {
    const ids = new Set(open.map(({ id }) => id));
    for (const id of seen.keys()) if (!ids.has(id)) seen.delete(id);
  }

  async function keepSweeping(): Promise<void> {
    for (let first = true; !stopping.signal.aborted; ) {
      try {
        await sweep(first);
        first = false;
      } catch (error) {
        log.warn({ err: error }, 'the journal could not be searched; it is tried again');
      }
      await clock.sleep(sweepEveryMs, stopping.signal).catch(() => {});
    }
  }

  async function beat({ beat, lastsMs }: WorkerLease): Promise<void> {
    const beganMs = clock.monotonicMs();
    try {
      await beat();
      lastBeatMs = Math.max(lastBeatMs, beganMs);
      // An answer that took a lease says nothing of this moment.
      if (!trusted.signal.aborted || clock.monotonicMs() - lastBeatMs >= lastsMs) return;
      trusted = new AbortController();
      log.info({ worker: self }, 'this worker is seen by the others and takes operations');
    } catch (error) {
      log.warn({ err: error }, 'worker heartbeat failed');
    }
  }

  const keepLease = (kept: WorkerLease) =>
    keepBeating(() => beat(kept), { leaseMs: kept.lastsMs, clock, signal: stopping.signal });

  /** Apart from the beats: they may hang for as long as the database is silent. */
  async function watchLease({ lastsMs }: WorkerLease): Promise<void> {
    while (!stopping.signal.aborted) {
      const overdueMs = clock.monotonicMs() - lastBeatMs - lastsMs;
      if (overdueMs >= 0 && !trusted.signal.aborted) {
        trusted.abort();
        log.error({ worker: self }, 'others may take this worker for dead: its flows stop after their running steps');
      }
      const pauseMs = overdueMs >= 0 ? lastsMs / BEATS_IN_LEASE : -overdueMs;
      await clock.sleep(pauseMs, stopping.signal).catch(() => {});
    }
  }

  return {
    async start() {
      if (lease) await beat(lease);
      await queue.start(take, capacity);
      background = Promise.all([keepSweeping(), ...(lease ? [keepLease(lease), watchLease(lease)] : [])]);
    },
    async stop() {
      stopping.abort();
      await queue.stop();
      await Promise.all(adopted);
      await background;
      // If it can't be taken away now, it is forgotten as that of a dead worker is.
      await lease?.remove().catch((error: unknown) => log.debug({ err: error }, 'a worker that ends stays entered'));
    },
    running: () =>
      [...running.values()].filter(({ flow }) => flow !== null).map(({ id, flow, subject }) => ({ id, flow, subject })),
    turnAround: (operationId, reason) => running.get(operationId)?.turn.abort(reason),
  };
}
