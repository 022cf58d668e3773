import type { OctaviaAmphora } from '../model/octavia.ts';
import type { OctaviaEvent, OctaviaReleaseState, OctaviaTarget } from '../model/octavia-release.ts';
import { isServing } from './read-fleet.ts';

/** A load balancer as it is now; null: it is gone. */
export type LoadBalancerNow = { provisioningStatus: string; amphorae: readonly OctaviaAmphora[] } | null;

const AGAIN_MS = 30_000;

/**
 * What became of a failover: shown by the amphorae, whether its answer was seen or not. Pure; null: Octavia is still at it.
 */
export function settleMove(
  state: OctaviaReleaseState,
  target: OctaviaTarget,
  now: LoadBalancerNow,
  nowMs: number,
): OctaviaEvent | null {
  const { loadBalancerId, move, attempt } = target;
  const { image, policy } = state.start;
  if (now === null) return { kind: 'skipped', loadBalancerId, reason: 'was deleted' };
  if (now.provisioningStatus.startsWith('PENDING') || move === null) return null;
  const serving = now.amphorae.filter(isServing);
  const fresh = serving.filter(({ id }) => !move.amphoraIds.includes(id));
  const isLast = attempt >= policy.tries;
  const again = (reason: string): OctaviaEvent => ({
    kind: 'later',
    loadBalancerId,
    notBeforeMs: nowMs + AGAIN_MS * (attempt - 1),
    reason,
  });

  if (move.purpose === 'back') {
    if (now.provisioningStatus === 'ERROR') {
      const reason =
        "is in ERROR after the way back too: look at Octavia's log, then `openstack loadbalancer failover`";
      return isLast ? { kind: 'back', loadBalancerId, state: 'stuck', reason } : again('went to ERROR on its way back');
    }
    if (fresh.length === 0) {
      const reason = 'Octavia did not carry the failover out';
      return isLast ? { kind: 'back', loadBalancerId, state: 'stuck', reason } : again(reason);
    }
    const isWhole = serving.every(({ imageId }) => imageId !== image.id);
    if (!isWhole && fresh.some(({ imageId }) => imageId === image.id)) {
      const reason = `came up on image ${image.id} again`;
      return isLast ? { kind: 'back', loadBalancerId, state: 'stuck', reason } : again(reason);
    }
    return isWhole
      ? { kind: 'back', loadBalancerId, state: 'reverted', reason: 'is back on the former image' }
      : { kind: 'back', loadBalancerId, state: 'failed', reason: 'one of its amphorae is back; the other one is next' };
  }

  if (now.provisioningStatus !== 'ACTIVE') {
    return { kind: 'failed', loadBalancerId, reason: `went from ACTIVE to ${now.provisioningStatus}` };
  }
  if (fresh.length === 0) {
    const reason = 'Octavia did not carry the failover out';
    return isLast ? { kind: 'failed', loadBalancerId, reason } : again(reason);
  }
  const other = fresh.find(({ imageId }) => imageId !== image.id);
  if (!other) {
    return { kind: 'arrived', loadBalancerId, imageIds: [...new Set(serving.flatMap(({ imageId }) => imageId ?? []))] };
  }
  if (state.tag?.to === 'former') return again('took the former image: the tag went back meanwhile');
  return {
    kind: 'failed',
    loadBalancerId,
    reason: `Octavia booted image ${other.imageId ?? 'unknown'} and not ${image.id}: it does not use the tag ${state.start.tag}`,
  };
}

/** Which failover is asked for next; or why none. Pure. */
export function chooseMove(
  state: OctaviaReleaseState,
  target: OctaviaTarget,
  purpose: 'forward' | 'back',
  now: LoadBalancerNow,
  nowMs: number,
): OctaviaEvent {
  const { loadBalancerId } = target;
  const { image } = state.start;
  if (now === null) return { kind: 'skipped', loadBalancerId, reason: 'was deleted' };
  const { provisioningStatus } = now;
  if (provisioningStatus.startsWith('PENDING')) {
    return { kind: 'later', loadBalancerId, notBeforeMs: nowMs + AGAIN_MS, reason: `is ${provisioningStatus}` };
  }
  const serving = now.amphorae.filter(isServing);
  const amphoraIds = now.amphorae.map(({ id }) => id);
  const isError = provisioningStatus === 'ERROR';
  const left = serving.filter(({ imageId }) => (imageId === image.id) === (purpose === 'back'));
  if (purpose === 'back') {
    if (left.length === 0 && !isError) {
      return { kind: 'back', loadBalancerId, state: 'reverted', reason: 'no amphora of it has the new image' };
    }
  } else {
    if (isError && !target.isTouched)
      return { kind: 'skipped', loadBalancerId, reason: 'is in ERROR: fail it over first' };
    if (isError)
      return { kind: 'failed', loadBalancerId, reason: 'went to ERROR with one of its amphorae on the new image' };
    if (left.length === 0) return { kind: 'judged', loadBalancerId, isWhole: true, reason: 'runs the image already' };
  }
  const isPair = serving.length > 1 && serving.some(({ role }) => role === 'BACKUP' || role === 'MASTER');
  // Octavia refuses the failover of an amphora whose load balancer is in ERROR.
  const one = isPair && !isError ? (left.find(({ role }) => role === 'BACKUP') ?? left[0]) : undefined;
  return { kind: 'move', loadBalancerId, purpose, amphoraId: one?.id ?? null, amphoraIds };
}
