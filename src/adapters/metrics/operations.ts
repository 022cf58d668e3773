import { Counter, type Registry } from 'prom-client';
import { type Operation, REPAIR_PRIORITY } from '../../model/operation.ts';
import type { Clock } from '../../ports/clock.ts';

const labelNames = ['flow', 'status', 'cause'];

/** @returns counts an operation that this process has brought to its end. */
export function endedOperationMetrics(
  registry: Registry,
  clock: Pick<Clock, 'now'>,
): (operation: Pick<Operation, 'flow' | 'priority' | 'createdAt'>, status: 'done' | 'undone') => void {
  const ended = new Counter({
    name: 'kiln_operations_ended_total',
    help: 'Operations that this worker brought to their end, by flow and status (done, undone); cause is silence for those that follow from silent amphorae.',
    labelNames,
    registers: [registry],
  });
  const seconds = new Counter({
    name: 'kiln_operations_ended_seconds_total',
    help: 'Seconds that these operations took, from being asked for to their end, in all.',
    labelNames,
    registers: [registry],
  });
  return ({ flow, priority, createdAt }, status) => {
    const labels = { flow, status, cause: priority >= REPAIR_PRIORITY ? 'silence' : 'request' };
    ended.inc(labels);
    // Clocks of hosts differ: what was asked for in the future took no time.
    seconds.inc(labels, Math.max(0, (clock.now().getTime() - Date.parse(createdAt)) / 1000));
  };
}
