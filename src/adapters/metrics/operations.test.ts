import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { REPAIR_PRIORITY } from '../../model/operation.ts';
import { endedOperationMetrics } from './operations.ts';

it('counts operations by how they ended and why they were asked for, with their seconds', async () => {
  const registry = new Registry();
  const ended = endedOperationMetrics(registry, { now: () => new Date('2026-11-28T12:00:10Z') });
  const flow = 'failover-amphora';
  ended({ flow, priority: REPAIR_PRIORITY, createdAt: '2026-11-28T12:00:08.500Z' }, 'done');
  ended({ flow, priority: REPAIR_PRIORITY, createdAt: '2026-11-28T12:00:09Z' }, 'done');
  ended({ flow, priority: 0, createdAt: '2026-11-28T12:00:30Z' }, 'undone'); // By a clock that is fast.
  const text = await registry.metrics();
  for (const line of [
    'kiln_operations_ended_total{flow="failover-amphora",status="done",cause="silence"} 2',
    'kiln_operations_ended_seconds_total{flow="failover-amphora",status="done",cause="silence"} 2.5',
    'kiln_operations_ended_total{flow="failover-amphora",status="undone",cause="request"} 1',
    'kiln_operations_ended_seconds_total{flow="failover-amphora",status="undone",cause="request"} 0',
  ])
    expect(text).toContain(line);
});
