import { Counter, type Registry } from 'prom-client';
import { type FailureClass, failureClasses, type HoldCode, holdCodes, targetStates } from '../../model/release.ts';
import type { StoredRelease } from '../../ports/release-store.ts';
import { type LabelledFigure, labelledGauges } from './labelled-gauges.ts';

type Active = readonly Pick<StoredRelease, 'tallies' | 'progress'>[];

const figures: readonly LabelledFigure<Active>[] = [
  {
    name: 'kiln_release_targets',
    help: 'Load balancers of the releases that have not ended, by state: pending, moving, watching, moved, failed, skipped, reverting, reverted, stuck.',
    labels: ['state'],
    of: (active) =>
      targetStates.map((state) => ({
        labels: { state },
        value: active.reduce((sum, { tallies }) => sum + tallies.counts[state], 0),
      })),
  },
  {
    name: 'kiln_release_hold',
    help: 'Releases that do not go on, by why; OPERATOR, GATE, TAG_MOVED, IMAGE_UNUSABLE, FAILURES, INCONCLUSIVE and NO_WAY_BACK wait for an operator.',
    labels: ['code'],
    of: (active) =>
      (Object.keys(holdCodes) as HoldCode[]).map((code) => ({
        labels: { code },
        value: active.filter(({ progress }) => progress.holds.some((hold) => hold.code === code)).length,
      })),
  },
];

/** Of releases that have not ended: their rows have the counts, so that nobody counts load balancers. */
export function releaseMetrics(registry: Registry, active: () => Promise<Active>, monotonicMs: () => number): void {
  labelledGauges(registry, figures, active, monotonicMs);
}

/** @returns counts a load balancer that a release has given up, or found worse than before. */
export function releaseFailureMetric(registry: Registry): (failureClass: FailureClass | null) => void {
  const counter = new Counter({
    name: 'kiln_release_failures_total',
    help: 'Load balancers that failed in a release, by whose fault it was, as this controller (role housekeeping) decided: IMAGE, PLACE, CLOUD, TENANT, BASELINE, INTERFERENCE, CONTROL.',
    labelNames: ['class'],
    registers: [registry],
  });
  for (const failureClass of failureClasses) counter.inc({ class: failureClass }, 0);
  return (failureClass) => counter.inc({ class: failureClass ?? 'CONTROL' });
}
