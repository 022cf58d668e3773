/**
 * What was found out about an amphora whose heartbeats stopped:
 * - heartbeats-lost: its agent answers and HAProxy runs; only its heartbeats don't arrive.
 * - service-sick: its agent answers and HAProxy does not run, or not with what it should have.
 * - cut-off: its agent does not answer, and for Nova its server runs.
 * - dead: its agent does not answer, and its server is gone or does not run.
 * - unknown: its agent does not answer, and Nova doesn't either, or was not asked as nothing can be failed over now.
 */
export const silenceFindings = ['heartbeats-lost', 'service-sick', 'cut-off', 'dead', 'unknown'] as const;
export type SilenceFinding = (typeof silenceFindings)[number];

/** For people. */
export const silenceFindingText: Readonly<Record<SilenceFinding, string>> = {
  'heartbeats-lost': 'it answers, only its heartbeats do not arrive',
  'service-sick': 'it answers, and HAProxy does not run as it should',
  'cut-off': 'it does not answer, and its server runs',
  dead: 'it does not answer, and its server is gone or does not run',
  unknown: 'it does not answer, and neither does Nova',
};

/** Stops failovers when too many amphorae are silent at once: then something else is broken than amphorae. */
export interface CircuitBreaker {
  /** ISO 8601 UTC, as all times here; null: closed. */
  openSince: string | null;
  /** When it opened: how many were silent, and the threshold that they reached. */
  silentCount: number | null;
  threshold: number | null;
  /** After it was closed by heartbeats: nothing is judged before. */
  listenUntil: string | null;
  /** `kiln health resume`: amphorae that were silent by then no longer count. */
  resumedAt: string | null;
}

/** Silent amphorae, as numbers. */
export interface SilenceSurvey {
  breaker: CircuitBreaker;
  /** All that are silent; `heartbeatsLost` of them answer nonetheless. */
  silent: number;
  heartbeatsLost: number;
  /** Silent, not explained by lost heartbeats, and silent since the breaker was last cleared by hand. */
  unexplained: number;
  /** Of `unexplained`, those for which nothing has been tried yet. */
  untried: number;
  /** Failovers by silence, asked for within the last heartbeat timeout, of amphorae as in `unexplained`; what is tried again doesn't count. */
  recentFailovers: number;
  /** Not ended yet. */
  runningFailovers: number;
}

/** A silent amphora, as operators see it. */
export interface SilentAmphoraReport {
  id: string;
  loadBalancerId: string;
  lastHeard: string;
  /** Of the last examination; null: it was not examined yet. */
  finding: SilenceFinding | null;
  /** How often something was done about it. */
  attempts: number;
  /** Not examined again before; null: with the next look. */
  examineAfter: string | null;
}
