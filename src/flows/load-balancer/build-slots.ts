/** Places for amphorae that are being built: [haproxy_amphora] build_rate_limit of them in this process. */
export interface BuildSlots {
  /** Waits for a place; who waits with a higher priority gets the next one. An operation that has one gets it at once. */
  acquire(operationId: string, priority: number): Promise<void>;
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

  return {
    async acquire(operationId, priority) {
      if (holders.has(operationId)) return;
      await new Promise<void>((admit) => {
        waiting.push({ operationId, priority, admit });
        admitNext();
      });
    },
    release(operationId) {
      holders.delete(operationId);
      waiting = waiting.filter((one) => one.operationId !== operationId);
      admitNext();
    },
  };
}
