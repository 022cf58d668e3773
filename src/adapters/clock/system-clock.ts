import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '../../ports/clock.ts';

/** The machine's own time. */
export function createSystemClock(): Clock {
  return {
    now: () => new Date(),
    monotonicMs: () => performance.now(),
    sleep: async (milliseconds, signal) => {
      signal?.throwIfAborted();
      try {
        await wait(milliseconds, undefined, signal ? { signal } : undefined);
      } catch (error) {
        // Node rejects with an AbortError of its own; the port promises the signal's reason.
        signal?.throwIfAborted();
        throw error;
      }
    },
  };
}
