import { KilnError } from '../../model/errors.ts';
import type { JournalEntry, JsonObject, OperationReason } from '../../model/operation.ts';
import type { Flow } from './flow.ts';
import { withOutput } from './state.ts';

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
  /** The step that turned it around. */
  failed: string | null;
  /** Why the first step behind the point of no return was given up; null while none was. */
  owed: OperationReason | null;
}

/** A journal's first entry says which version of the flow began it; those of Kiln 0.2 and before say nothing: the first. */
function versionOf(entries: readonly JournalEntry[]): number {
  const first = entries.find((entry) => entry.kind === 'started');
  return first?.version ?? 1;
}

function ofVersion<Deps>(flow: Flow<Deps>, entries: readonly JournalEntry[]): Flow<Deps> | null {
  if (entries.length === 0) return flow;
  const version = versionOf(entries);
  return [flow, ...flow.older].find((one) => one.version === version) ?? null;
}

/**
 * A step, or version, of the journal that this Kiln's flow doesn't have: a journal written by a newer Kiln must not be
 * guessed at.
 */
export function unknownStep<Deps>(flow: Flow<Deps>, entries: readonly JournalEntry[]): string | null {
  const begun = ofVersion(flow, entries);
  if (!begun) return `of version ${versionOf(entries)}`;
  const names = new Set(begun.steps.map(({ name }) => name));
  return entries.find(({ step }) => !names.has(step))?.step ?? null;
}

/**
 * The flow as its journal goes on with it: in the version that began it, the newest where nothing was begun.
 * @throws INTERNAL where `unknownStep` finds one.
 */
export function flowOfJournal<Deps>(flow: Flow<Deps>, entries: readonly JournalEntry[]): Flow<Deps> {
  const begun = ofVersion(flow, entries);
  const unknown = unknownStep(flow, entries);
  if (begun && unknown === null) return begun;
  throw new KilnError('INTERNAL', `the journal knows a step ${unknown} that flow ${flow.name} does not have`, {
    advice: 'It was written by another version of Kiln: let that version finish the operation.',
  });
}

/** @param flow as of `flowOfJournal`. */
export function readPast<Deps>(flow: Flow<Deps>, input: JsonObject, entries: readonly JournalEntry[]): Past {
  const named = (kind: JournalEntry['kind']) =>
    new Set(entries.filter((entry) => entry.kind === kind).map(({ step }) => step));
  const left = entries.filter((entry) => entry.kind === 'left');
  const failed = entries.find((entry) => entry.kind === 'failed');
  const scopes = new Map(flow.steps.map(({ name, scope }) => [name, scope]));
  return {
    state: entries.reduce(
      (state, entry) => (entry.kind === 'done' ? withOutput(state, scopes.get(entry.step), entry.output) : state),
      input,
    ),
    started: named('started'),
    done: named('done'),
    undone: named('undone'),
    stuck: named('stuck'),
    stuckSince: entries.find((entry) => entry.kind === 'stuck')?.at ?? null,
    left: named('left'),
    reason: failed?.reason ?? null,
    failed: failed?.step ?? null,
    owed: failed ? null : (left[0]?.reason ?? null),
  };
}
