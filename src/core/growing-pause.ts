const FIRST_MS = 5_000;
const LONGEST_MS = 60_000;

/**
 * How long to leave alone what could not be finished: 5 s, 10 s, 20 s … 60 s.
 * @param tries how often it has been tried so far, from 1.
 */
export function growingPauseMs(tries: number): number {
  return Math.min(FIRST_MS * 2 ** Math.max(0, tries - 1), LONGEST_MS);
}
