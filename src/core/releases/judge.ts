import type { HealthSample, Target, Traffic, Verdict } from '../../model/release.ts';
import { chanceOfMoreErrors, errorShare, isTelling, SIGNIFICANT } from './request-errors.ts';
import type { Window } from './window.ts';

export interface Judgement {
  verdict: Verdict;
  /** 0: nothing is wrong. */
  badness: number;
  reason: string;
}

/** What one look at a load balancer tells: null: it is well as far as this goes. */
type Finding = { text: string; badness: number } | null | 'no data';

/** Missing more than so many tells something. */
export const LOST_HEARTBEATS = 3;
/** Connections in a second from which on it tells something that they stop. */
const BUSY_PER_SECOND = 1;
/** Operating statuses from the best to the worst. */
export const statusRanks: Readonly<Record<string, number>> = {
  ONLINE: 0,
  NO_MONITOR: 0,
  DRAINING: 0,
  DEGRADED: 1,
  OFFLINE: 2,
  ERROR: 3,
};

/**
 * Whether a load balancer is as well as before its move. What nobody reported is no failure: without heartbeats the verdict is "no data"; a
 * check of which nothing is known is left out. What its tenant changed meanwhile tells nothing of listeners, members and status.
 */
export function judge(
  { before }: Pick<Target, 'before'>,
  after: HealthSample | null,
  imageId: string,
  cohorts: Window['cohorts'],
): Judgement {
  if (after === null)
    return { verdict: 'no data', badness: 1, reason: 'no heartbeat was recorded while it was watched' };
  const known = before !== null && before.configuration === after.configuration ? before : null;
  const findings = [
    checkImage(after, imageId),
    checkAlive(before, after),
    checkListeners(known, after),
    checkMembers(known, after),
    checkStatus(known, after),
    checkTraffic(before?.traffic ?? null, after.traffic, cohorts),
    checkErrors(before?.traffic ?? null, after.traffic, cohorts),
  ];
  const failures = findings.filter((one) => one !== null && one !== 'no data');
  if (failures.length > 0) {
    const badness = failures.reduce((sum, one) => sum + one.badness, 1);
    return { verdict: 'fail', badness, reason: failures.map(({ text }) => text).join('; ') };
  }
  if ((after.heartbeats?.count ?? 0) === 0) return { verdict: 'no data', badness: 1, reason: 'no heartbeats arrive' };
  const untold = findings.filter((one) => one === 'no data').length;
  return {
    verdict: 'pass',
    badness: 0,
    reason: untold === 0 ? 'as well as before' : `as well as before; ${untold} of 7 checks had no data`,
  };
}

/** That its agent speaks a version that Kiln does was seen when the amphora was built: else the move failed. */
function checkImage({ imageIds }: HealthSample, imageId: string): Finding {
  if (imageIds.includes(imageId)) return null;
  return { text: `it runs image ${imageIds.join(', ') || 'none'} and not ${imageId}`, badness: 10 };
}

function checkAlive(before: HealthSample | null, { heartbeats }: HealthSample): Finding {
  if (heartbeats === null) return 'no data';
  if (heartbeats.count === 0) {
    // Where none came before either, they don't reach Kiln, whatever the image.
    return before?.heartbeats?.count === 0 ? 'no data' : { text: 'it is silent', badness: 100 };
  }
  if (heartbeats.sequenceRestarts > 0) {
    return { text: `its agent started again ${heartbeats.sequenceRestarts} times`, badness: 60 };
  }
  if (heartbeats.longestGapMs <= LOST_HEARTBEATS * heartbeats.intervalMs) return null;
  return { text: `it was silent for ${Math.round(heartbeats.longestGapMs / 1000)} s`, badness: 60 };
}

function checkListeners(before: HealthSample | null, after: HealthSample): Finding {
  if (!before?.listeners || !after.listeners) return 'no data';
  const now = after.listeners;
  const missing = Object.keys(before.listeners).filter((id) => now[id] === undefined);
  if (missing.length > 0) return { text: `listener ${missing.join(', ')} is missing`, badness: 50 + missing.length };
  const full = Object.keys(now).filter((id) => now[id] === 'FULL' && before.listeners?.[id] === 'OPEN');
  return full.length === 0
    ? null
    : { text: `listener ${full.join(', ')} is full, and was not`, badness: 10 + full.length };
}

function checkMembers(before: HealthSample | null, after: HealthSample): Finding {
  if (!before?.members || !after.members) return 'no data';
  const up = Object.keys(before.members).filter((id) => before.members?.[id] === 'UP');
  const lost = up.filter((id) => after.members?.[id] !== 'UP');
  if (lost.length === 0) return null;
  return {
    text: `${lost.length} of ${up.length} members that were up are not`,
    badness: 20 + (20 * lost.length) / up.length,
  };
}

function checkStatus(before: HealthSample | null, after: HealthSample): Finding {
  const was = statusRanks[before?.operatingStatus ?? ''];
  const is = statusRanks[after.operatingStatus];
  if (was === undefined || is === undefined) return 'no data';
  return is <= was
    ? null
    : { text: `it is ${after.operatingStatus} and was ${before?.operatingStatus}`, badness: 10 * is };
}

function checkTraffic(before: Traffic | null, after: Traffic | null, cohorts: Window['cohorts']): Finding {
  if (
    !before ||
    !after ||
    !cohorts ||
    rate(before) < BUSY_PER_SECOND ||
    rate(cohorts.notMovedBefore) < BUSY_PER_SECOND
  ) {
    return 'no data';
  }
  if (rate(after) >= 0.1 * rate(before)) return null;
  // Where all others lost theirs too, it is not the image.
  if (rate(cohorts.notMoved) <= 0.5 * rate(cohorts.notMovedBefore)) return 'no data';
  return { text: `it has ${rate(after).toFixed(1)} connections/s and had ${rate(before).toFixed(1)}`, badness: 40 };
}

/** Worse than before, and worse than those that have not moved are at the same time: else all have it, and it is not the image. */
function checkErrors(before: Traffic | null, after: Traffic | null, cohorts: Window['cohorts']): Finding {
  if (!after || !isTelling(after)) return 'no data';
  const references = [before, cohorts?.notMoved ?? null].filter((one) => one !== null).filter(isTelling);
  if (references.length === 0) return 'no data';
  const chances = references.map((one) => chanceOfMoreErrors(after, one));
  if (chances.some((chance) => chance >= SIGNIFICANT)) return null;
  const percent = 100 * errorShare(after);
  const worst = Math.max(...chances);
  return { text: `${percent.toFixed(2)} % request errors, p ${worst.toExponential(1)}`, badness: 10 + percent };
}

function rate({ seconds, connections }: Traffic): number {
  return seconds <= 0 ? 0 : connections / seconds;
}
