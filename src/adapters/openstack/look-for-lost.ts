import { growingPauseMs } from '../../lib/growing-pause.ts';
import { ServiceError } from '../../model/errors.ts';
import type { Clock } from '../../ports/clock.ts';

/**
 * What a creation whose answer was lost may have made: looked for until it is there, or the time is up (null).
 * @param find one look, by a name that only this creation gives.
 */
export async function lookForLost<Found>(
  clock: Clock,
  totalSeconds: number,
  find: () => Promise<Found | null>,
  signal?: AbortSignal,
): Promise<Found | null> {
  const deadlineMs = clock.monotonicMs() + totalSeconds * 1000;
  for (let tries = 1; ; tries++) {
    const found = await find().catch((error: unknown) => {
      // The service may be restarting: that is often why the answer got lost.
      if (!(error instanceof ServiceError && error.retryable) || signal?.aborted) throw error;
      return null;
    });
    if (found) return found;
    const pauseMs = growingPauseMs(tries, { firstMs: 250, longestMs: 4_000 });
    if (clock.monotonicMs() + pauseMs > deadlineMs) return null;
    await clock.sleep(pauseMs, signal);
  }
}
