import type { Release } from '../../model/release.ts';
import type { LateLoadBalancer, LateQuestion, ReleaseTallies } from '../../model/release-view.ts';
import { bakedAtMs, type Draft, SECOND_MS } from './draft.ts';
import { formerTagged } from './move-tag.ts';
import { emptyWave, extentOf, notYetBack } from './tallies.ts';
import type { JoiningLoadBalancer } from './window.ts';

/** Load balancers that were made while a release ran: before the tag moved on the old image, after that on the new one. */

/** Clocks of controllers, and the time from a request to the choice of its image, may differ by as much. */
const MARGIN_MS = 60_000;

/**
 * What the database is to be asked, once nothing of the release is left to be done: who was left behind. Null: it is too soon.
 * Going on: those that run another image. Going back: those that were made on the new one.
 */
export function lateQuestion(
  { spec, progress, intent, createdAtMs }: Pick<Release, 'spec' | 'progress' | 'intent' | 'createdAtMs'>,
  { counts, waves }: ReleaseTallies,
  nowMs: number,
): LateQuestion | null {
  const { phase, wave, taggedSinceMs } = progress;
  if (intent.want === 'abort') return null;
  const { tag, image, sameImageIds } = spec;
  if (phase === 'rolling-back') {
    if (notYetBack(counts) > 0) return null;
    return { tag, runs: { one: [image.id] }, createdAfterMs: createdAtMs, createdBeforeMs: nowMs + MARGIN_MS };
  }
  const tally = waves[wave] ?? emptyWave;
  const isHeld = progress.holds.some(({ clears }) => clears === 'operator');
  const isLastWave = phase === 'rolling' && wave >= spec.lastWave && bakedAtMs(progress, spec, tally, nowMs) <= nowMs;
  const isCanaryAlone = phase === 'tagging' && spec.lastWave === 0;
  if (!(isLastWave || isCanaryAlone) || isHeld || tally.open > 0) return null;
  return {
    tag,
    runs: { otherThan: [image.id, ...sameImageIds] },
    createdAfterMs: 0,
    createdBeforeMs: (taggedSinceMs ?? nowMs) + MARGIN_MS,
  };
}

/** @returns whether nobody was left behind on an old image; else they are the next wave. */
export function isNobodyBehind(draft: Draft): boolean {
  const late = lateOnes(draft);
  if (!late || late.length === 0) return late !== null;
  const wave = draft.spec.lastWave + 1;
  join(draft, wave, 'pending', late, ({ imageId }) => imageId);
  draft.progress = { ...draft.progress, phase: 'rolling', wave, bakedSinceMs: null, sampledSinceMs: draft.nowMs };
  return false;
}

/** @returns whether nobody is left on the image that is taken back; else they go back to the one that had the tag. */
export function isNobodyAhead(draft: Draft): boolean {
  const { window, spec } = draft;
  const formerImageId = formerTagged(draft)[0] ?? spec.baseline.taggedImageIds.find((id) => id !== spec.image.id);
  // There is nothing that they could go back to, or an operator wants what is made now on the new image.
  if (formerImageId === undefined || window.taggedImageIds?.includes(spec.image.id)) return true;
  const late = lateOnes(draft);
  if (!late || late.length === 0) return late !== null;
  join(draft, spec.lastWave + 1, 'moved', late, () => formerImageId);
  return false;
}

/** Null: they were not looked for, as something was under way. That is done at once. */
function lateOnes({ window, dueMs, nowMs }: Draft): readonly LateLoadBalancer[] | null {
  if (window.late === null) dueMs.push(nowMs + SECOND_MS);
  return window.late;
}

function join(
  draft: Draft,
  wave: number,
  to: 'pending' | 'moved',
  late: readonly LateLoadBalancer[],
  fromImageOf: (one: LateLoadBalancer) => string,
): void {
  const { loadBalancers: known } = extentOf({ counts: draft.window.counts, waves: {} });
  const loadBalancers = late.map(
    (one, index): JoiningLoadBalancer => ({
      loadBalancerId: one.loadBalancerId,
      topology: one.topology,
      fromImageId: fromImageOf(one),
      position: known + index,
    }),
  );
  const who = late.length === 1 ? '1 load balancer was' : `${late.length} load balancers were`;
  const reason =
    to === 'pending'
      ? `${who} made, or fixed, after the plan and before the tag moved: moved as well`
      : `${who} made on the new image: taken back as well`;
  draft.steps.push({ kind: 'join', wave, to, loadBalancers, reason });
  draft.because.push(reason);
}
