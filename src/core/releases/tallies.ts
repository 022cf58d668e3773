import { type Target, type TargetState, targetStates } from '../../model/release.ts';
import type { ReleaseTallies, WaveTally } from '../../model/release-view.ts';

const openStates: readonly TargetState[] = ['pending', 'moving', 'watching'];
/** Of a wave in which there is nobody. */
export const emptyWave: WaveTally = { open: 0, pass: 0, fail: 0, noData: 0 };

/** How many of a release's load balancers are in which state, and how its waves went. */
export function tallyOf(targets: readonly Target[]): ReleaseTallies {
  const none: ReleaseTallies = {
    counts: Object.fromEntries(targetStates.map((state) => [state, 0])) as Record<TargetState, number>,
    waves: {},
  };
  return targets.reduce((tallies, target) => changeTally(tallies, null, target), none);
}

/** How many of them a release that goes back is not done with. */
export function notYetBack({ moving, watching, reverting, moved, failed }: ReleaseTallies['counts']): number {
  return moving + watching + reverting + moved + failed;
}

/** How many load balancers a release is for by now, and the number of its last wave: those that were found late are among them. */
export function extentOf({ counts, waves }: ReleaseTallies): { loadBalancers: number; lastWave: number } {
  return {
    loadBalancers: Object.values(counts).reduce((sum, count) => sum + count, 0),
    lastWave: Math.max(0, ...Object.keys(waves).map(Number)),
  };
}

/** The same after one of them has changed. */
export function changeTally(tallies: ReleaseTallies, before: Target | null, after: Target): ReleaseTallies {
  const counts = { ...tallies.counts };
  const wave = { ...(tallies.waves[after.wave] ?? emptyWave) };
  const add = (target: Target, by: number) => {
    counts[target.state] += by;
    const field = fieldOf(target);
    if (field) wave[field] += by;
  };
  if (before) add(before, -1);
  add(after, 1);
  return { counts, waves: { ...tallies.waves, [after.wave]: wave } };
}

/** Null: it says nothing of its wave. */
function fieldOf({ state, verdict }: Target): keyof WaveTally | null {
  if (openStates.includes(state)) return 'open';
  if (state === 'failed' || verdict === 'fail') return 'fail';
  if (verdict === 'pass') return 'pass';
  return verdict === 'no data' ? 'noData' : null;
}
