import type { ErrorComparison, ErrorCount, Traffic } from '../../model/release.ts';
import { chanceOfAsMany } from './exact-test.ts';
import type { Window } from './window.ts';

/** Request errors: how many there were, and whether that is more than elsewhere. */

const LEAST_CONNECTIONS = 200;
const WORSE_BY = 0.01;
/** What is less probable than this is not by chance. */
export const SIGNIFICANT = 0.01;

/** Enough connections for a share of errors to tell something. */
export function isTelling({ connections }: Pick<Traffic, 'connections'>): boolean {
  return connections >= LEAST_CONNECTIONS;
}

/** 1 where it is not worse by a percent point. Errors are counted by request, and so may be more than connections. */
export function chanceOfMoreErrors(now: Traffic, reference: Traffic): number {
  const [one, other] = alike(now, reference);
  return isWorse(one, other) ? chanceOf(one, other) : 1;
}

function isWorse(one: ErrorCount, other: ErrorCount): boolean {
  return shareOf(one) - shareOf(other) >= WORSE_BY;
}

function chanceOf(one: ErrorCount, other: ErrorCount): number {
  const asShare = ({ connections, errors }: ErrorCount) => ({ of: connections, have: errors });
  return chanceOfAsMany(asShare(one), asShare(other));
}

export function errorShare(traffic: Traffic): number {
  return shareOf(errorsOf(traffic));
}

/** What those that have moved and those that have not tell at this moment; null: there are no two groups to compare. */
export function compareErrors(cohorts: Window['cohorts'], wave: number, atMs: number): ErrorComparison | null {
  if (!cohorts) return null;
  const [moved, notMoved] = alike(cohorts.moved, cohorts.notMoved);
  const chance = isTelling(moved) && isTelling(notMoved) ? chanceOf(moved, notMoved) : null;
  return { atMs, wave, moved, notMoved, chance };
}

/** Whether those that have moved are, all together, worse than those that have not; null: they are not. */
export function worseThanRest(comparison: ErrorComparison | null): string | null {
  if (!comparison || comparison.chance === null || comparison.chance >= SIGNIFICANT) return null;
  const { moved, notMoved, chance } = comparison;
  if (!isWorse(moved, notMoved)) return null;
  const percent = (count: ErrorCount) => errorPercent(count).toFixed(3);
  return `request errors: moved ${percent(moved)} %, not moved ${percent(notMoved)} %, p ${chance.toExponential(1)}`;
}

export function errorPercent(count: ErrorCount): number {
  return 100 * shareOf(count);
}

/** What failed behind HAProxy counts where both tell of it. */
function alike(now: Traffic, reference: Traffic): [ErrorCount, ErrorCount] {
  if (now.failures !== undefined && reference.failures !== undefined) return [errorsOf(now), errorsOf(reference)];
  return [errorsOf({ ...now, failures: 0 }), errorsOf({ ...reference, failures: 0 })];
}

function errorsOf({ seconds, connections, requestErrors, failures = 0 }: Traffic): ErrorCount {
  return { seconds, connections, errors: Math.min(requestErrors + failures, connections) };
}

function shareOf({ connections, errors }: ErrorCount): number {
  return connections === 0 ? 0 : errors / connections;
}
