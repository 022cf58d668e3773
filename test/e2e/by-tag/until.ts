/** How long a look rests: short at first, for clouds on this machine, then longer, for those that take minutes. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

export interface Patience {
  timeoutMs: number;
  /** Ends the waiting at once. */
  signal?: AbortSignal | undefined;
}

/**
 * Looks again and again until `look` gives something other than null.
 * @param what can follow "waited N s for": it is what the error says.
 */
export async function until<Found>(
  what: string,
  { timeoutMs, signal }: Patience,
  look: () => Promise<Found | null>,
): Promise<Found> {
  const endMs = performance.now() + timeoutMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.2, LONGEST_PAUSE_MS)) {
    signal?.throwIfAborted();
    const found = await look();
    if (found !== null) return found;
    if (performance.now() > endMs) throw new Error(`waited ${Math.round(timeoutMs / 1000)} s for ${what}`);
    await sleep(pauseMs, signal);
  }
}

/** Rejects with the signal's reason as soon as it is aborted. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
