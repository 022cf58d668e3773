/** Of operations that are tried again. */
const usual = { firstMs: 5_000, longestMs: 60_000 };

/**
 * How long to leave alone what could not be finished: twice as long each time, such as 5 s, 10 s, 20 s … 60 s.
 * @param tries how often it has been tried so far, from 1.
 */
export function growingPauseMs(tries: number, { firstMs, longestMs } = usual): number {
  return Math.min(firstMs * 2 ** Math.max(0, tries - 1), longestMs);
}
