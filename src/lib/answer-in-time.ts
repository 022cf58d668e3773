/**
 * Asks with little patience: null when the answer has failed, or has not come in time. It is asked once at a time: one that hangs
 * is not asked beside, and whoever comes meanwhile waits for the same answer, each for no longer than the limit.
 */
export function answerInTime<Answer>(ask: () => Promise<Answer>, limitMs: number): () => Promise<Answer | null> {
  let asking: Promise<Answer | null> | null = null;
  return async () => {
    asking ??= Promise.resolve()
      .then(ask)
      .catch(() => null)
      .finally(() => {
        asking = null;
      });
    const { promise: tooLate, resolve } = Promise.withResolvers<null>();
    const timer = setTimeout(resolve, limitMs, null);
    try {
      return await Promise.race([asking, tooLate]);
    } finally {
      clearTimeout(timer);
    }
  };
}
