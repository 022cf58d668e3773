import type { HealthSample } from '../../model/release.ts';
import type { HealthMoment } from '../../model/release-view.ts';
import { LOST_HEARTBEATS, statusRanks } from './judge.ts';
import { trafficBetween } from './traffic-between.ts';

/** The while that is looked at, and what is known of heartbeats in general. */
export interface HealthWhile {
  fromMs: number;
  toMs: number;
  /** What agents are configured with. */
  heartbeatIntervalMs: number;
  /** When anybody was heard of, earliest first; null: there is nobody else to compare with. */
  hearingsMs: readonly number[] | null;
}

/** From so many heartbeats on it tells something in how many of them a member is up. */
const BEATS_FOR_A_SHARE = 5;
/** One that is up in fewer is down for one of its pair's amphorae, or goes up and down. */
const LEAST_SHARE_UP = 2 / 3;

/**
 * What these moments of one load balancer, in their order, tell of its health in a while; null: there are none. Gaps between
 * heartbeats are never reported longer than they were: between two moments there may have been several.
 */
export function summarizeHealth(moments: readonly HealthMoment[], during: HealthWhile): HealthSample | null {
  const { fromMs, toMs } = during;
  const within = moments.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
  const newest = within.at(-1);
  if (!newest) return null;
  const beats = oneOfEachBeat(within);
  return {
    fromMs,
    toMs,
    imageIds: [...new Set(newest.amphorae.flatMap(({ imageId }) => (imageId === null ? [] : [imageId])))],
    heartbeats: heartbeatsOf(within, during),
    listeners: listenersOf(beats.slice(-2)),
    members: membersOf(beats),
    operatingStatus: bestOf(beats.slice(-2).map(({ operatingStatus }) => operatingStatus)),
    configuration: newest.configuration,
    traffic: trafficBetween(within),
  };
}

/** When anybody was heard of in these samples, earliest first. */
export function hearingsOf(samples: Iterable<readonly HealthMoment[]>): number[] {
  const heard = new Set<number>();
  for (const moments of samples) {
    for (const { amphorae } of moments) {
      for (const { lastHeardMs } of amphorae) if (lastHeardMs !== null) heard.add(lastHeardMs);
    }
  }
  return [...heard].sort((one, other) => one - other);
}

/** The amphora that is worst off. Null: nothing can be said, because of too little time in which anybody was heard. */
function heartbeatsOf(within: readonly HealthMoment[], during: HealthWhile): HealthSample['heartbeats'] {
  const newest = within.at(-1);
  if (within.length < 2 || !newest || newest.amphorae.length === 0) return null;
  const { heartbeatIntervalMs: intervalMs } = during;
  const each = newest.amphorae.map(({ id }) => beatsOf(id, within, during));
  const count = Math.min(...each.map((one) => one.count));
  const deafMs = longestSilence(during, during.fromMs, newest.atMs);
  if (count === 0 && newest.atMs - during.fromMs - deafMs <= LOST_HEARTBEATS * intervalMs) return null;
  return {
    count,
    intervalMs,
    longestGapMs: Math.max(...each.map((one) => one.longestGapMs)),
    sequenceRestarts: each.reduce((sum, one) => sum + one.restarts, 0),
  };
}

function beatsOf(amphoraId: string, within: readonly HealthMoment[], during: HealthWhile) {
  const seen = within.flatMap(({ atMs, amphorae }) =>
    amphorae.filter(({ id }) => id === amphoraId).map((amphora) => ({ ...amphora, atMs })),
  );
  // One that came in between has counted from 0.
  const isNew = (within[0]?.atMs ?? 0) < (seen[0]?.atMs ?? 0);
  let { beats, restarts } = isNew ? { beats: 0, restarts: 0 } : (seen[0] ?? { beats: 0, restarts: 0 });
  const start = { beats, restarts };
  let heardMs = Math.max(during.fromMs, (isNew ? seen[0]?.atMs : seen[0]?.lastHeardMs) ?? 0);
  let longestGapMs = 0;
  for (const now of seen) {
    const more = now.beats - beats;
    if (more <= 0 || now.lastHeardMs === null) continue;
    const spanMs = now.lastHeardMs - heardMs - longestSilence(during, heardMs, now.lastHeardMs);
    longestGapMs = Math.max(longestGapMs, spanMs / more);
    heardMs = Math.max(heardMs, now.lastHeardMs);
    beats = now.beats;
  }
  restarts = seen.at(-1)?.restarts ?? restarts;
  const endMs = seen.at(-1)?.atMs ?? heardMs;
  longestGapMs = Math.max(longestGapMs, endMs - heardMs - longestSilence(during, heardMs, endMs));
  return { count: beats - start.beats, restarts: restarts - start.restarts, longestGapMs };
}

/** How long nobody at all was heard of in this time, where that was longer than heartbeats may take: then it was Kiln that did not hear. */
function longestSilence({ hearingsMs, heartbeatIntervalMs }: HealthWhile, fromMs: number, toMs: number): number {
  if (hearingsMs === null || toMs <= fromMs) return 0;
  let longestMs = 0;
  let lastMs = fromMs;
  for (const atMs of [...hearingsMs.filter((ms) => ms > fromMs && ms < toMs), toMs]) {
    longestMs = Math.max(longestMs, atMs - lastMs);
    lastMs = atMs;
  }
  return longestMs > LOST_HEARTBEATS * heartbeatIntervalMs ? longestMs : 0;
}

/** Of moments between which no heartbeat came, the last. */
function oneOfEachBeat(within: readonly HealthMoment[]): HealthMoment[] {
  const key = ({ amphorae }: HealthMoment) => amphorae.map(({ id, beats }) => `${id} ${beats}`).join();
  return within.filter((moment, index) => {
    const next = within[index + 1];
    return !next || key(next) !== key(moment);
  });
}

/** There, where one of the last two heartbeats says so; full, where both do. */
function listenersOf(lastTwo: readonly HealthMoment[]): NonNullable<HealthSample['listeners']> {
  const found: Record<string, 'OPEN' | 'FULL'> = {};
  for (const { listeners } of lastTwo) {
    for (const [id, status] of Object.entries(listeners)) {
      if (status === 'ONLINE') found[id] = 'OPEN';
      else if (status === 'DEGRADED') found[id] ??= 'FULL';
    }
  }
  return found;
}

function membersOf(beats: readonly HealthMoment[]): NonNullable<HealthSample['members']> {
  const lastTwo = beats.slice(-2);
  const reported = Object.entries(beats.at(-1)?.members ?? {});
  return Object.fromEntries(
    reported.map(([id, status]) => {
      const upIn = (some: readonly HealthMoment[]) => some.filter(({ members }) => isUp(members[id])).length;
      const knownIn = beats.filter(({ members }) => members[id] !== undefined).length;
      const isMostlyUp = knownIn < BEATS_FOR_A_SHARE || upIn(beats) >= LEAST_SHARE_UP * knownIn;
      if (upIn(lastTwo) > 0 && isMostlyUp) return [id, 'UP'];
      return [id, status === 'ERROR' || isUp(status) ? 'DOWN' : 'other'];
    }),
  );
}

/** One without a monitor works as far as anybody knows. */
function isUp(operatingStatus: string | undefined): boolean {
  return operatingStatus === 'ONLINE' || operatingStatus === 'NO_MONITOR';
}

function bestOf(statuses: readonly string[]): string {
  const rank = (status: string) => statusRanks[status] ?? Number.POSITIVE_INFINITY;
  return statuses.reduce((best, status) => (rank(status) <= rank(best) ? status : best));
}
