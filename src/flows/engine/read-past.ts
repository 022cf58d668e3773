import { KilnError } from '../../model/errors.ts';
import type { JournalEntry, JsonObject, OperationReason } from '../../model/operation.ts';
import type { Flow } from './flow.ts';

/** Where a journal says a flow is. */
export interface Past {
  /** The input, with what the steps gave. */
  state: JsonObject;
  started: ReadonlySet<string>;
  done: ReadonlySet<string>;
  undone: ReadonlySet<string>;
  /** Steps that could not be finished for some time. */
  stuck: ReadonlySet<string>;
  /** Since when, the first of them. */
  stuckSince: string | null;
  /** Steps that were given up. */
  left: ReadonlySet<string>;
  /** Set once the flow has been turned around. */
  reason: OperationReason | null;
  /** Why the first step behind the point of no return was given up; null while none was. */
  owed: OperationReason | null;
}

/** A step of the journal that this version's flow doesn't have: a journal written by a newer Kiln must not be guessed at. */
export function unknownStep<Deps>(flow: Flow<Deps>, entries: readonly JournalEntry[]): string | null {
  const names = new Set(flow.steps.map(({ name }) => name));
  return entries.find(({ step }) => !names.has(step))?.step ?? null;
}

/** @throws INTERNAL where `unknownStep` finds one. */
export function readPast<Deps>(flow: Flow<Deps>, input: JsonObject, entries: readonly JournalEntry[]): Past {
  const unknown = unknownStep(flow, entries);
  if (unknown !== null) {
    throw new KilnError('INTERNAL', `the journal knows a step ${unknown} that flow ${flow.name} does not have`, {
      advice: 'It was written by another version of Kiln: let that version finish the operation.',
    });
  }
  const named = (kind: JournalEntry['kind']) =>
    new Set(entries.filter((entry) => entry.kind === kind).map(({ step }) => step));
  const left = entries.filter((entry) => entry.kind === 'left');
  const failed = entries.findLast((entry) => entry.kind === 'failed');
  return {
    state: Object.assign({}, input, ...entries.map((entry) => (entry.kind === 'done' ? entry.output : {}))),
    started: named('started'),
    done: named('done'),
    undone: named('undone'),
    stuck: named('stuck'),
    stuckSince: entries.find((entry) => entry.kind === 'stuck')?.at ?? null,
    left: named('left'),
    reason: failed?.reason ?? null,
    owed: failed ? null : (left[0]?.reason ?? null),
  };
}
