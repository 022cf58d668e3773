import type { StepRun } from '../engine/flow.ts';

/** Aborted when a step that only waits has no reason to any more: the worker is to stop, or the flow goes back. */
export const waitSignal = ({ stop, cancelled }: Pick<StepRun, 'stop' | 'cancelled'>): AbortSignal =>
  AbortSignal.any([stop, cancelled]);
