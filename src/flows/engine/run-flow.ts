import { KilnError, toKilnError } from '../../model/errors.ts';
import type { JournalEntry, JsonObject, OperationReason } from '../../model/operation.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ClaimedOperation, Journal } from '../../ports/journal.ts';
import type { Log } from '../../ports/log.ts';
import type { Flow, Step, StepRun } from './flow.ts';

export interface RetryLimits {
  /** Tries of a step whose error says that trying again may help, the first one included. */
  attempts: number;
  firstPauseMs: number;
  longestPauseMs: number;
}

export interface EngineParts {
  journal: Journal;
  clock: Clock;
  log: Log;
  /** Going forward: soon given up, for then it is undone. */
  doing: RetryLimits;
  /** Going back: patient, for there is nothing else to be done. */
  undoing: RetryLimits;
}

/** released: not ended; whoever claims it next goes on from the journal. */
export type FlowEnd = 'done' | 'undone' | 'released';

/**
 * Carries an operation on from wherever its journal says it is, to its end: done, or undone with the reason.
 * Each step is journalled before the next one starts. When `stop` is aborted the running step ends, and the operation
 * is released. An undoing that can't be finished now is released as well.
 * @throws FENCED when another worker has claimed the operation: nothing more was written or done.
 */
export async function runFlow<Parts>(
  flow: Flow<Parts>,
  parts: Parts,
  claimed: ClaimedOperation,
  engine: EngineParts,
  stop: AbortSignal,
): Promise<FlowEnd> {
  const { journal, log } = engine;
  const { id, fence, input } = claimed.operation;
  const past = readJournal(flow, input, claimed.entries);
  const run: StepRun = {
    operationId: id,
    fence,
    priority: claimed.operation.priority,
    resumed: false,
    reason: null,
    stop,
    note: (message) => log.info({ operation: id, flow: flow.name }, message),
  };
  /** That a step is done is written together with the start of the next one: nothing happens in between. */
  let unwritten: JournalEntry[] = [];
  const record = async (entry: JournalEntry) => {
    await journal.record(id, fence, ...unwritten, entry);
    unwritten = [];
  };
  let { state, reason } = past;
  const started = new Set(past.started);

  for (const [index, step] of flow.steps.entries()) {
    if (reason) break;
    if (past.done.has(step.name)) continue;
    if (stop.aborted) return await release();
    if (!started.has(step.name)) await record({ kind: 'started', step: step.name });
    started.add(step.name);
    const committed = index >= flow.pointOfNoReturn;
    try {
      const limits = committed ? engine.undoing : engine.doing;
      const output = await persistently(engine, limits, stop, () =>
        step.do(parts, state, { ...run, resumed: past.started.has(step.name) }),
      );
      unwritten.push({ kind: 'done', step: step.name, output });
      state = { ...state, ...output };
    } catch (thrown) {
      const error = toKilnError(thrown);
      if (error.code === 'FENCED') throw error;
      if (stop.aborted && error.retryable) return await release();
      if (committed) {
        log.error({ operation: id, flow: flow.name, step: step.name, err: error }, 'a step that is owed fails for now');
        return await release();
      }
      log.warn({ operation: id, flow: flow.name, step: step.name, err: error }, 'a step failed; the flow is undone');
      const { code, message, advice } = error;
      reason = { code, message, advice };
      await record({ kind: 'failed', step: step.name, reason });
    }
  }
  if (!reason) {
    await journal.finish(id, fence, 'done', ...unwritten);
    return 'done';
  }

  for (const step of flow.steps.toReversed()) {
    if (!started.has(step.name) || past.undone.has(step.name)) continue;
    if (stop.aborted) return await release();
    try {
      await persistently(engine, engine.undoing, stop, () => undo(step));
      await record({ kind: 'undone', step: step.name });
    } catch (thrown) {
      const error = toKilnError(thrown);
      if (error.code === 'FENCED') throw error;
      log.error({ operation: id, flow: flow.name, step: step.name, err: error }, 'a step can not be undone now');
      return await release();
    }
  }
  await journal.finish(id, fence, { undone: reason });
  return 'undone';

  async function undo(step: Step<Parts, JsonObject, JsonObject>): Promise<void> {
    await step.undo?.(parts, state, { ...run, reason });
  }

  async function release(): Promise<FlowEnd> {
    if (unwritten.length > 0) await journal.record(id, fence, ...unwritten);
    await journal.release(id, fence);
    return 'released';
  }
}

interface Past {
  state: JsonObject;
  started: ReadonlySet<string>;
  done: ReadonlySet<string>;
  undone: ReadonlySet<string>;
  /** Set once the flow has been turned around. */
  reason: OperationReason | null;
}

/**
 * Where a journal says the flow is.
 * @throws INTERNAL for a step that the flow doesn't have: a journal written by a newer Kiln must not be guessed at.
 */
function readJournal<Parts>(flow: Flow<Parts>, input: JsonObject, entries: readonly JournalEntry[]): Past {
  const names = new Set(flow.steps.map((step) => step.name));
  const started = new Set<string>();
  const done = new Set<string>();
  const undone = new Set<string>();
  let state = input;
  let reason: OperationReason | null = null;
  for (const entry of entries) {
    if (!names.has(entry.step)) {
      throw new KilnError('INTERNAL', `the journal knows a step ${entry.step} that flow ${flow.name} does not have`, {
        advice: 'It was written by another version of Kiln: let that version finish the operation.',
      });
    }
    if (entry.kind === 'started') started.add(entry.step);
    if (entry.kind === 'undone') undone.add(entry.step);
    if (entry.kind === 'failed') reason = entry.reason;
    if (entry.kind === 'done') {
      done.add(entry.step);
      state = { ...state, ...entry.output };
    }
  }
  return { state, started, done, undone, reason };
}

/** Tries again, with growing pauses, what may succeed when tried again. */
async function persistently<Result>(
  { clock, log }: EngineParts,
  limits: RetryLimits,
  stop: AbortSignal,
  attempt: () => Promise<Result>,
): Promise<Result> {
  let pauseMs = limits.firstPauseMs;
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (thrown) {
      const error = toKilnError(thrown);
      if (!error.retryable || tries >= limits.attempts || stop.aborted) throw error;
      log.debug({ err: error, tries, pauseMs }, 'trying again');
      // An asked-for stop ends the pause; the failure is then told as it is.
      await clock.sleep(pauseMs, stop).catch(() => {
        throw error;
      });
      pauseMs = Math.min(pauseMs * 2, limits.longestPauseMs);
    }
  }
}
