import { allowedFailures } from '../../../core/releases/holds.ts';
import { errorPercent } from '../../../core/releases/request-errors.ts';
import { extentOf } from '../../../core/releases/tallies.ts';
import type { ErrorComparison, ErrorCount, ReleaseEvent, Target } from '../../../model/release.ts';
import type { StoredRelease } from '../../../ports/release-store.ts';
import { hasEnded } from './find.ts';

const time = (ms: number) => new Date(ms).toISOString();

/** A release for `--json`. */
export function releaseDocument(release: StoredRelease) {
  const { spec, progress, intent, tallies, createdAtMs, updatedAtMs, endedAtMs, eventCount } = release;
  const { id, tag, image, baseline, policy } = spec;
  const { lastWave, loadBalancers } = extentOf(tallies);
  const { atMs, ...word } = intent;
  return {
    id,
    tag,
    image,
    phase: progress.phase,
    hasEnded: hasEnded(release),
    intent: { ...word, at: time(atMs) },
    holds: progress.holds.map(({ sinceMs, ...hold }) => ({ ...hold, since: time(sinceMs) })),
    wave: progress.wave,
    lastWave,
    loadBalancers,
    counts: tallies.counts,
    waves: tallies.waves,
    errorComparison: progress.comparison && comparisonDocument(progress.comparison),
    failures: progress.failures,
    allowedFailures: allowedFailures(progress, spec),
    taggedImageIds: baseline.taggedImageIds,
    policy,
    events: eventCount,
    createdAt: time(createdAtMs),
    updatedAt: time(updatedAtMs),
    endedAt: endedAtMs === null ? null : time(endedAtMs),
  };
}

function comparisonDocument({ atMs, moved, notMoved, ...comparison }: ErrorComparison) {
  const group = (count: ErrorCount) => ({ ...count, errorPercent: errorPercent(count) });
  return { at: time(atMs), ...comparison, moved: group(moved), notMoved: group(notMoved) };
}

export function targetDocument({ stateSinceMs, notBeforeMs, ...target }: Target) {
  return { ...target, stateSince: time(stateSinceMs), notBefore: notBeforeMs > 0 ? time(notBeforeMs) : null };
}

export function eventDocument({ n, atMs, actor, kind, loadBalancerId, reason, data }: ReleaseEvent) {
  return { n, at: time(atMs), actor, kind, loadBalancerId, reason, data };
}
