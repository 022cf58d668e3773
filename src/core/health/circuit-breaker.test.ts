import { expect, it } from 'vitest';
import type { SilenceSurvey } from '../../model/silence.ts';
import { countTowardsThreshold, failoverThreshold, isClearedByHeartbeats } from './circuit-breaker.ts';

function survey(unexplained: number, silentCount: number | null, threshold: number | null): SilenceSurvey {
  return {
    breaker: { openSince: '2026-11-23T12:00:00Z', silentCount, threshold, listenUntil: null, resumedAt: null },
    silent: unexplained,
    heartbeatsLost: 0,
    unexplained,
    untried: 3,
    recentFailovers: 4,
    runningFailovers: 1,
  };
}

it.each([
  [null, 0, 5],
  [null, 50, 5],
  [null, 51, 6],
  [null, 8_000, 800],
  [3, 8_000, 3],
  [0, 8_000, 0],
])('a threshold of %j and %i amphorae: %i', (configured, serving, threshold) => {
  expect(failoverThreshold(configured, serving)).toBe(threshold);
});

it('counts what is silent and what was failed over a moment ago', () => {
  expect(countTowardsThreshold(survey(9, null, null))).toBe(7);
});

it.each([
  [100, 100, 80, false],
  [81, 100, 80, false],
  [79, 100, 80, false],
  [51, 100, 80, false],
  [50, 100, 80, true],
  [1, 1, 5, false],
  [0, 1, 5, true],
  // Where all that were silent have been failed over, nothing is left that could come back.
  [0, 0, 5, true],
])('%i silent, of %i when it opened at %i: cleared is %j', (unexplained, silentCount, threshold, cleared) => {
  expect(isClearedByHeartbeats(survey(unexplained, silentCount, threshold))).toBe(cleared);
});
