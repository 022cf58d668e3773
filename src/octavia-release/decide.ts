import { openingAt } from '../core/releases/maintenance-window.ts';
import {
  endedOctaviaPhases,
  type OctaviaHold,
  type OctaviaPhase,
  type OctaviaReleaseState,
  type OctaviaTarget,
} from '../model/octavia-release.ts';

/** What is true in the cloud at the moment of a decision. */
export interface CloudNow {
  /** Load balancers that are PENDING_UPDATE. */
  pendingIds: ReadonlySet<string>;
  /** Images that carry the tag. */
  taggedIds: readonly string[];
  /** What the image's property `kiln_release` says; once the image is gone, that of the former one. */
  mark: string | null;
  /** Why the new image can't be booted: it is gone, hidden, not active. Null: it can. */
  imageFault: string | null;
}

export type Action =
  | { do: 'lock' | 'probe' }
  | { do: 'tag'; to: 'new' | 'former' }
  /** Sees what became of a failover. */
  | { do: 'settle'; loadBalancerId: string }
  | { do: 'look'; loadBalancerId: string }
  | { do: 'judge'; loadBalancerId: string }
  | { do: 'move'; loadBalancerId: string; purpose: 'forward' | 'back' }
  | { do: 'phase'; phase: OctaviaPhase; reason: string }
  | { do: 'wave'; wave: number }
  | { do: 'baked'; wave: number }
  | { do: 'hold'; hold: OctaviaHold }
  | { do: 'clear'; code: OctaviaHold['code'] };

export interface Decision {
  actions: readonly Action[];
  /** Nothing is left to be done before an operator says something. */
  isOver: boolean;
}

const PENDING_LONG_MS = 15 * 60_000;
/** Moved and not judged, for each failover at once. */
const UNPROVEN_FACTOR = 4;

/**
 * What is done next. Pure: the same state in the same cloud at the same time gives the same answer, so that a process which is killed
 * and one that goes on decide alike.
 */
export function decide(state: OctaviaReleaseState, now: CloudNow, nowMs: number): Decision {
  if (endedOctaviaPhases.includes(state.phase)) return { actions: [], isOver: true };
  if (state.phase === 'locking') return decideBefore(state, { do: 'lock' });
  const targets = [...state.targets.values()];
  const underWay = targets.filter((one) => one.state === 'moving' || one.state === 'reverting');
  const ended = underWay.filter(({ loadBalancerId }) => !now.pendingIds.has(loadBalancerId));
  const actions: Action[] = ended.map(({ loadBalancerId }) => ({ do: 'settle', loadBalancerId }));
  actions.push(...holdsOf(state, now, underWay, nowMs));
  // What is seen now may change everything below.
  if (actions.length > 0) return { actions, isOver: false };
  if (state.phase === 'probing') return decideBefore(state, { do: 'probe' });

  const isHeld = state.holds.length > 0;
  const { want } = state.intent;
  if (isInterference(state)) return { actions: [], isOver: underWay.length === 0 };
  if (want === 'rollback' && state.phase !== 'rolling-back') {
    return only({ do: 'phase', phase: 'rolling-back', reason: state.intent.reason || 'an operator said so' });
  }
  if (state.phase === 'rolling-back') return goBack(state, targets, underWay, nowMs);
  if (want === 'abort') {
    if (underWay.length > 0) return waiting;
    return only({ do: 'phase', phase: 'aborted', reason: state.intent.reason || 'an operator said so' });
  }

  const failed = targets.filter((one) => one.state === 'failed');
  if (failed.length > 0) return saveFailed(state, failed, underWay, nowMs);
  const watched = judgements(state, targets, nowMs);
  const isWatching = targets.some((one) => one.state === 'watching');
  if (isHeld || want === 'pause') {
    const isOver = underWay.length === 0 && !isWatching && state.holds.every(({ clears }) => clears === 'operator');
    return { actions: watched, isOver };
  }
  // One that is worse than before stops what would be moved now.
  if (watched.length > 0) return { actions: watched, isOver: false };
  if (state.tag?.to !== 'new' || !state.tag.isDone) return only({ do: 'tag', to: 'new' });
  return { actions: goOn(state, targets, underWay, nowMs), isOver: false };
}

const waiting: Decision = { actions: [], isOver: false };
const only = (action: Action): Decision => ({ actions: [action], isOver: false });

/** Nothing is touched yet: whoever does not want it any more need not go back. */
function decideBefore({ intent }: OctaviaReleaseState, action: Action): Decision {
  if (intent.want === 'pause') return { actions: [], isOver: true };
  if (intent.want === 'run') return only(action);
  return only({ do: 'phase', phase: 'aborted', reason: intent.reason || 'an operator said so' });
}

/** Somebody else is at it, or there is no image to go back to. An operator who gives up what is under way may do so all the same. */
function isInterference({ holds, intent: { want } }: OctaviaReleaseState): boolean {
  const has = (code: OctaviaHold['code']) => holds.some((one) => one.code === code);
  if (has('NO_WAY_BACK') || has('LOCK_TAKEN')) return want !== 'abort';
  return has('TAG_MOVED') && (want === 'run' || want === 'pause');
}

/** Holds that begin or end by what is seen. */
function holdsOf(
  state: OctaviaReleaseState,
  now: CloudNow,
  underWay: readonly OctaviaTarget[],
  nowMs: number,
): Action[] {
  const { releaseId, tag, image, formerImageIds } = state.start;
  const actions: Action[] = [];
  const has = (code: OctaviaHold['code']) => state.holds.some((one) => one.code === code);
  const raise = (code: OctaviaHold['code'], clears: OctaviaHold['clears'], message: string, advice: string) => {
    if (!has(code)) actions.push({ do: 'hold', hold: { code, clears, message, advice } });
  };
  if (now.mark !== releaseId) {
    raise(
      'LOCK_TAKEN',
      'operator',
      `the property kiln_release of image ${image.id} is ${now.mark ?? 'gone'} and was ${releaseId}: somebody else is at it`,
      `Find out who. To go on: \`openstack image set --property kiln_release=${releaseId} ${image.id}\`, then \`kiln release resume --octavia\`.`,
    );
  }
  const isForward = state.tag?.to !== 'former' && state.phase !== 'probing';
  if (isForward && now.imageFault !== null) {
    raise(
      'IMAGE_UNUSABLE',
      'operator',
      `image ${image.id} ${now.imageFault}: nothing boots it any more`,
      '`kiln release rollback --octavia` goes back. Where it is hidden or deactivated only: `openstack image set --unhidden` or `--activate`, then `kiln release resume --octavia`.',
    );
  }
  // An image that can't be booted is found by no tag.
  const isLost = isForward && now.imageFault !== null && now.taggedIds.length === 0;
  if (state.tag?.isDone && !isLost) {
    const expected = state.tag.to === 'new' ? [image.id] : formerImageIds;
    // A former image may have been deleted since.
    if (now.taggedIds.length === 0 || !now.taggedIds.every((id) => expected.includes(id))) {
      raise(
        'TAG_MOVED',
        'operator',
        `the tag ${tag} is on ${now.taggedIds.join(', ') || 'no image'} and not on ${expected.join(', ')}: somebody moved it`,
        `Find out who. Put it back (\`openstack image set --tag ${tag} IMAGE\`, \`unset\`), then \`kiln release resume --octavia\`.`,
      );
    }
  }
  const late = underWay.filter(({ sinceMs, loadBalancerId }) => {
    return now.pendingIds.has(loadBalancerId) && nowMs - sinceMs > PENDING_LONG_MS;
  });
  if (late.length > 0) {
    raise(
      'PENDING_LONG',
      'itself',
      `Octavia is at load balancer ${late.map(({ loadBalancerId }) => loadBalancerId).join(', ')} for more than 15 minutes`,
      'Look at its workers: their log, and whether they run. It goes on when that is over. Never set the status in its database: a worker may still be at it.',
    );
  } else if (has('PENDING_LONG')) actions.push({ do: 'clear', code: 'PENDING_LONG' });
  return actions;
}

/** One is enough to stop: the tag goes back first, so that failing it over again gives it the former image. */
function saveFailed(
  state: OctaviaReleaseState,
  failed: readonly OctaviaTarget[],
  underWay: readonly OctaviaTarget[],
  nowMs: number,
): Decision {
  if (!isBack(state)) return only({ do: 'tag', to: 'former' });
  const [first] = failed as readonly [OctaviaTarget];
  if (!state.holds.some(({ code }) => code === 'FAILURES')) {
    return only({
      do: 'hold',
      hold: {
        code: 'FAILURES',
        clears: 'operator',
        message: `load balancer ${first.loadBalancerId}: ${first.reason}. The tag is back on ${state.start.formerImageIds.join(', ')}`,
        advice:
          'Look at it. `kiln release rollback --octavia` takes back what has moved; `kiln release resume --octavia` goes on without this one.',
      },
    });
  }
  const isBusy = underWay.some((one) => one.state === 'reverting');
  const due = failed.find(({ notBeforeMs }) => notBeforeMs <= nowMs);
  return !isBusy && due ? only({ do: 'move', loadBalancerId: due.loadBalancerId, purpose: 'back' }) : waiting;
}

const isBack = ({ tag }: OctaviaReleaseState) => tag?.to === 'former' && tag.isDone;

function goBack(
  state: OctaviaReleaseState,
  targets: readonly OctaviaTarget[],
  underWay: readonly OctaviaTarget[],
  nowMs: number,
): Decision {
  if (state.tag !== null && !isBack(state)) return only({ do: 'tag', to: 'former' });
  const settled: readonly OctaviaTarget['state'][] = ['moving', 'reverting', 'reverted', 'stuck', 'skipped'];
  const open = targets.filter((one) => one.isTouched && !settled.includes(one.state));
  // The worst first.
  const due = open
    .filter(({ notBeforeMs }) => notBeforeMs <= nowMs)
    .sort((one, other) => Number(other.state === 'failed') - Number(one.state === 'failed'));
  const free = Math.max(0, state.start.policy.maxParallel - underWay.length);
  if (open.length === 0 && underWay.length === 0) {
    const stuck = targets.filter((one) => one.state === 'stuck').length;
    const reason = stuck === 0 ? 'all are back on the former image' : `${stuck} could not be taken back`;
    return only({ do: 'phase', phase: 'rolled-back', reason });
  }
  if (state.holds.some(({ code }) => code === 'PENDING_LONG')) return waiting;
  return {
    actions: due.slice(0, free).map(({ loadBalancerId }): Action => ({ do: 'move', loadBalancerId, purpose: 'back' })),
    isOver: false,
  };
}

/** Looks at those that have moved; judged when they were watched for long enough. */
function judgements(state: OctaviaReleaseState, targets: readonly OctaviaTarget[], nowMs: number): Action[] {
  const { settleSeconds, watchSeconds } = state.start.policy;
  const actions: Action[] = [];
  for (const { state: now, sinceMs, after, loadBalancerId } of targets) {
    if (now !== 'watching') continue;
    const [first] = after;
    if (!first) {
      if (nowMs - sinceMs >= settleSeconds * 1000) actions.push({ do: 'look', loadBalancerId });
    } else if (nowMs - first.atMs >= watchSeconds * 1000) actions.push({ do: 'judge', loadBalancerId });
  }
  return actions;
}

/** The wave that runs: measure, move; behind it bake, gate, the next one. */
function goOn(
  state: OctaviaReleaseState,
  targets: readonly OctaviaTarget[],
  underWay: readonly OctaviaTarget[],
  nowMs: number,
): Action[] {
  const { policy } = state.start;
  const own = targets.filter(({ wave }) => wave === state.wave);
  const open = own.filter((one) => ['pending', 'measuring', 'moving', 'watching'].includes(one.state));
  if (open.length === 0) return behindWave(state, targets, nowMs);
  const isCanary = state.phase === 'canary';
  const atOnce = isCanary ? 1 : policy.maxParallel;
  // The second half of a pair goes on whatever the time: half a pair is worse than either end.
  const halves = open.filter((one) => one.state === 'pending' && one.isTouched && one.notBeforeMs <= nowMs);
  const measured = open.filter(({ state: now, before }) => {
    const [first] = before;
    return now === 'measuring' && first !== undefined && nowMs - first.atMs >= policy.beforeSeconds * 1000;
  });
  const isOpen = openingAt(policy.windows, nowMs, 2 * MOVE_MS).isOpen;
  const next = [...halves, ...(isOpen ? measured : [])].slice(0, Math.max(0, atOnce - underWay.length));
  const actions = next.map(({ loadBalancerId }): Action => ({ do: 'move', loadBalancerId, purpose: 'forward' }));
  if (!isOpen) return actions;
  const unproven = open.filter((one) => one.state !== 'pending' || one.isTouched).length;
  const room = (isCanary ? 1 : UNPROVEN_FACTOR * policy.maxParallel) - unproven;
  const toMeasure = open
    .filter((one) => one.state === 'pending' && !one.isTouched && one.notBeforeMs <= nowMs)
    .sort((one, other) => one.position - other.position)
    .slice(0, Math.max(0, room));
  return [...actions, ...toMeasure.map(({ loadBalancerId }): Action => ({ do: 'look', loadBalancerId }))];
}

/** How long a failover takes, where nobody has reported. */
const MOVE_MS = 60_000;

function behindWave(state: OctaviaReleaseState, targets: readonly OctaviaTarget[], nowMs: number): Action[] {
  const { policy } = state.start;
  const later = targets.filter(({ wave }) => wave > state.wave);
  if (later.length === 0) {
    return [{ do: 'phase', phase: 'completed', reason: 'all load balancers have the image, or a reason why not' }];
  }
  if (state.bakedSinceMs === null) return [{ do: 'baked', wave: state.wave }];
  const bakeSeconds = state.phase === 'canary' ? policy.canaryBakeSeconds : policy.waveBakeSeconds;
  if (nowMs - state.bakedSinceMs < bakeSeconds * 1000) return [];
  if (policy.gatesAfterWaves.includes(state.wave) && !state.passedGates.includes(state.wave)) {
    const what = state.wave === 0 ? 'the canary' : `wave ${state.wave}`;
    return [
      {
        do: 'hold',
        hold: {
          code: 'GATE',
          clears: 'operator',
          message: `${what} is done: the policy asks for an operator's word`,
          advice: 'Look at them; then `kiln release resume --octavia` or `kiln release rollback --octavia`.',
        },
      },
    ];
  }
  const wave = Math.min(...later.map((one) => one.wave));
  return [
    { do: 'wave', wave },
    ...(state.phase === 'canary' ? [{ do: 'phase', phase: 'rolling', reason: 'the canary is well' } as const] : []),
  ];
}
