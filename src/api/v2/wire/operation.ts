import type { AbortedOperation, JournalEntry, Operation } from '../../../model/operation.ts';
import { wireTime } from './common.ts';

export function operationToWire(operation: Operation) {
  const { id, flow, subject, status, priority, worker, reason, input } = operation;
  const { loadBalancerId } = input;
  return {
    id,
    flow,
    // What it is about is a load balancer, or an amphora of none.
    loadbalancer_id: typeof loadBalancerId === 'string' ? loadBalancerId : null,
    subject,
    status,
    priority,
    worker,
    reason,
    created_at: wireTime(operation.createdAt),
    updated_at: wireTime(operation.updatedAt),
  };
}

export function operationWithJournalToWire(operation: Operation, entries: readonly JournalEntry[]) {
  return {
    ...operationToWire(operation),
    journal: entries.map((entry) => ({
      step: entry.step,
      kind: entry.kind,
      reason: 'reason' in entry ? entry.reason : null,
      message: entry.kind === 'note' ? entry.message : null,
      leftovers: entry.kind === 'left' ? entry.leftovers : [],
    })),
  };
}

export function abortedToWire(aborted: AbortedOperation) {
  return { ...operationToWire(aborted), last_worker: aborted.lastWorker, leftovers: aborted.leftovers };
}
