import { type KilnError, toKilnError } from '../../model/errors.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import type { Target } from './targets.ts';

const SECOND_TRY_AFTER_MS = 1_000;

/**
 * Does the same to every amphora that serves a load balancer, to both of a pair at once. One of a pair that does not answer
 * holds nothing up: it does not get what the other one gets, and so it must not come back as it was. It is in ERROR from then
 * on, which counts as silence: it is failed over.
 * @param work is done once more for one of a pair that did not answer: `isSecondTry`, for it may have done a part.
 * @throws what went wrong, where that is anything else, or where nobody answers.
 */
export async function onEachTarget(
  deps: Pick<LoadBalancerDeps, 'amphorae' | 'clock' | 'log'>,
  targets: readonly Target[],
  work: (target: Target, isSecondTry: boolean) => Promise<void>,
): Promise<void> {
  const [only] = targets;
  if (only && targets.length === 1) return await work(only, false);
  const patiently = async (target: Target) => {
    try {
      await work(target, false);
    } catch (error) {
      // An agent that has got a new certificate starts anew.
      if (!isUnreachable(error)) throw error;
      await deps.clock.sleep(SECOND_TRY_AFTER_MS);
      await work(target, true);
    }
  };
  const outcomes = await Promise.allSettled(targets.map(patiently));
  const failures = outcomes.flatMap((outcome, index) => {
    const target = targets[index];
    return outcome.status === 'rejected' && target ? [{ target, error: toKilnError(outcome.reason) }] : [];
  });
  const grave = failures.find(({ error }) => !isUnreachable(error)) ?? null;
  if (grave) throw grave.error;
  if (failures.length === targets.length && failures[0]) throw failures[0].error;
  for (const { target, error } of failures) await leaveToFailover(deps, target, error);
}

export const isUnreachable = (error: unknown): boolean => (error as { code?: unknown }).code === 'AGENT_UNREACHABLE';

async function leaveToFailover(
  { amphorae, log }: Pick<LoadBalancerDeps, 'amphorae' | 'log'>,
  { id }: Target,
  { code, message, advice }: KilnError,
): Promise<void> {
  log.warn({ amphora: id, reason: message }, 'one of a pair does not answer: the change goes on without it');
  await amphorae.update(id, { status: 'ERROR', reason: { code, message, advice } });
}
