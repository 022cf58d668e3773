import { lost } from '../core/operations/settlement.ts';
import type { LoadBalancerTree } from '../model/load-balancer.ts';
import type { OperationReason } from '../model/operation.ts';
import type { Clock } from '../ports/clock.ts';
import type { Settlement } from '../ports/load-balancer-store.ts';
import type { Log } from '../ports/log.ts';
import type { Orphan, Orphans } from '../ports/orphans.ts';

interface OrphanDeps {
  orphans: Orphans;
  clock: Clock;
  log: Log;
}

/** A change and its operation are written together, and end together: this is for nodes of a database that lag. */
export const orphanGraceMs = 60_000;
/** In one go; the next one takes the others. */
const AT_ONCE = 100;

const reason: OperationReason = {
  code: 'OPERATION_LOST',
  message: 'the load balancer was pending, and no operation was about it',
  advice: 'Fail the load balancer over, or delete it.',
};

const settlementOf = (tree: LoadBalancerTree): Settlement => ({
  loadBalancerId: tree.loadBalancer.id,
  ...lost(tree),
  reason,
});

/**
 * Settles load balancers that are PENDING for ever: in ERROR, from where they can be failed over and deleted.
 * @returns one look, to be taken now and then; what is found is settled when a later one finds it unchanged.
 */
export function createOrphanSweep({ orphans, clock, log }: OrphanDeps): () => Promise<{
  waiting: number;
  settled: number;
}> {
  let seen = new Map<string, Orphan & { sinceMs: number }>();

  return async () => {
    const found = await orphans.find(AT_ONCE);
    const nowMs = clock.monotonicMs();
    seen = new Map(
      found.map((orphan) => {
        const before = seen.get(orphan.loadBalancerId);
        const isKnown = before?.revision === orphan.revision;
        return [orphan.loadBalancerId, isKnown ? before : { ...orphan, sinceMs: nowMs }];
      }),
    );
    let settled = 0;
    for (const orphan of seen.values()) {
      if (nowMs - orphan.sinceMs < orphanGraceMs || !(await orphans.settle(orphan, settlementOf))) continue;
      settled++;
      log.error(
        { loadBalancer: orphan.loadBalancerId },
        'a load balancer was PENDING with no operation: it is in ERROR',
      );
    }
    return { waiting: seen.size - settled, settled };
  };
}
