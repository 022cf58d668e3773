import { KilnError } from '../model/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { State } from './state.ts';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

/**
 * Opens the state; a database that is not there yet, as after a power cut, is waited for, with a line in the log for each try.
 * @returns null when `signal` was aborted before it came.
 * @throws STATE_UNUSABLE for what waiting can't cure: a password, a name, a certificate, tables of an incompatible version.
 */
export async function waitForState(
  open: () => Promise<State>,
  { clock, log, signal }: { clock: Clock; log: Log; signal: AbortSignal },
): Promise<State | null> {
  for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof KilnError) || error.code !== 'STATE_UNUSABLE' || !error.retryable) throw error;
      log.warn({ err: error, pauseMs }, 'the database is not there yet; it is tried again');
      await clock.sleep(pauseMs, signal).catch(() => {});
    }
  }
  return null;
}
