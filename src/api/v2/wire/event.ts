import type { KilnEvent } from '../../../model/event.ts';

export function kilnEventToWire(event: KilnEvent) {
  const { id, atMs, source, kind, actor, loadBalancerId, releaseId, operationId, reason, data } = event;
  return {
    id,
    at: new Date(atMs).toISOString(),
    source,
    kind,
    actor,
    load_balancer_id: loadBalancerId,
    release_id: releaseId,
    operation_id: operationId,
    reason,
    data,
  };
}
