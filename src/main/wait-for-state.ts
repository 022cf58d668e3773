import { growingPauseMs } from '../lib/growing-pause.ts';
import { KilnError } from '../model/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { State } from './state.ts';

const PAUSES = { firstMs: 500, longestMs: 15_000 };

/**
 * Opens the state; a database that is not there yet, as after a power cut, is waited for, with a line in the log for each try.
 * @returns null when `signal` was aborted before it came.
 * @throws STATE_UNUSABLE for what waiting can't cure: a password, a name, a certificate, tables of an incompatible version.
 */
export async function waitForState(
  open: () => Promise<State>,
  { clock, log, signal }: { clock: Clock; log: Log; signal: AbortSignal },
): Promise<State | null> {
  for (let tries = 1; !signal.aborted; tries++) {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof KilnError) || error.code !== 'STATE_UNUSABLE' || !error.retryable) throw error;
      const pauseMs = growingPauseMs(tries, PAUSES);
      log.warn({ err: error, pauseMs }, 'the database is not there yet; it is tried again');
      await clock.sleep(pauseMs, signal).catch(() => {});
    }
  }
  return null;
}
