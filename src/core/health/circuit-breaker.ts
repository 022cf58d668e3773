import type { SilenceSurvey } from '../../model/silence.ts';

/** Without [health_manager] failover_threshold: so many, or a tenth of the amphorae that serve, if that is more. */
export const LEAST_DEFAULT_THRESHOLD = 5;
const DEFAULT_SHARE = 0.1;

/** So many silent amphorae at once stop all failovers. */
export function failoverThreshold(configured: number | null, servingAmphorae: number): number {
  return configured ?? Math.max(LEAST_DEFAULT_THRESHOLD, Math.ceil(servingAmphorae * DEFAULT_SHARE));
}

/** What counts towards the threshold: amphorae that went silent within about one heartbeat timeout. */
export function countTowardsThreshold({ untried, recentFailovers }: SilenceSurvey): number {
  return untried + recentFailovers;
}

/**
 * Whether an open breaker closes by itself: heartbeats of at least half of those that were silent have come back, and
 * fewer than the threshold are silent. Amphorae that are dead don't come back; then an operator has to close it.
 */
export function isClearedByHeartbeats({ breaker, unexplained }: SilenceSurvey): boolean {
  const { silentCount, threshold } = breaker;
  if (silentCount === null || threshold === null) return false;
  return unexplained < threshold && unexplained <= silentCount / 2;
}
