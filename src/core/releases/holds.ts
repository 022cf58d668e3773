import type { ReleaseProgress, ReleaseSpec } from '../../model/release.ts';
import { type Draft, hold, isHeld, pauseMs } from './draft.ts';
import { openingAt, roomForMoveMs } from './maintenance-window.ts';
import type { Window } from './window.ts';

/** An operator's newest word: "run" accepts what holds, "rollback" turns the release around. */
export function hearIntent(draft: Draft): void {
  const { window, progress } = draft;
  const { intent } = window;
  // What an operator has to clear stays until then, also where its cause is gone.
  draft.progress = {
    ...progress,
    holds: progress.holds.filter(({ code, clears }) => clears === 'operator' && code !== 'OPERATOR'),
  };
  if (intent.revision !== progress.intentRevision) {
    draft.progress = { ...draft.progress, intentRevision: intent.revision };
    if (intent.want === 'run') acceptHolds(draft);
  }
  if (intent.want === 'rollback') turnBack(draft, `${intent.by}: ${intent.reason}`);
}

function acceptHolds(draft: Draft): void {
  const { window, progress } = draft;
  const accepted = { ...progress.accepted };
  const holds = progress.holds.filter(({ code }) => {
    if (code === 'FAILURES') {
      accepted.failures = progress.failures;
      accepted.worseWave = progress.wave;
    } else if (code === 'GATE') accepted.gate = progress.wave;
    else if (code === 'INCONCLUSIVE') accepted.isInconclusive = true;
    else if (code === 'NO_WAY_BACK') accepted.isNoWayBack = true;
    else if (code === 'TAG_MOVED') {
      // Nothing is accepted that can't be seen.
      if (window.taggedImageIds === null) return true;
      accepted.taggedImageIds = window.taggedImageIds;
    }
    return false;
  });
  draft.progress = { ...progress, accepted, holds };
}

/** From here on the release goes back, for good: its hash is rejected. */
export function turnBack(draft: Draft, why: string): void {
  if (draft.progress.phase === 'rolling-back') return;
  draft.progress = { ...draft.progress, phase: 'rolling-back', bakedSinceMs: null, holds: [] };
  draft.because.push(`it is rolled back: ${why}`);
  const { hashAlgo, hash } = draft.spec.image;
  draft.steps.push({ kind: 'reject', hashAlgo, hash, reason: why });
}

/** Stops when more has failed than may, as the policy says: by going back, or by a hold. */
export function limitFailures(draft: Draft, also: string | null = null): void {
  const { progress, spec } = draft;
  if (progress.phase === 'rolling-back') return;
  const { policy } = spec;
  const isCanary = progress.phase !== 'rolling';
  const allowed = allowedFailures(progress, spec);
  if (progress.failures <= allowed && also === null) return;
  const count = `${progress.failures} failed, ${allowed} allowed`;
  const what = also ?? count;
  if ((isCanary ? policy.onCanaryFailure : policy.onFailure) === 'rollback' && draft.window.intent.want !== 'abort')
    turnBack(draft, what);
  else
    hold(draft, 'FAILURES', what, 'Look at those that failed; then `kiln release rollback`, or `kiln release resume`.');
}

/** How many failures there may be at this stage; one more stops the release. */
export function allowedFailures({ wave, accepted }: ReleaseProgress, { policy, targets }: ReleaseSpec): number {
  const limit =
    wave > 0 ? (policy.maxFailures ?? Math.max(2, Math.min(10, Math.ceil(targets / 100)))) : policy.canaryMaxFailures;
  return accepted.failures + limit;
}

/** What speaks against starting anything: each is named, with what ends it. */
export function raiseHolds(draft: Draft): void {
  const { window, spec, progress, nowMs } = draft;
  const isGoingBack = progress.phase === 'rolling-back';
  const { intent } = window;
  if (intent.want === 'pause') {
    hold(draft, 'OPERATOR', `paused by ${intent.by}: ${intent.reason}`, '`kiln release resume` goes on.');
  }
  const moved = tagMovedTo(window, spec, progress);
  if (moved)
    hold(
      draft,
      'TAG_MOVED',
      moved,
      'Put the tag back, or `kiln release resume` to go on with the tag as it is, or roll back.',
    );
  const unusable = isGoingBack ? null : imageProblem(window, spec);
  if (unusable)
    hold(draft, 'IMAGE_UNUSABLE', unusable, 'Make the image usable again and `kiln release resume`; or roll back.');
  holdForTag(draft);
  holdForCloud(draft);
  holdForRoom(draft);
  if (isGoingBack) {
    holdForWayBack(draft);
    return;
  }
  if (progress.phase === 'planned' || progress.phase === 'probing') return;
  const { policy } = spec;
  const opening = openingAt(policy.windows, nowMs, roomForMoveMs(spec));
  if (opening.changesAtMs !== null) draft.dueMs.push(opening.changesAtMs);
  if (!opening.isOpen) {
    const until =
      opening.changesAtMs === null
        ? 'none is ever long enough'
        : `the next one opens at ${new Date(opening.changesAtMs).toISOString()}`;
    hold(draft, 'WINDOW', `no maintenance window has room for a move: ${until}`, 'It goes on by itself.');
  }
  if (window.repairs.queued > 0) {
    hold(
      draft,
      'REPAIRS',
      `${window.repairs.queued} repairs wait for a worker: they go first`,
      'It goes on by itself.',
    );
  }
  holdForFleet(draft);
}

/** @returns null while the tag is where the release, or an operator, has put it. */
function tagMovedTo(window: Window, spec: ReleaseSpec, { phase, accepted }: ReleaseProgress): string | null {
  const tagged = window.taggedImageIds;
  if (tagged === null) return null;
  const planned = spec.baseline.taggedImageIds;
  if (accepted.taggedImageIds && isSame(tagged, accepted.taggedImageIds)) return null;
  const ours = [...planned, spec.image.id, ...(accepted.taggedImageIds ?? [])];
  const isAmongOurs = tagged.every((id) => ours.includes(id));
  // On the way back nothing else can have it either: it is put where it was.
  if (phase === 'rolling-back' && isAmongOurs) return null;
  // An image that can't be booted counts as one without the tag: that is what is to be said.
  if (phase === 'rolling' && tagged.length === 0 && imageProblem(window, spec) !== null) return null;
  const isOurs =
    phase === 'tagging'
      ? isAmongOurs && (tagged.length > 0 || planned.length === 0)
      : isSame(tagged, phase === 'rolling' ? [spec.image.id] : planned);
  return isOurs ? null : `somebody else moved the tag ${spec.tag}: it is on ${tagged.join(', ') || 'no image'}`;
}

export function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((id) => other.includes(id));
}

/** The image is to be what was planned, to the bit. */
function imageProblem({ image }: Window, spec: ReleaseSpec): string | null {
  if (image === null) return null;
  const { id, hash, ownerId } = spec.image;
  if (!image.isThere) return `image ${id} is gone from Glance, or no longer shared`;
  if (image.status !== 'active') return `image ${id} is ${image.status}`;
  if (image.isHidden) return `image ${id} is hidden`;
  if (image.hash !== hash) return `image ${id} has another hash than when the release was planned`;
  return image.ownerId === ownerId ? null : `image ${id} belongs to another project than when the release was planned`;
}

/** What moves no tag goes on: who is worse than before is taken back all the same. */
function holdForTag(draft: Draft): void {
  const { tagRefusal } = draft.window;
  if (!tagRefusal) return;
  const { message, untilMs } = tagRefusal;
  draft.dueMs.push(untilMs);
  const again = `It is tried again at ${new Date(untilMs).toISOString()}; or move the tag by \`kiln image tag\`, as one who may.`;
  hold(draft, 'TAG_REFUSED', `Glance does not move the tag ${draft.spec.tag}: ${message}`, again);
}

function holdForCloud(draft: Draft): void {
  const { window, progress, nowMs } = draft;
  const { cloud } = progress;
  if (window.taggedImageIds === null || window.image === null) {
    hold(draft, 'CLOUD_UNWELL', 'Glance does not answer', 'It goes on by itself when Glance does.');
  }
  draft.dueMs.push(cloud.untilMs);
  if (cloud.loadBalancerIds.length < 2 || nowMs >= cloud.untilMs) return;
  const code = cloud.isNoRoom ? 'NO_ROOM' : 'CLOUD_UNWELL';
  const what = cloud.isNoRoom ? 'the cloud has no host, address or quota left' : 'the cloud fails';
  hold(
    draft,
    code,
    `${what}: ${cloud.faults} times in a row`,
    `One is tried again at ${new Date(cloud.untilMs).toISOString()}.`,
  );
}

/** Operations that do not end keep their places: they may still act. */
function holdForRoom(draft: Draft): void {
  const { window, spec } = draft;
  const underWay = window.busy.filter(
    ({ operation, target }) => operation?.status === 'unended' && target.state !== 'watching',
  ).length;
  if (underWay > 0) return;
  const { total, busy } = window.workerSlots;
  if (window.unendedOperations >= spec.policy.maxParallel) {
    hold(
      draft,
      'NO_ROOM',
      `${window.unendedOperations} operations of this release do not end`,
      '`kiln operation list` shows them, `kiln operation abort ID` ends one.',
    );
  } else if (total === 0) hold(draft, 'NO_ROOM', 'no worker runs', 'Start `kiln serve --role worker`.');
  else if (busy >= Math.max(1, total - 1)) {
    hold(
      draft,
      'NO_ROOM',
      `workers are busy with ${busy} of ${total} operations; one place is kept for repairs`,
      'It goes on by itself.',
    );
  }
}

function holdForWayBack(draft: Draft): void {
  const { window, spec, progress } = draft;
  const unusable = window.unusableFormerImageIds;
  if (unusable === null)
    hold(draft, 'CLOUD_UNWELL', 'Glance does not answer', 'It goes on by itself when Glance does.');
  if (progress.accepted.isNoWayBack) return;
  const advice = '`kiln release resume` takes back what can be; `kiln release abort` leaves all as it is.';
  if (unusable && unusable.length > 0) {
    hold(draft, 'NO_WAY_BACK', `former images can't be booted: ${unusable.join(', ')}`, advice);
  } else if (spec.baseline.taggedImageIds.length === 0) {
    hold(draft, 'NO_WAY_BACK', `the tag ${spec.tag} was on no image before: it stays on the new one`, advice);
  }
}

function holdForFleet(draft: Draft): void {
  const { window, spec, nowMs } = draft;
  const { loadBalancers, unwell } = window.fleet;
  const { unwell: former } = draft.progress;
  const limit = Math.max(1, (loadBalancers * spec.policy.maxUnwellPercent) / 100);
  if (nowMs >= former.untilMs) {
    if (unwell <= limit) {
      draft.progress = { ...draft.progress, unwell: { looks: 0, untilMs: 0 } };
      return;
    }
    const looks = former.looks + 1;
    draft.progress = { ...draft.progress, unwell: { looks, untilMs: nowMs + pauseMs(looks) } };
  }
  const { untilMs } = draft.progress.unwell;
  draft.dueMs.push(untilMs);
  const message = `${unwell} of ${loadBalancers} load balancers are silent or in ERROR, ${Math.floor(limit)} allowed`;
  hold(draft, 'FLEET_UNWELL', message, `It is looked at again at ${new Date(untilMs).toISOString()}.`);
}

/** The release does not go on to its next part: an operator has to say something, or the cloud does not answer. */
export function isStopped(draft: Draft): boolean {
  return draft.progress.holds.some(({ clears }) => clears === 'operator') || isHeld(draft, 'CLOUD_UNWELL');
}
