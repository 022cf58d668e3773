import { type KilnError, toKilnError } from '../../model/errors.ts';
import type { JournalEntry, JsonObject, OperationReason } from '../../model/operation.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ClaimedOperation, Journal } from '../../ports/journal.ts';
import type { Log } from '../../ports/log.ts';
import type { Flow, Step, StepRun } from './flow.ts';
import { givesUp } from './give-up.ts';
import { readPast } from './read-past.ts';

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
 * Each step is journalled before the next one starts. When `stop` is aborted the running step ends, and the operation
 * is released. An undoing, or a step behind the point of no return, that can't be finished now is released as well, until
 * it is given up (give-up.ts): the others are still done, and the operation ends as undone.
 * @throws FENCED when another worker has claimed the operation: nothing more was written or done.
 */
export async function runFlow<Deps>(
  flow: Flow<Deps>,
  deps: Deps,
  claimed: ClaimedOperation,
  engine: EngineDeps,
  stop: AbortSignal,
): Promise<FlowEnd> {
  const { journal, log } = engine;
  const { id, fence, input } = claimed.operation;
  const past = readPast(flow, input, claimed.entries);
  const started = new Set(past.started);
  const stuck = new Set(past.stuck);
  let { state, reason, owed, stuckSince } = past;
  let gaveUp = past.left.size > 0;
  const isOver = ({ name }: { name: string }) => past.left.has(name);
  const run = (): StepRun => ({
    operationId: id,
    fence,
    priority: claimed.operation.priority,
    resumed: false,
    again: true,
    reason,
    gaveUp,
    stop,
    note: (message) => log.info({ operation: id, flow: flow.name }, message),
  });
  /** What need not be known before the next step starts is written together with that: nothing happens in between. */
  let unwritten: JournalEntry[] = [];
  const record = async (entry: JournalEntry) => {
    await journal.record(id, fence, ...unwritten, entry);
    unwritten = [];
  };

  for (const [index, step] of flow.steps.entries()) {
    if (reason) break;
    if (past.done.has(step.name) || isOver(step)) continue;
    if (stop.aborted) return await release();
    if (step.settle) {
      // Nothing is done but with the end, below.
      unwritten.push({ kind: 'started', step: step.name }, { kind: 'done', step: step.name, output: {} });
      continue;
    }
    if (!started.has(step.name)) await record({ kind: 'started', step: step.name });
    started.add(step.name);
    const committed = index >= flow.pointOfNoReturn;
    try {
      const resumed = past.started.has(step.name);
      let tries = 0;
      const attempt = () => step.do(deps, state, { ...run(), resumed, again: resumed || tries++ > 0 });
      const output = await (committed
        ? persistently(engine, engine.undoing, stop, attempt, (error) => isHopeless(step, error))
        : persistently(engine, engine.doing, stop, attempt));
      unwritten.push({ kind: 'done', step: step.name, output });
      state = { ...state, ...output };
    } catch (thrown) {
      const error = toKilnError(thrown);
      if (error.code === 'FENCED') throw error;
      if (stop.aborted && error.retryable) return await release();
      if (committed) {
        if (!(await isGivenUp(step, error))) return await release();
        owed ??= reasonOf(error);
        continue;
      }
      log.warn({ operation: id, flow: flow.name, step: step.name, err: error }, 'a step failed; the flow is undone');
      reason = reasonOf(error);
      await record({ kind: 'failed', step: step.name, reason });
    }
  }
  if (!reason && !owed) {
    const settlement = (await flow.steps.at(-1)?.settle?.(deps, state, run())) ?? null;
    await journal.finish(id, fence, 'done', { entries: unwritten, settlement });
    return 'done';
  }

  for (const step of reason ? flow.steps.toReversed() : []) {
    if (!started.has(step.name) || past.undone.has(step.name) || isOver(step)) continue;
    if (step.undo) {
      if (stop.aborted) return await release();
      try {
        await persistently(
          engine,
          engine.undoing,
          stop,
          () => undo(step),
          (error) => isHopeless(step, error),
        );
      } catch (thrown) {
        const error = toKilnError(thrown);
        if (error.code === 'FENCED') throw error;
        if ((stop.aborted && error.retryable) || !(await isGivenUp(step, error))) return await release();
        continue;
      }
    }
    unwritten.push({ kind: 'undone', step: step.name });
    if (step.undo) await flush();
  }
  reason ??= owed;
  const [first] = flow.steps;
  // Kiln 0.1 settled in the step itself, before the end.
  const isSettled = first !== undefined && past.undone.has(first.name);
  const settlement = (!isSettled && (await first?.settleUndone?.(deps, state, run()))) || null;
  await journal.finish(id, fence, { undone: reason as OperationReason }, { entries: unwritten, settlement });
  return 'undone';

  async function undo(step: Step<Deps, JsonObject, JsonObject>): Promise<void> {
    await step.undo?.(deps, state, run());
  }

  /** Of a step that has to be finished and has just failed: whether it is of no use to go on. Its first failure is noted. */
  async function isHopeless({ name }: { name: string }, error: KilnError): Promise<boolean> {
    if (givesUp(error, stuckSince, engine)) return true;
    if (stuck.has(name) || error.code === 'STATE_UNUSABLE') return false;
    const at = engine.clock.now().toISOString();
    await record({ kind: 'stuck', step: name, at, reason: reasonOf(error) });
    stuck.add(name);
    stuckSince ??= at;
    return false;
  }

  /** Of one that can't be finished now: whether it is passed over from now on. */
  async function isGivenUp(step: Step<Deps, JsonObject, JsonObject>, error: KilnError): Promise<boolean> {
    const about = { operation: id, flow: flow.name, step: step.name, err: error };
    if (!(await isHopeless(step, error))) {
      log.error(about, 'a step that has to be finished fails for now; it is tried again later');
      return false;
    }
    const leftovers = (await step.leaves?.(deps, state)) ?? [];
    await record({ kind: 'left', step: step.name, reason: reasonOf(error), leftovers });
    gaveUp = true;
    log.error({ ...about, leftovers }, 'a step that has to be finished is given up; what is named stays behind');
    return true;
  }

  async function flush(): Promise<void> {
    if (unwritten.length > 0) await journal.record(id, fence, ...unwritten);
    unwritten = [];
  }

  async function release(): Promise<FlowEnd> {
    await flush();
    await journal.release(id, fence);
    return 'released';
  }
}

function reasonOf({ code, message, advice }: KilnError): OperationReason {
  return { code, message, advice };
}

/**
 * Tries again, with growing pauses, what may succeed when tried again.
 * @param isHopeless asked after each failure: whether it is not tried again all the same.
 */
async function persistently<Result>(
  { clock, log }: EngineDeps,
  limits: RetryLimits,
  stop: AbortSignal,
  attempt: () => Promise<Result>,
  isHopeless: (error: KilnError) => Promise<boolean> = async () => false,
): Promise<Result> {
  let pauseMs = limits.firstPauseMs;
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (thrown) {
      const error = toKilnError(thrown);
      if (!error.retryable || tries >= limits.attempts || stop.aborted || (await isHopeless(error))) throw error;
      log.debug({ err: error, tries, pauseMs }, 'trying again');
      // An asked-for stop ends the pause; the failure is then reported as it is.
      await clock.sleep(pauseMs, stop).catch(() => {
        throw error;
      });
      pauseMs = Math.min(pauseMs * 2, limits.longestPauseMs);
    }
  }
}
