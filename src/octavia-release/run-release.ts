import { growingPauseMs } from '../lib/growing-pause.ts';
import { KilnError, noneIfGone, ServiceError } from '../model/errors.ts';
import {
  endedOctaviaPhases,
  type OctaviaEvent,
  type OctaviaLook,
  type OctaviaReleaseState,
  type OctaviaTarget,
} from '../model/octavia-release.ts';
import type { OctaviaReleaseLog } from '../ports/octavia-release-log.ts';
import type { OctaviaReleaseReport } from '../ports/octavia-releases.ts';
import { whyWorse } from './compare-looks.ts';
import { type Action, type CloudNow, decide } from './decide.ts';
import type { ReleaseDeps } from './deps.ts';
import { listTagged, whyNotBootable } from './find-image.ts';
import { lockImages, unlockImages } from './lock-images.ts';
import { moveTag } from './move-tag.ts';
import { probeImage } from './probe-image.ts';
import { isServing } from './read-fleet.ts';
import { replay } from './replay.ts';
import { chooseMove, type LoadBalancerNow, settleMove } from './settle.ts';

const BUSY_PAUSE_MS = 30_000;
const LONGEST_PAUSE_MS = 60_000;

/**
 * Carries a release out until it has ended, or waits for an operator. Whatever happens to this process, the next one goes on from the
 * file.
 * @param before what was read of the file so far; null: nothing.
 */
export async function runRelease(
  deps: ReleaseDeps,
  log: OctaviaReleaseLog,
  before: OctaviaReleaseState | null,
  report: OctaviaReleaseReport,
  signal: AbortSignal,
): Promise<OctaviaReleaseState> {
  const { octavia, images, marks, clock, pollMs } = deps;
  let known = before;

  async function refresh(): Promise<OctaviaReleaseState> {
    const records = await log.read();
    known = replay(known, records);
    if (known === null) throw new KilnError('STATE_UNUSABLE', 'the state file is empty');
    if (records.length > 0) report.records(records, known);
    return known;
  }
  async function write(event: OctaviaEvent): Promise<OctaviaReleaseState> {
    await log.append(event);
    return await refresh();
  }

  async function look({ start }: OctaviaReleaseState): Promise<CloudNow> {
    const [pending, tagged, image] = await Promise.all([
      octavia.listLoadBalancers({ provisioningStatus: 'PENDING_UPDATE' }, signal),
      listTagged(images, start.tag, signal),
      images.get(start.image.id).catch(noneIfGone),
    ]);
    const marked = image === null ? start.formerImageIds[0] : image.id;
    const mark = marked === undefined ? null : await marks.read(marked).catch(noneIfGone);
    return {
      pendingIds: new Set(pending.map(({ id }) => id)),
      taggedIds: tagged.map(({ id }) => id),
      mark,
      imageFault: image === null ? 'is gone' : whyNotBootable(image),
    };
  }

  async function perform(action: Action, state: OctaviaReleaseState): Promise<void> {
    const { start } = state;
    switch (action.do) {
      case 'lock':
        await write({ kind: 'lock', imageIds: [start.image.id, ...start.formerImageIds] });
        await lockImages(deps, start, signal).catch(async (error: unknown) => {
          if (error instanceof KilnError && error.code === 'RESOURCE_CONFLICT') {
            await write({ kind: 'phase', phase: 'aborted', reason: error.message });
          }
          throw error;
        });
        await write(
          start.probes.length > 0
            ? { kind: 'phase', phase: 'probing', reason: "the images are marked as this release's" }
            : { kind: 'phase', phase: 'canary', reason: 'no probe was asked for' },
        );
        return;
      case 'probe': {
        const isUnwanted = async () => (await refresh()).intent.want !== 'run';
        const why = await probeImage(deps, state, async (event) => void (await write(event)), isUnwanted, signal);
        if (why !== null) await write({ kind: 'phase', phase: 'rejected', reason: why });
        else if (!(await isUnwanted())) {
          await write({ kind: 'phase', phase: 'canary', reason: 'the image boots and serves' });
        }
        return;
      }
      case 'tag': {
        await write({ kind: 'tag', to: action.to });
        const hold = await moveTag(deps, start, action.to);
        await write(hold === null ? { kind: 'tagged', to: action.to } : { kind: 'hold', ...hold });
        return;
      }
      case 'phase':
        await write({ kind: 'phase', phase: action.phase, reason: action.reason });
        return;
      case 'wave':
      case 'baked':
        await write({ kind: action.do, wave: action.wave });
        return;
      case 'hold':
        await write({ kind: 'hold', ...action.hold });
        return;
      case 'clear':
        await write({ kind: 'cleared', code: action.code });
        return;
      default: {
        const target = state.targets.get(action.loadBalancerId);
        if (target) await performOn(target, action, state);
      }
    }
  }

  async function performOn(
    target: OctaviaTarget,
    action: Extract<Action, { loadBalancerId: string }>,
    state: OctaviaReleaseState,
  ): Promise<void> {
    const { loadBalancerId } = target;
    const nowMs = () => clock.now().getTime();
    if (action.do === 'settle') {
      const event = settleMove(state, target, await loadBalancerNow(loadBalancerId), nowMs());
      if (event) await write(event);
    } else if (action.do === 'move') {
      if (action.purpose === 'forward' && target.state === 'measuring') await lookAt(loadBalancerId);
      const event = chooseMove(state, target, action.purpose, await loadBalancerNow(loadBalancerId), nowMs());
      await write(event);
      if (event.kind === 'move') await send(event);
    } else {
      const seen = await lookAt(loadBalancerId);
      if (seen && action.do === 'judge') await judgeNow(loadBalancerId, await refresh());
    }
  }

  async function send({ loadBalancerId, amphoraId }: Extract<OctaviaEvent, { kind: 'move' }>): Promise<void> {
    try {
      if (amphoraId === null) await octavia.failoverLoadBalancer(loadBalancerId);
      else await octavia.failoverAmphora(amphoraId);
      await write({ kind: 'sent', loadBalancerId });
    } catch (error) {
      // Whether it was carried out is seen with the next looks.
      if (!(error instanceof ServiceError) || error.call.outcomeUnknown) throw error;
      const notBeforeMs = clock.now().getTime() + BUSY_PAUSE_MS;
      await write({ kind: 'later', loadBalancerId, notBeforeMs, reason: error.message });
      if (error.code !== 'SERVICE_CONFLICT' && error.code !== 'SERVICE_NOT_FOUND') throw error;
    }
  }

  /** Null: it is gone. */
  async function loadBalancerNow(id: string): Promise<LoadBalancerNow> {
    try {
      const { provisioningStatus } = await octavia.getLoadBalancer(id);
      if (provisioningStatus === 'DELETED' || provisioningStatus === 'PENDING_DELETE') return null;
      return { provisioningStatus, amphorae: await octavia.listAmphorae({ loadBalancerId: id }, signal) };
    } catch (error) {
      return noneIfGone(error);
    }
  }

  /** False: it is gone. */
  async function lookAt(loadBalancerId: string): Promise<boolean> {
    try {
      const [tree, statistics, amphorae] = await Promise.all([
        octavia.getStatusTree(loadBalancerId),
        octavia.getStatistics(loadBalancerId),
        octavia.listAmphorae({ loadBalancerId }, signal),
      ]);
      const imageIds = new Set(amphorae.filter(isServing).flatMap(({ imageId }) => imageId ?? []));
      const seen: OctaviaLook = { ...tree, ...statistics, imageIds: [...imageIds], atMs: clock.now().getTime() };
      await write({ kind: 'look', loadBalancerId, look: seen });
      return true;
    } catch (error) {
      noneIfGone(error);
      await write({ kind: 'skipped', loadBalancerId, reason: 'was deleted' });
      return false;
    }
  }

  async function judgeNow(loadBalancerId: string, { start, targets }: OctaviaReleaseState): Promise<void> {
    const target = targets.get(loadBalancerId);
    if (!target) return;
    const why = whyWorse(target, start.image.id);
    const last = target.after.at(-1);
    const isWhole = last?.imageIds.every((id) => id === start.image.id) === true;
    await write(
      why === null
        ? { kind: 'judged', loadBalancerId, isWhole, reason: 'as well as before, as far as Octavia tells' }
        : { kind: 'failed', loadBalancerId, reason: why },
    );
  }

  let failures = 0;
  for (;;) {
    let pauseMs = pollMs;
    try {
      const state = await refresh();
      if (endedOctaviaPhases.includes(state.phase)) {
        await unlockImages(deps, state.start);
        return state;
      }
      const isTouched = state.phase !== 'locking';
      const now = isTouched
        ? await look(state)
        : { pendingIds: new Set<string>(), taggedIds: [], mark: null, imageFault: null };
      const { actions, isOver } = decide(state, now, clock.now().getTime());
      if (isOver) return state;
      for (const action of actions) {
        const current = await refresh();
        // An operator has said something meanwhile.
        if (current.intent !== state.intent) break;
        await perform(action, current);
      }
      failures = 0;
      // Something new may follow at once; with nothing to do, Octavia is asked again later.
      if (actions.length > 0 && actions.every(({ do: what }) => what !== 'settle' && what !== 'move')) continue;
    } catch (error) {
      if (signal.aborted || !(error instanceof ServiceError) || !error.retryable) throw error;
      pauseMs = growingPauseMs(++failures, { firstMs: 2 * pollMs, longestMs: Math.max(LONGEST_PAUSE_MS, pollMs) });
      report.trouble(error.message, pauseMs);
    }
    await clock.sleep(pauseMs, signal);
  }
}
