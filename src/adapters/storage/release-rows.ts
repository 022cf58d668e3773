import type { Insertable, Selectable } from 'kysely';
import type { FailureClass, ReleaseEvent, Target, TargetState, Verdict } from '../../model/release.ts';
import type { NewReleaseEvent, StoredRelease } from '../../ports/release-store.ts';
import type { Schema } from './schema.ts';

type ReleaseRow = Selectable<Schema['kiln_release']>;
type TargetRow = Selectable<Schema['kiln_release_target']>;

/** Of a release that an older version began, these are not in its row. */
const later = {
  progress: { taggedSinceMs: null, comparison: null } satisfies Partial<StoredRelease['progress']>,
  spec: { sameImageIds: [] } satisfies Partial<StoredRelease['spec']>,
};

export function toRelease(row: ReleaseRow): StoredRelease {
  return {
    spec: { ...later.spec, ...(JSON.parse(row.spec) as StoredRelease['spec']) },
    progress: { ...later.progress, ...(JSON.parse(row.progress) as StoredRelease['progress']) },
    intent: JSON.parse(row.intent) as StoredRelease['intent'],
    tallies: JSON.parse(row.tallies) as StoredRelease['tallies'],
    createdAtMs: Number(row.created_ms),
    updatedAtMs: Number(row.updated_ms),
    endedAtMs: numberOrNull(row.ended_ms),
    fence: row.fence,
    eventCount: row.event_count,
    formerImageIds: JSON.parse(row.former_images) as string[],
  };
}

export function toTarget(row: TargetRow): Target {
  return {
    releaseId: row.release_id,
    loadBalancerId: row.load_balancer_id,
    wave: row.wave,
    position: row.position,
    topology: row.topology as Target['topology'],
    fromImageId: row.from_image_id,
    fromHash: row.from_hash,
    state: row.state as TargetState,
    stateSinceMs: Number(row.state_since_ms),
    attempt: row.attempt,
    waits: row.waits,
    notBeforeMs: Number(row.not_before_ms),
    operationId: row.operation_id,
    watchUntilMs: numberOrNull(row.watch_until_ms),
    mixedSinceMs: numberOrNull(row.mixed_since_ms),
    before: jsonOrNull(row.health_before),
    after: jsonOrNull(row.health_after),
    verdict: row.verdict as Verdict | null,
    badness: Number(row.badness),
    failureClass: row.failure_class as FailureClass | null,
    reason: row.reason,
  };
}

export function fromTarget(target: Target): Insertable<Schema['kiln_release_target']> {
  return {
    release_id: target.releaseId,
    load_balancer_id: target.loadBalancerId,
    wave: target.wave,
    position: target.position,
    topology: target.topology,
    from_image_id: target.fromImageId,
    from_hash: target.fromHash,
    state: target.state,
    state_since_ms: target.stateSinceMs,
    attempt: target.attempt,
    waits: target.waits,
    not_before_ms: target.notBeforeMs,
    operation_id: target.operationId,
    watch_until_ms: target.watchUntilMs,
    mixed_since_ms: target.mixedSinceMs,
    health_before: target.before && JSON.stringify(target.before),
    health_after: target.after && JSON.stringify(target.after),
    verdict: target.verdict,
    badness: target.badness,
    failure_class: target.failureClass,
    reason: target.reason,
  };
}

export function toEvent(row: Selectable<Schema['kiln_release_event']>): ReleaseEvent {
  return {
    releaseId: row.release_id,
    n: row.n,
    atMs: Number(row.at_ms),
    actor: row.actor,
    kind: row.kind,
    loadBalancerId: row.load_balancer_id,
    reason: row.reason,
    data: JSON.parse(row.data) as ReleaseEvent['data'],
  };
}

export function fromEvent(
  releaseId: string,
  n: number,
  event: NewReleaseEvent,
): Insertable<Schema['kiln_release_event']> {
  return {
    release_id: releaseId,
    n,
    at_ms: event.atMs,
    actor: event.actor,
    kind: event.kind,
    load_balancer_id: event.loadBalancerId,
    reason: event.reason,
    data: JSON.stringify(event.data),
  };
}

const numberOrNull = (value: number | null) => (value === null ? null : Number(value));

function jsonOrNull<Value>(text: string | null): Value | null {
  return text === null ? null : (JSON.parse(text) as Value);
}
