import { growingPauseMs } from '../../lib/growing-pause.ts';
import { type KilnError, toKilnError } from '../../model/errors.ts';
import type { JournalEntry, JsonObject, OperationReason } from '../../model/operation.ts';
import type { AmphoraWrite } from '../../ports/amphora-store.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ClaimedOperation, Journal } from '../../ports/journal.ts';
import type { Log } from '../../ports/log.ts';
import type { Flow, Place, PlacedStep, StepRun } from './flow.ts';
import { givesUp } from './give-up.ts';
import { flowOfJournal, readPast } from './read-past.ts';
import { concerns, seenFrom, withOutput } from './state.ts';

export interface RetryLimits {
  /** Tries of a step whose error says that trying again may help, the first one included. */
  attempts: number;
  firstPauseMs: number;
  longestPauseMs: number;
}

export interface EngineDeps {
  journal: Journal;
  clock: Clock;
  log: Log;
  /** Going forward: soon given up, for then it is undone. */
  doing: RetryLimits;
  /** Going back, or on where there is no way back: patient. */
  undoing: RetryLimits;
  /** What is stuck there is given up after so long, counted from the journal and so over restarts. */
  giveUpAfterMs: number;
}

/** released: not ended; whoever claims it next goes on from the journal. */
export type FlowEnd = 'done' | 'undone' | 'released';

/**
 * Carries an operation on from wherever its journal says it is, to its end: done, or undone with the reason.
 * Each step is journalled before the next one of its branch starts, but for those that can be repeated. When `stop` is aborted the running steps end, and the
 * operation is released. An undoing, or a step behind the point of no return, that can't be finished now is released as
 * well, until it is given up (give-up.ts): the others are still done, and the operation ends as undone.
 * When a branch fails the others end their running steps, and begin no more; then all are undone.
 * @param turn aborted, with a KilnError, when the flow is to go back as if a step had failed; ignored behind the point of
 * no return.
 * @throws FENCED when another worker has claimed the operation: nothing more was written or begun.
 */
export async function runFlow<Deps>(
  newest: Flow<Deps>,
  deps: Deps,
  claimed: ClaimedOperation,
  engine: EngineDeps,
  stop: AbortSignal,
  turn?: AbortSignal,
): Promise<FlowEnd> {
  const { journal, log } = engine;
  const { id, fence, input } = claimed.operation;
  const flow = flowOfJournal(newest, claimed.entries);
  const past = readPast(flow, input, claimed.entries);
  const started = new Set(past.started);
  const stuck = new Set(past.stuck);
  const left = new Set(past.left);
  let { state, reason, failed, owed, stuckSince } = past;
  /** The journal can't be written, or is another worker's: nothing more is begun. */
  let isBroken = false;
  /** A step rests until the operation is claimed again. */
  let rests = false;
  /** Aborted when the flow turns around, or breaks. */
  const cancelled = new AbortController();
  const halt = AbortSignal.any([stop, cancelled.signal]);
  const scopes = new Map(flow.steps.map(({ name, scope }) => [name, scope]));
  const run = ({ name, scope }: Pick<PlacedStep<Deps>, 'name' | 'scope'>): StepRun => ({
    operationId: id,
    fence,
    resumed: false,
    again: true,
    reason,
    gaveUp: [...left].some((other) => concerns(scopes.get(other), scope)),
    isOwnFailure: failed === name,
    stop,
    cancelled: cancelled.signal,
    amend: (write) => void amphorae.push(write),
    beforeWaiting: flush,
    note(message) {
      log.info({ operation: id, flow: flow.name, step: name }, message);
      // If it can't be written, neither can what comes next: that one tells.
      void record({ kind: 'note', step: name, message }).catch(() => {});
    },
  });

  /** What need not be known before the next step starts is written together with that: nothing happens in between. */
  let unwritten: JournalEntry[] = [];
  /** Rows that are written with it. */
  let amphorae: AmphoraWrite[] = [];
  let writing = Promise.resolve();
  /** One after the other, whichever branch they are of. After a failure nothing is written any more. */
  function flush(): Promise<void> {
    writing = writing.then(async () => {
      const progress = { entries: [...unwritten], amphorae: [...amphorae] };
      if (progress.entries.length + progress.amphorae.length === 0) return;
      await journal.recordWith(id, fence, progress);
      unwritten = unwritten.slice(progress.entries.length);
      amphorae = amphorae.slice(progress.amphorae.length);
    });
    return writing;
  }
  async function record(entry: JournalEntry): Promise<void> {
    unwritten.push(entry);
    await flush();
  }
  let version = claimed.entries.length === 0 && flow.version > 1 ? { version: flow.version } : {};
  function startedEntry(step: string): JournalEntry {
    const entry = { kind: 'started' as const, step, ...version };
    version = {};
    return entry;
  }

  turn?.addEventListener('abort', turnAround);
  if (turn?.aborted) turnAround();
  await forward(flow.places);
  turn?.removeEventListener('abort', turnAround);
  if (rests) return await release();
  if (!reason && !owed) {
    const last = flow.steps.at(-1);
    const settlement = (last && (await last.settle?.(deps, seenFrom(state, last.scope), run(last)))) ?? null;
    await journal.finish(id, fence, 'done', { entries: unwritten, amphorae, settlement });
    return 'done';
  }

  if (reason) await back(flow.places);
  if (rests) return await release();
  reason ??= owed;
  const [first] = flow.steps;
  // Kiln 0.1 settled in the step itself, before the end.
  const isSettled = first !== undefined && past.undone.has(first.name);
  const settlement = (first && !isSettled && (await first.settleUndone?.(deps, state, run(first)))) || null;
  const last = { entries: unwritten, amphorae, settlement };
  await journal.finish(id, fence, { undone: reason as OperationReason }, last);
  return 'undone';

  /** On record at once: who dies now is followed by one that undoes it. */
  function turnAround(): void {
    if (reason || isBroken || flow.steps.slice(flow.pointOfNoReturn).some(({ name }) => started.has(name))) return;
    const step = [...started].at(-1) ?? flow.steps[0]?.name ?? '';
    const error = toKilnError(turn?.reason);
    log.warn({ operation: id, flow: flow.name, step, err: error }, 'the flow is asked to go back; it is undone');
    reason = reasonOf(error);
    cancelled.abort();
    // As with a note.
    void record({ kind: 'failed', step, reason }).catch(() => {});
  }

  async function forward(places: readonly Place[]): Promise<void> {
    for (const place of places) {
      if (reason || rests || isBroken) return;
      if (typeof place === 'number') await doStep(place);
      else
        await together(
          place
            .filter(({ isWanted }) => isWanted?.(state) ?? true)
            .map(
              ({ places }) =>
                () =>
                  forward(places),
            ),
        );
    }
  }

  async function back(places: readonly Place[]): Promise<void> {
    for (const place of places.toReversed()) {
      if (rests || isBroken) return;
      if (typeof place === 'number') await undoStep(place);
      else
        await together(
          place.map(
            ({ places }) =>
              () =>
                back(places),
          ),
        );
    }
  }

  /** Waits for all of them, whatever becomes of one. What a branch has done is on record when it has ended. */
  async function together(branches: readonly (() => Promise<void>)[]): Promise<void> {
    const outcomes = await Promise.allSettled(
      branches.map(async (branch) => {
        try {
          await branch();
          await flush();
        } catch (error) {
          isBroken = true;
          cancelled.abort();
          throw error;
        }
      }),
    );
    const broken = outcomes.find((outcome) => outcome.status === 'rejected');
    if (broken) throw broken.reason;
  }

  async function doStep(index: number): Promise<void> {
    const step = flow.steps[index];
    if (!step || past.done.has(step.name) || left.has(step.name)) return;
    if (stop.aborted) {
      rests = true;
      return;
    }
    if (step.settle) {
      // Nothing is done but with the end, above.
      unwritten.push(startedEntry(step.name), { kind: 'done', step: step.name, output: {} });
      return;
    }
    const isCommitted = index >= flow.pointOfNoReturn;
    const resumed = past.started.has(step.name);
    if (!started.has(step.name)) {
      started.add(step.name);
      unwritten.push(startedEntry(step.name));
      // The first step behind the point of no return is on record in any case: whoever goes on must not turn around.
      if (!step.isRepeatable || index === flow.pointOfNoReturn) await flush();
      // Another branch may have failed since: then nothing was begun here.
      if (reason || isBroken) return;
    }
    try {
      let tries = 0;
      const attempt = () =>
        step.do(deps, seenFrom(state, step.scope), { ...run(step), resumed, again: resumed || tries++ > 0 });
      const output = await (isCommitted
        ? persistently(patience(engine.undoing, halt), attempt, (error) => isHopeless(step, error, false))
        : persistently(patience(engine.doing, halt), attempt));
      unwritten.push({ kind: 'done', step: step.name, output });
      state = withOutput(state, step.scope, output);
    } catch (thrown) {
      const error = toKilnError(thrown);
      if (error.code === 'FENCED') throw error;
      if (isBroken || reason) return;
      if (stop.aborted && error.retryable) {
        rests = true;
        return;
      }
      if (isCommitted) {
        if (await isGivenUp(step, error)) owed ??= reasonOf(error);
        else rests = true;
        return;
      }
      log.warn({ operation: id, flow: flow.name, step: step.name, err: error }, 'a step failed; the flow is undone');
      reason = reasonOf(error);
      failed = step.name;
      cancelled.abort();
      await record({ kind: 'failed', step: step.name, reason, ...detailsOf(error) });
    }
  }

  async function undoStep(index: number): Promise<void> {
    const step = flow.steps[index];
    if (!step || !started.has(step.name) || past.undone.has(step.name) || left.has(step.name)) return;
    const { undo } = step;
    if (undo) {
      if (stop.aborted) {
        rests = true;
        return;
      }
      try {
        const attempt = () => undo(deps, seenFrom(state, step.scope), run(step));
        await persistently(patience(engine.undoing, stop), attempt, (error) => isHopeless(step, error, false));
      } catch (thrown) {
        const error = toKilnError(thrown);
        if (error.code === 'FENCED') throw error;
        if ((stop.aborted && error.retryable) || !(await isGivenUp(step, error))) rests = true;
        return;
      }
    }
    unwritten.push({ kind: 'undone', step: step.name });
    if (undo) await flush();
  }

  /** Of a step that has to be finished and has just failed: whether it is of no use to go on. Its first failure is noted. */
  async function isHopeless({ name }: { name: string }, error: KilnError, isOutOfTries: boolean): Promise<boolean> {
    if (givesUp(error, { since: stuckSince, isOutOfTries }, engine)) return true;
    if (stuck.has(name) || error.code === 'STATE_UNUSABLE') return false;
    const at = engine.clock.now().toISOString();
    await record({ kind: 'stuck', step: name, at, reason: reasonOf(error) });
    stuck.add(name);
    stuckSince ??= at;
    return false;
  }

  /** Of one that can't be finished now: whether it is passed over from now on. */
  async function isGivenUp(step: PlacedStep<Deps>, error: KilnError): Promise<boolean> {
    const about = { operation: id, flow: flow.name, step: step.name, err: error };
    if (!(await isHopeless(step, error, true))) {
      log.error(about, 'a step that has to be finished fails for now; it is tried again later');
      return false;
    }
    const leftovers = (await step.leaves?.(deps, seenFrom(state, step.scope))) ?? [];
    await record({ kind: 'left', step: step.name, reason: reasonOf(error), leftovers });
    left.add(step.name);
    log.error({ ...about, leftovers }, 'a step that has to be finished is given up; what is named stays behind');
    return true;
  }

  function patience(limits: RetryLimits, stop: AbortSignal): Patience {
    return { ...limits, clock: engine.clock, log, stop, beforePause: flush };
  }

  async function release(): Promise<FlowEnd> {
    await flush();
    await journal.release(id, fence);
    return 'released';
  }
}

/** As they are reported over the API. */
function detailsOf({ details }: KilnError): { details?: JsonObject } {
  return Object.keys(details).length === 0 ? {} : { details: JSON.parse(JSON.stringify(details)) as JsonObject };
}

function reasonOf({ code, message, advice }: KilnError): OperationReason {
  return { code, message, advice };
}

interface Patience extends RetryLimits, Pick<EngineDeps, 'clock' | 'log'> {
  stop: AbortSignal;
  beforePause(): Promise<void>;
}

/**
 * Tries again, with growing pauses, what may succeed when tried again.
 * @param isHopeless asked after each failure: whether it is not tried again all the same.
 */
async function persistently<Result>(
  { clock, log, stop, beforePause, ...limits }: Patience,
  attempt: () => Promise<Result>,
  isHopeless: (error: KilnError) => Promise<boolean> = async () => false,
): Promise<Result> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (thrown) {
      const error = toKilnError(thrown);
      if (!error.retryable || tries >= limits.attempts || stop.aborted || (await isHopeless(error))) throw error;
      const pauseMs = growingPauseMs(tries, { firstMs: limits.firstPauseMs, longestMs: limits.longestPauseMs });
      log.debug({ err: error, tries, pauseMs }, 'trying again');
      await beforePause();
      // An asked-for stop ends the pause; the failure is then reported as it is.
      await clock.sleep(pauseMs, stop).catch(() => {
        throw error;
      });
    }
  }
}
