import { setTimeout as sleep } from 'node:timers/promises';

/** What clients saw of a while. */
export interface LoadSeen {
  answered: number;
  /** The connection was reset: GET may be asked again at once, and clients do. */
  askedAgain: number;
  failed: number;
  longestGapMs: number;
}

/**
 * Clients that ask all the while, until `end`, each once more where it was not answered.
 * @param clients each asks once, and tells whether it was answered.
 */
export function startPatientLoad(clients: readonly (() => Promise<boolean>)[]): { end(): Promise<LoadSeen> } {
  const seen: LoadSeen = { answered: 0, askedAgain: 0, failed: 0, longestGapMs: 0 };
  let isOver = false;
  let lastMs = performance.now();
  const note = (isAnswered: boolean) => {
    if (!isAnswered) return false;
    const now = performance.now();
    seen.answered++;
    seen.longestGapMs = Math.max(seen.longestGapMs, Math.round(now - lastMs));
    lastMs = now;
    return true;
  };
  const goOn = async (ask: () => Promise<boolean>) => {
    while (!isOver) {
      if (!note(await ask())) {
        seen.askedAgain++;
        if (!note(await ask())) seen.failed++;
      }
      await sleep(20);
    }
  };
  const all = Promise.all(clients.map(goOn));
  return {
    async end() {
      isOver = true;
      await all;
      return seen;
    },
  };
}
