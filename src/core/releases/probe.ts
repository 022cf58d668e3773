import type { FailureClass, ProbePlace } from '../../model/release.ts';
import type { ProbeNow } from '../../model/release-view.ts';
import { stableId } from '../operations/stable-id.ts';
import { classifyFailure, isNoRoom } from './classify-failure.ts';
import { type Draft, hold, isHeld, pauseMs } from './draft.ts';
import { isStopped } from './holds.ts';

/** A probe that failed so often by the image, or by its host, has failed: on as many hosts it is the image. */
const IMAGE_FAULTS = 2;
const imageOrHost: ReadonlySet<FailureClass> = new Set(['IMAGE', 'PLACE']);

/** Of a try at a place: whoever looks for what an older one left finds it by this. */
export function probeAmphoraId(releaseId: string, { flavorId, zone }: ProbePlace, attempt: number): string {
  return stableId(releaseId, `probe ${JSON.stringify([flavorId, zone])} ${attempt}`);
}

export const isSamePlace = (one: ProbePlace, other: ProbePlace) =>
  one.flavorId === other.flavorId && one.zone === other.zone;

/** Of all tries at a place: so that another try is on another host. */
export function probeServerGroup(releaseId: string, place: ProbePlace): string {
  return `octavia-probe-${probeAmphoraId(releaseId, place, 1)}`;
}

/** Whether one that fails by its host is tried once more, on another one. */
export const isTriedOnceMore = ({ imageFaults }: { imageFaults: number }) => imageFaults + 1 < IMAGE_FAULTS;

export type ProbeResult = 'passed' | 'rejected' | 'open';

/** Starts what is not proved yet, and says how it stands. */
export function runProbes(draft: Draft): ProbeResult {
  const { spec } = draft;
  const results = spec.probes.map((place) => runProbe(draft, place, newestOf(draft, place)));
  if (results.includes('rejected')) return 'rejected';
  return results.every((one) => one === 'passed') ? 'passed' : 'open';
}

function newestOf({ window }: Draft, place: ProbePlace): ProbeNow | null {
  return window.probes.find((one) => isSamePlace(one.place, place)) ?? null;
}

function runProbe(draft: Draft, place: ProbePlace, newest: ProbeNow | null): ProbeResult {
  const { spec, nowMs } = draft;
  const where = `flavor ${place.flavorId ?? 'of the options'}, zone ${place.zone ?? 'of the options'}`;
  if (newest === null) return start(draft, place, 1, 0, `proved before any traffic: ${where}`);
  if (newest.state === 'passed') return 'passed';
  const deadlineMs = newest.startedAtMs + spec.policy.probeSeconds * 1000;
  draft.dueMs.push(deadlineMs);
  if (newest.state === 'running' && nowMs < deadlineMs) return 'open';
  const isOverdue = newest.state === 'running';
  const found = isOverdue ? 'IMAGE' : classifyFailure(newest.error, newest.imageFaults + 1);
  const what = isOverdue
    ? `the probe did not end in ${spec.policy.probeSeconds} s`
    : `${newest.error?.code}: ${newest.error?.message}`;
  const isOfImage = imageOrHost.has(found);
  const imageFaults = newest.imageFaults + (isOfImage ? 1 : 0);
  if (imageFaults >= IMAGE_FAULTS) {
    draft.because.push(`the probe failed ${imageFaults} times by the image (${where}): ${what}`);
    return 'rejected';
  }
  // Nobody waits for a probe: another host is tried at once. What ails the cloud is given time.
  const againMs = isOfImage ? nowMs : (newest.endedAtMs ?? deadlineMs) + pauseMs(newest.attempt);
  if (nowMs < againMs) {
    draft.dueMs.push(againMs);
    const code = isNoRoom(newest.error) ? 'NO_ROOM' : 'CLOUD_UNWELL';
    hold(draft, code, `the probe failed (${where}): ${what}`, 'It is tried again by itself.');
    return 'open';
  }
  return start(draft, place, newest.attempt + 1, imageFaults, `${what}; tried again: ${where}`);
}

function start(draft: Draft, place: ProbePlace, attempt: number, imageFaults: number, reason: string): ProbeResult {
  if (!isStopped(draft) && !isHeld(draft, 'NO_ROOM'))
    draft.steps.push({ kind: 'probe', place, attempt, imageFaults, reason });
  return 'open';
}
