import { growingPauseMs } from '../../lib/growing-pause.ts';
import { ServiceError } from '../../model/errors.ts';
import type { Clock } from '../../ports/clock.ts';

/** Of the last look, too: an answer takes its time. */
const LEAST_LOOK_MS = 1_000;

/**
 * What a creation whose answer was lost may have made: looked for until it is there, or the time is up.
 * @param find one look, by a name that only this creation gives; its signal ends it when the time is up, at the earliest after a second.
 * @returns null when it is not there, as at least one look was told.
 * @throws the error of the last look when none was answered: whether it is there is as unknown as before.
 */
export async function lookForLost<Found>(
  clock: Clock,
  totalSeconds: number,
  find: (signal: AbortSignal) => Promise<Found | null>,
  signal?: AbortSignal,
): Promise<Found | null> {
  const deadlineMs = clock.monotonicMs() + totalSeconds * 1000;
  let isAnswered = false;
  for (let tries = 1; ; tries++) {
    // Whole milliseconds, or it throws: a real clock has fractions of them.
    const limit = AbortSignal.timeout(Math.ceil(Math.max(LEAST_LOOK_MS, deadlineMs - clock.monotonicMs())));
    let failure: unknown = null;
    try {
      const found = await find(signal ? AbortSignal.any([signal, limit]) : limit);
      if (found) return found;
      isAnswered = true;
    } catch (error) {
      // The service may be restarting: that is often why the answer got lost.
      const mayPass = limit.aborted || (error instanceof ServiceError && error.retryable);
      if (!mayPass || signal?.aborted) throw error;
      failure = error;
    }
    const pauseMs = growingPauseMs(tries, { firstMs: 250, longestMs: 4_000 });
    if (limit.aborted || clock.monotonicMs() + pauseMs >= deadlineMs) {
      if (isAnswered) return null;
      throw failure;
    }
    await clock.sleep(pauseMs, signal);
  }
}
