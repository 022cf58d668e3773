import { KilnError } from '../../model/errors.ts';

/** Places for amphorae that are being built: [haproxy_amphora] build_rate_limit of them in this process. */
export interface BuildSlots {
  /**
   * Waits for a place; who waits with a higher priority gets the next one. An operation that has one gets it at once.
   * @returns whether it got one just now: what it knew before it waited may be old.
   * @throws SERVICE_LIMIT when the worker is to stop: those who have the places may be at rest already.
   */
  acquire(operationId: string, priority: number, stop: AbortSignal): Promise<boolean>;
  /** Gives the operation's place back, or its place in the queue. Idempotent. */
  release(operationId: string): void;
}

/** @param limit read at each turn; -1: any number. */
export function createBuildSlots(limit: () => number): BuildSlots {
  const holders = new Set<string>();
  let waiting: { operationId: string; priority: number; admit: () => void }[] = [];

  function admitNext(): void {
    while (waiting.length > 0 && (limit() < 0 || holders.size < limit())) {
      const next = waiting.reduce((best, one) => (one.priority > best.priority ? one : best));
      waiting = waiting.filter((one) => one !== next);
      holders.add(next.operationId);
      next.admit();
    }
  }

  function leave(operationId: string): void {
    waiting = waiting.filter((one) => one.operationId !== operationId);
  }

  return {
    async acquire(operationId, priority, stop) {
      if (holders.has(operationId)) return false;
      await new Promise<void>((resolve, reject) => {
        const giveUp = () => {
          leave(operationId);
          reject(new KilnError('SERVICE_LIMIT', 'the worker stops while this amphora waits to be built'));
        };
        const admit = () => {
          stop.removeEventListener('abort', giveUp);
          resolve();
        };
        waiting.push({ operationId, priority, admit });
        admitNext();
        if (holders.has(operationId)) return;
        if (stop.aborted) giveUp();
        else stop.addEventListener('abort', giveUp, { once: true });
      });
      return true;
    },
    release(operationId) {
      holders.delete(operationId);
      leave(operationId);
      admitNext();
    },
  };
}
