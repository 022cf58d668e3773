/** Of one address, and of all together, in a minute. */
const MOST_OF_ADDRESS = 20;
const MOST_IN_ALL = 200;
/** At once: each waits for Keystone. */
const MOST_AT_ONCE = 8;
const WINDOW_MS = 60_000;

/** Bounds how often signing in is tried: a guesser is slowed down, and Keystone is not flooded through here. */
export interface AttemptLimit {
  /** @returns what ends the attempt, or after how many seconds it may be tried again. */
  begin(address: string): { end(): void } | { retryAfterSeconds: number };
}

/** @param nowMs monotonic. */
export function createAttemptLimit(nowMs: () => number): AttemptLimit {
  let startedAtMs = nowMs();
  let inAll = 0;
  let atOnce = 0;
  // Never more entries than attempts are let in within a window.
  const ofAddress = new Map<string, number>();

  return {
    begin(address) {
      const now = nowMs();
      if (now - startedAtMs >= WINDOW_MS) {
        startedAtMs = now;
        inAll = 0;
        ofAddress.clear();
      }
      if (atOnce >= MOST_AT_ONCE) return { retryAfterSeconds: 1 };
      const before = ofAddress.get(address) ?? 0;
      if (before >= MOST_OF_ADDRESS || inAll >= MOST_IN_ALL) {
        return { retryAfterSeconds: Math.ceil((startedAtMs + WINDOW_MS - now) / 1000) };
      }
      inAll++;
      atOnce++;
      ofAddress.set(address, before + 1);
      let ended = false;
      return {
        end() {
          if (!ended) atOnce--;
          ended = true;
        },
      };
    },
  };
}
