import { continueListening, type Listening, type ListeningBreak } from '../core/health/listening.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';

/** Why this process can't tell silence from not having listened. */
export type BreakReason = ListeningBreak | 'database' | 'recording';

/** Whether this process has listened for long enough to judge those whom it did not hear. */
export interface Listener {
  /** Looks at the clocks. */
  isAttentive(): boolean;
  restart(why: BreakReason): void;
  /** Looks at the clocks every second, so that no stop goes unseen. */
  keepWatch(signal: AbortSignal): Promise<void>;
}

const LOOK_EVERY_MS = 1_000;
const LONGEST_GAP_MS = 5_000;

const words: Readonly<Record<BreakReason, string>> = {
  start: 'it has just started',
  pause: 'it was stopped for a while',
  'clock-jump': 'its clock was set',
  database: 'the database could not be reached',
  recording: 'heartbeats could not be recorded',
};

/** @param options.listenMs how long to listen before judging: one heartbeat timeout. */
export function createListener(options: {
  clock: Clock;
  listenMs: () => number;
  isRecording: () => boolean;
  onBreak: (why: BreakReason) => void;
  log: Log;
}): Listener {
  const { clock, listenMs, isRecording, onBreak, log } = options;
  let listening: Listening | null = null;

  function look(): Listening {
    const reading = { monotonicMs: clock.monotonicMs(), wallMs: clock.now().getTime() };
    const next = continueListening(listening, reading, LONGEST_GAP_MS);
    listening = next.listening;
    if (next.broken !== null) noteBreak(next.broken);
    else if (!isRecording()) restart('recording');
    return listening;
  }

  function restart(why: BreakReason): void {
    if (!listening) return;
    const monotonicMs = clock.monotonicMs();
    // Said once, not each time while it lasts.
    const isNews = monotonicMs - listening.sinceMs > LONGEST_GAP_MS;
    listening = { ...listening, sinceMs: monotonicMs };
    if (isNews) noteBreak(why);
  }

  function noteBreak(why: BreakReason): void {
    onBreak(why);
    log.info(
      { why, listenSeconds: listenMs() / 1000 },
      `this process listens for a heartbeat timeout before it judges silence: ${words[why]}`,
    );
  }

  return {
    isAttentive() {
      const { sinceMs } = look();
      return clock.monotonicMs() - sinceMs >= listenMs();
    },
    restart,
    async keepWatch(signal) {
      while (!signal.aborted) {
        look();
        await clock.sleep(LOOK_EVERY_MS, signal).catch(() => {});
      }
    },
  };
}
