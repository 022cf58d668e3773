import type { Clock } from '../../ports/clock.ts';

export interface Patience {
  /** Give up after this long. The probe is tried at least once, and once more at the very end. */
  totalMs: number;
  /** The first pause; each one after it is half as long again, up to the longest. */
  firstPauseMs: number;
  longestPauseMs: number;
  signal?: AbortSignal | undefined;
  /** Called before each pause. */
  beforePause?: (() => Promise<void>) | undefined;
}

/**
 * Probes until there is an answer. What is soon ready is soon seen, and what takes long is not asked often.
 * @param probe resolves to null while there is no answer; what it throws ends the wait.
 * @returns the answer, or null when patience ran out. Rejects with the signal's reason when aborted.
 */
export async function waitUntil<Answer>(
  clock: Clock,
  patience: Patience,
  probe: () => Promise<Answer | null>,
): Promise<Answer | null> {
  const { totalMs, longestPauseMs, signal, beforePause } = patience;
  const endMs = clock.monotonicMs() + totalMs;
  let pauseMs = Math.min(patience.firstPauseMs, longestPauseMs);
  for (;;) {
    signal?.throwIfAborted();
    const answer = await probe();
    if (answer !== null) return answer;
    const leftMs = endMs - clock.monotonicMs();
    if (leftMs <= 0) return null;
    await beforePause?.();
    await clock.sleep(Math.min(pauseMs, leftMs), signal);
    pauseMs = Math.min(pauseMs * 1.5, longestPauseMs);
  }
}
