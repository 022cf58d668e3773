/** Since when this process has been listening without a break, and when it last looked at its clocks. */
export interface Listening {
  sinceMs: number;
  lastMonotonicMs: number;
  lastWallMs: number;
}

export interface ClockReading {
  monotonicMs: number;
  wallMs: number;
}

export type ListeningBreak = 'start' | 'pause' | 'clock-jump';

/** The wall clock may drift (NTP slews by half a millisecond a second) and be set by so much without being a jump. */
const TOLERATED_JUMP_MS = 2_000;

/**
 * Whether the process has listened without a break: it was stopped if its clocks were not looked at for too long, and the
 * wall clock, with which heartbeats are compared, was set if it went another way than the monotonic one.
 * @param longestGapMs clocks are looked at far more often.
 */
export function continueListening(
  before: Listening | null,
  now: ClockReading,
  longestGapMs: number,
): { listening: Listening; broken: ListeningBreak | null } {
  const broken = breakBetween(before, now, longestGapMs);
  return {
    listening: {
      sinceMs: broken === null && before ? before.sinceMs : now.monotonicMs,
      lastMonotonicMs: now.monotonicMs,
      lastWallMs: now.wallMs,
    },
    broken,
  };
}

function breakBetween(before: Listening | null, now: ClockReading, longestGapMs: number): ListeningBreak | null {
  if (!before) return 'start';
  const passedMs = now.monotonicMs - before.lastMonotonicMs;
  if (Math.abs(now.wallMs - before.lastWallMs - passedMs) > TOLERATED_JUMP_MS) return 'clock-jump';
  return passedMs > longestGapMs ? 'pause' : null;
}
