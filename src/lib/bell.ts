/** Wakes whoever waits for something to happen in this process. */
export interface Bell {
  ring(): void;
  /** From now on it is heard. */
  listen(): Listener;
}

export interface Listener {
  /** Until it rings, or has rung since the last time; at most as long as `sleep` takes. Never rejects. */
  wait(sleep: (signal: AbortSignal) => Promise<void>): Promise<void>;
  close(): void;
}

export function createBell(): Bell {
  const listeners = new Set<() => void>();
  return {
    ring() {
      for (const hear of listeners) hear();
    },
    listen() {
      let rung = new AbortController();
      const hear = () => rung.abort();
      listeners.add(hear);
      return {
        async wait(sleep) {
          if (!rung.signal.aborted) await sleep(rung.signal).catch(() => {});
          if (rung.signal.aborted) rung = new AbortController();
        },
        close: () => listeners.delete(hear),
      };
    },
  };
}
