import type { Clock } from '../../../src/ports/clock.ts';

export interface FakeClock extends Clock {
  /** Lets time pass: wakes sleepers in order, and lets what they wake run on before the next. */
  advance(milliseconds: number): Promise<void>;
  /** Moves the wall clock alone, forwards or (negative) backwards, as an administrator or NTP does. */
  jumpWall(milliseconds: number): void;
  /** Milliseconds of each sleep that was begun. */
  readonly sleeps: readonly number[];
}

interface Sleeper {
  wakeAtMs: number;
  wake(): void;
}

/**
 * A clock that moves only when asked to.
 * @param options.autoAdvance true: a sleep takes no time and moves the clock on by itself.
 */
export function createFakeClock(options: { start?: string; autoAdvance?: boolean } = {}): FakeClock {
  const { start = '2026-11-22T12:00:00Z', autoAdvance = false } = options;
  let elapsedMs = 0;
  let wallMs = Date.parse(start);
  const sleepers = new Set<Sleeper>();
  const sleeps: number[] = [];

  const moveTo = (timeMs: number) => {
    wallMs += timeMs - elapsedMs;
    elapsedMs = timeMs;
  };
  /** All that is ready to run, promises and I/O that is already there, runs. */
  const settle = async () => {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  };

  return {
    sleeps,
    now: () => new Date(wallMs),
    monotonicMs: () => elapsedMs,
    jumpWall: (milliseconds) => {
      wallMs += milliseconds;
    },

    async sleep(milliseconds, signal) {
      signal?.throwIfAborted();
      sleeps.push(milliseconds);
      if (autoAdvance) {
        moveTo(elapsedMs + milliseconds);
        await settle();
        signal?.throwIfAborted();
        return;
      }
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const sleeper: Sleeper = { wakeAtMs: elapsedMs + milliseconds, wake: resolve };
      const stop = () => reject(signal?.reason);
      sleepers.add(sleeper);
      signal?.addEventListener('abort', stop, { once: true });
      try {
        await promise;
      } finally {
        sleepers.delete(sleeper);
        signal?.removeEventListener('abort', stop);
      }
    },

    async advance(milliseconds) {
      const endMs = elapsedMs + milliseconds;
      for (;;) {
        await settle();
        const next = [...sleepers].sort((a, b) => a.wakeAtMs - b.wakeAtMs)[0];
        if (!next || next.wakeAtMs > endMs) break;
        moveTo(next.wakeAtMs);
        sleepers.delete(next);
        next.wake();
      }
      moveTo(endMs);
      await settle();
    },
  };
}
