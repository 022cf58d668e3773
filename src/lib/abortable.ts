/**
 * Waits for `promise`, but no longer than until `signal` fires. The promise itself goes on: others may wait for it too.
 * @throws what `onAbort` makes of the signal's reason; the reason itself by default.
 */
export async function abortable<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  onAbort: (reason: unknown) => unknown = (reason) => reason,
): Promise<T> {
  if (!signal) return promise;
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const stop = () => reject(onAbort(signal.reason));
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  try {
    // The loser of a race is heard by it: its failure is never unhandled.
    return await Promise.race([stopped, promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
