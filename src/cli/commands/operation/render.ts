import type { JournalEntry, Operation, OperationStatus } from '../../../model/operation.ts';
import { formatAge, formatAgeShort } from '../../format/duration.ts';
import { type Column, renderFields, renderTable } from '../../output/table.ts';
import type { View } from '../../output/view.ts';

const colours = { queued: 'dim', running: 'cyan', undoing: 'yellow', done: 'green', undone: 'red' } as const;
const paintStatus = (view: Pick<View, 'paint'>, status: OperationStatus, text: string = status) =>
  view.paint(colours[status], text);

export function renderOperations(operations: readonly Operation[], view: View): string {
  const columns: Column<Operation>[] = [
    { title: 'ID', value: ({ id }) => id },
    { title: 'STATUS', value: ({ status }) => status, paint: (text, { status }, on) => paintStatus(on, status, text) },
    { title: 'FLOW', value: ({ flow }) => flow },
    { title: 'LOAD BALANCER', value: ({ subject }) => subject, minimum: 12, cut: 'middle', drop: 2 },
    { title: 'REASON', value: ({ reason }) => reason?.code ?? '-', drop: 3 },
    { title: 'AGE', value: ({ createdAt }) => formatAgeShort(createdAt, view.now), align: 'right', drop: 1 },
  ];
  return renderTable(columns, operations, view);
}

/** An operation with what its journal says, step by step. */
export function renderOperation(operation: Operation, entries: readonly JournalEntry[], view: View): string {
  const { id, flow, subject, status, reason, worker, createdAt, updatedAt } = operation;
  const fields = renderFields(
    [
      ['Operation', id],
      ['Flow', flow],
      ['Load balancer', subject],
      ['Status', paintStatus(view, status)],
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
  return [fields, view.paint('bold', 'Steps'), ...lines].join('\n');
}

/** Each step in the order in which it was started, with the last that is known of it. */
export function stepsOf(entries: readonly JournalEntry[]): { name: string; state: JournalEntry['kind'] }[] {
  const states = new Map<string, JournalEntry['kind']>();
  for (const { step, kind } of entries) states.set(step, kind);
  return [...states].map(([name, state]) => ({ name, state }));
}
