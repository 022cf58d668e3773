import { applyStep, joinedTargets, type TargetStep } from '../core/releases/apply-step.ts';
import { isTriedOnceMore, probeAmphoraId, probeServerGroup } from '../core/releases/probe.ts';
import { changeTally } from '../core/releases/tallies.ts';
import type { Decision, Step } from '../core/releases/window.ts';
import type { NewOperation } from '../model/operation.ts';
import { endedPhases, type ReleaseProgress } from '../model/release.ts';
import type { TargetNow } from '../model/release-view.ts';
import type { NewReleaseEvent, ReleaseChange, ReleaseView, TargetChange } from '../ports/release-store.ts';

/** Behind whatever somebody waits for, and far behind repairs. */
const PRIORITY = -1;

/** A decision as it is written: pure, but for the IDs of new operations. Null: nothing is to be written. */
export function changeOf(
  { release, busy, next }: ReleaseView,
  decision: Decision,
  nowMs: number,
  newId: () => string,
): ReleaseChange | null {
  const { spec, progress: former, tallies } = release;
  const { progress, steps } = decision;
  if (steps.length === 0 && decision.because.length === 0 && isSame(progress, former)) return null;
  const nowOf = new Map([...busy, ...next].map((now) => [now.target.loadBalancerId, now]));
  const event = (kind: string, reason: string, data: NewReleaseEvent['data'] = {}): NewReleaseEvent => ({
    atMs: nowMs,
    actor: 'kiln',
    kind,
    loadBalancerId: null,
    reason,
    data,
  });

  const targets = steps.flatMap((step): TargetChange[] => {
    if (!('loadBalancerId' in step)) return [];
    const now = nowOf.get(step.loadBalancerId);
    if (!now) return [];
    const operation = step.kind === 'move' || step.kind === 'revert' ? operationOf(step, now, spec.id, newId()) : null;
    const operationId = operation?.id ?? null;
    const { loadBalancerId, reason } = step;
    return [
      {
        before: now.target,
        after: applyStep(now.target, step, nowMs, operationId),
        operation,
        event: { ...event(step.kind, reason, { ...step, operationId }), loadBalancerId },
      },
    ];
  });
  const probes = steps.flatMap((step): ReleaseChange['probes'] => {
    if (step.kind !== 'probe') return [];
    const { place, attempt, imageFaults } = step;
    const amphoraId = probeAmphoraId(spec.id, place, attempt);
    const chosen = { imageId: spec.image.id, flavorId: place.flavorId, availabilityZone: place.zone };
    const hosts = { serverGroupName: probeServerGroup(spec.id, place), keepsServer: isTriedOnceMore(step) };
    const input = { amphoraId, loadBalancerId: null, ...chosen, ...hosts, releaseId: spec.id };
    const operation: NewOperation = {
      id: newId(),
      flow: 'probe-image',
      subject: amphoraId,
      input,
      priority: PRIORITY,
    };
    return [{ place, attempt, imageFaults, operation }];
  });
  const joined = steps.flatMap((step) => (step.kind === 'join' ? joinedTargets(spec.id, step, nowMs) : []));
  const withJoined = joined.reduce((sum, target) => changeTally(sum, null, target), tallies);
  const rejection = steps.find((step) => step.kind === 'reject');
  return {
    progress,
    endedAtMs: endedPhases.includes(progress.phase) ? nowMs : null,
    targets,
    joined,
    probes,
    events: [
      ...changesOfProgress(former, decision).map(([kind, reason, data]) => event(kind, reason, data)),
      ...steps.filter((step) => !('loadBalancerId' in step)).map((step) => event(step.kind, step.reason, { ...step })),
    ],
    rejected: rejection?.hashAlgo && rejection.hash ? { hashAlgo: rejection.hashAlgo, hash: rejection.hash } : null,
    talliesAfter: (changed) => changed.reduce((sum, { before, after }) => changeTally(sum, before, after), withJoined),
  };
}

type MoveStep = Extract<TargetStep, { kind: 'move' | 'revert' }>;

function operationOf(
  { loadBalancerId, amphoraId, imageId }: MoveStep,
  { loadBalancer }: TargetNow,
  releaseId: string,
  id: string,
): NewOperation & { mutableFrom: readonly ('ACTIVE' | 'ERROR')[] } {
  const input = {
    loadBalancerId,
    resourceId: loadBalancerId,
    imageId,
    releaseId,
    wasInError: loadBalancer?.provisioningStatus === 'ERROR',
  };
  return {
    id,
    flow: amphoraId === null ? 'release-amphora' : 'release-amphora-of-pair',
    subject: loadBalancerId,
    input: amphoraId === null ? input : { ...input, amphoraId },
    priority: PRIORITY,
    mutableFrom: ['ACTIVE', 'ERROR'],
  };
}

/** What has become of phase, wave and holds, and why. */
function changesOfProgress(
  former: ReleaseProgress,
  { progress, because }: Decision,
): (readonly [kind: string, reason: string, data: NewReleaseEvent['data']])[] {
  const begun = progress.holds.filter(({ code }) => !former.holds.some((one) => one.code === code));
  const over = former.holds.filter(({ code }) => !progress.holds.some((one) => one.code === code));
  const ofHolds = new Set([
    ...begun.map(({ code, message }) => `${code}: ${message}`),
    ...over.map(({ code }) => `${code} is over`),
  ]);
  const reason = because.filter((one) => !ofHolds.has(one)).join('; ');
  const { phase, wave, comparison } = progress;
  const data = { phase, wave, ...(comparison !== former.comparison && { comparison }) };
  const hasMoved = phase !== former.phase || wave !== former.wave || reason !== '';
  return [
    ...(hasMoved ? [[phase === former.phase ? 'wave' : 'phase', reason, data] as const] : []),
    ...begun.map(({ code, message, advice, clears }) => ['hold', message, { code, advice, clears }] as const),
    ...over.map(({ code }) => ['hold-cleared', `${code} is over`, { code }] as const),
  ];
}

function isSame(one: ReleaseProgress, other: ReleaseProgress): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Done outside the database, once the decision is written. */
export type TagStep = Extract<Step, { kind: 'tagAdd' | 'tagRemove' }>;

export const isTagStep = (step: Step): step is TagStep => step.kind === 'tagAdd' || step.kind === 'tagRemove';
