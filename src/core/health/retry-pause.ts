import { growingPauseMs } from '../../lib/growing-pause.ts';

const LONGEST_PAUSE_MS = 15 * 60_000;

/**
 * How long an amphora that could not be replaced is left alone: one heartbeat timeout, then twice as long each time, up to
 * a quarter of an hour.
 * @param attempts how often it was tried, from 1.
 */
export function retryPauseMs(attempts: number, heartbeatTimeoutMs: number): number {
  return growingPauseMs(attempts, {
    firstMs: heartbeatTimeoutMs,
    longestMs: Math.max(LONGEST_PAUSE_MS, heartbeatTimeoutMs),
  });
}
