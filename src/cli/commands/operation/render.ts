import type { JournalEntry, Leftover, Operation, OperationStatus } from '../../../model/operation.ts';
import { formatAge, formatAgeShort } from '../../format/duration.ts';
import { type Column, renderFields, renderTable } from '../../output/table.ts';
import type { View } from '../../output/view.ts';

const colours = { queued: 'dim', running: 'cyan', undoing: 'yellow', done: 'green', undone: 'red' } as const;
const paintStatus = (view: Pick<View, 'paint'>, status: OperationStatus, text: string = status) =>
  view.paint(colours[status], text);

/** @param unknown of those that this version of Kiln doesn't know, by ID. */
export function renderOperations(
  operations: readonly Operation[],
  unknown: ReadonlyMap<string, string>,
  view: View,
): string {
  const columns: Column<Operation>[] = [
    { title: 'ID', value: ({ id }) => id },
    { title: 'STATUS', value: ({ status }) => status, paint: (text, { status }, on) => paintStatus(on, status, text) },
    { title: 'FLOW', value: ({ flow }) => flow },
    { title: 'LOAD BALANCER', value: ({ subject }) => subject, minimum: 12, cut: 'middle', drop: 2 },
    {
      title: 'REASON',
      value: ({ id, reason }) => (unknown.has(id) ? 'unknown to this version' : (reason?.code ?? '-')),
      drop: 3,
    },
    { title: 'AGE', value: ({ createdAt }) => formatAgeShort(createdAt, view.now), align: 'right', drop: 1 },
  ];
  return renderTable(columns, operations, view);
}

/** What an operation has left in the cloud, as a list for operators; null when nothing is known to be. */
export function renderLeftovers(leftovers: readonly Leftover[], view: Pick<View, 'paint'>): string | null {
  if (leftovers.length === 0) return null;
  const width = Math.max(...leftovers.map(({ kind }) => kind.length));
  const lines = leftovers.map(({ kind, id, name }) =>
    ['', kind.padEnd(width), id ?? '(ID unknown)', ...(name === null ? [] : [name])].join('  '),
  );
  return [view.paint('bold', 'Left behind'), ...lines].join('\n');
}

/**
 * An operation with what its journal says, step by step.
 * @param unknown what of it this version of Kiln doesn't have, when nobody has brought it further for long.
 */
export function renderOperation(
  operation: Operation,
  entries: readonly JournalEntry[],
  unknown: string | null,
  view: View,
): string {
  const { id, flow, subject, status, reason, worker, createdAt, updatedAt } = operation;
  const fields = renderFields(
    [
      ['Operation', id],
      ['Flow', flow],
      ['Load balancer', subject],
      ['Status', paintStatus(view, status) + (unknown === null ? '' : `, unknown to this version: ${unknown}`)],
      ['To end it', unknown === null ? null : `kiln operation abort ${id}`],
      ['Reason', reason?.message],
      ['What to do', reason?.advice],
      ['Code', reason?.code],
      ['Worker', worker],
      ['Asked for', `${createdAt} (${formatAge(createdAt, view.now)})`],
      ['Last change', `${updatedAt} (${formatAge(updatedAt, view.now)})`],
    ],
    view,
  );
  const steps = stepsOf(entries);
  if (steps.length === 0) return fields;
  const width = Math.max(...steps.map(({ name }) => name.length));
  const marks = { done: '✓', failed: '✗', started: '…', undone: '↶', stuck: '…', left: '✗' } as const;
  const lines = steps.map(({ name, state }) => `  ${marks[state]} ${name.padEnd(width)}  ${state}`);
  const open = new Set(steps.filter(({ state }) => state === 'stuck').map(({ name }) => name));
  const why = entries.flatMap((entry) =>
    entry.kind === 'left' || (entry.kind === 'stuck' && open.has(entry.step))
      ? [`  ${marks[entry.kind]} ${entry.step}: ${entry.reason.message}`]
      : [],
  );
  const left = renderLeftovers(
    entries.flatMap((entry) => (entry.kind === 'left' ? entry.leftovers : [])),
    view,
  );
  const notes = entries.flatMap((entry) => (entry.kind === 'note' ? [`  ${entry.step}: ${entry.message}`] : []));
  return [
    fields,
    view.paint('bold', 'Steps'),
    ...lines,
    ...(notes.length === 0 ? [] : [view.paint('bold', 'Notes'), ...notes]),
    ...(why.length === 0 ? [] : [view.paint('bold', 'What could not be finished'), ...why]),
    ...(left === null ? [] : [left]),
  ].join('\n');
}

type StepState = Exclude<JournalEntry['kind'], 'note'>;

/** Each step in the order in which it was started, with the last that is known of it. */
export function stepsOf(entries: readonly JournalEntry[]): { name: string; state: StepState }[] {
  const states = new Map<string, StepState>();
  for (const { step, kind } of entries) if (kind !== 'note') states.set(step, kind);
  return [...states].map(([name, state]) => ({ name, state }));
}
