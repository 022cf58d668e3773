import { KilnError } from '../../model/errors.ts';
import type { StepRun } from '../engine/flow.ts';

/** Aborted when a step that only waits has no reason to any more: the worker is to stop, or the flow goes back. */
export const waitSignal = ({ stop, cancelled }: Pick<StepRun, 'stop' | 'cancelled'>): AbortSignal =>
  AbortSignal.any([stop, cancelled]);

/**
 * A wait that ends when the worker is to stop: the next one waits anew.
 * @throws CANCELLED then, which leaves the step to the next worker.
 */
export async function whileWorking<Result>(
  run: Pick<StepRun, 'stop' | 'cancelled'>,
  wait: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  try {
    return await wait(waitSignal(run));
  } catch (error) {
    if (run.stop.aborted && !(error instanceof KilnError))
      throw new KilnError('CANCELLED', 'the worker stops while an amphora is being built', { cause: error });
    throw error;
  }
}
