import { type KilnError, ServiceError, toKilnError } from '../../model/errors.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import type { Target } from './targets.ts';

/** Before whoever did not answer, or failed, is asked a second time: an agent that has got a new certificate starts anew. */
const SECOND_TRY_AFTER_MS = 1_000;

/** What went wrong with one of several amphorae. */
export interface TargetFailure {
  target: Target;
  error: KilnError;
}

/**
 * Does the same to every amphora that serves a load balancer, to both of a pair at once. One of a pair that does not answer, or
 * fails at whatever it is asked for, holds nothing up: it does not get what the other one gets, and so it must not come back as it
 * was. It is in ERROR from then on, which counts as silence: it is failed over. One that says what is wrong with the request (4xx) is right,
 * and one that is just being built is needed.
 * @param work is done once more for one of a pair that may do better then: `isSecondTry`, for it may have done a part.
 * @throws what went wrong, where that is anything else, or with all of them: what one of them says, where one answers.
 */
export async function onEachTarget(
  deps: Pick<LoadBalancerDeps, 'amphorae' | 'clock' | 'log'>,
  targets: readonly Target[],
  work: (target: Target, isSecondTry: boolean) => Promise<void>,
): Promise<void> {
  const [only] = targets;
  if (only && targets.length === 1) return await work(only, false);
  const failures = await tryEachTarget(deps, targets, work);
  const grave = failures.find(({ error }) => !isUnreachable(error) && !failsAnyway(error)) ?? null;
  if (grave) throw grave.error;
  if (failures.length === targets.length) {
    const told = failures.find(({ error }) => !isUnreachable(error)) ?? failures[0];
    if (told) throw told.error;
  }
  for (const { target, error } of failures) {
    if ((await deps.amphorae.get(target.id))?.status !== 'ALLOCATED') throw error;
    await leaveToFailover(deps, target, error);
  }
}

/** Does the same to all of them at once. Whoever may do better the next time is asked twice. @returns with whom it failed. */
export async function tryEachTarget(
  { clock }: Pick<LoadBalancerDeps, 'clock'>,
  targets: readonly Target[],
  work: (target: Target, isSecondTry: boolean) => Promise<void>,
): Promise<TargetFailure[]> {
  const asked = targets.map((target) => twice(clock, (isSecondTry) => work(target, isSecondTry)));
  const outcomes = await Promise.allSettled(asked);
  return outcomes.flatMap((outcome, index) => {
    const target = targets[index];
    return outcome.status === 'rejected' && target ? [{ target, error: toKilnError(outcome.reason) }] : [];
  });
}

/** Asks an agent once more, after a pause, where it did not answer or failed and may do better then. */
export async function twice(
  clock: LoadBalancerDeps['clock'],
  work: (isSecondTry: boolean) => Promise<void>,
): Promise<void> {
  try {
    await work(false);
  } catch (thrown) {
    const error = toKilnError(thrown);
    if (!isOfAgent(error) || !error.retryable) throw thrown;
    await clock.sleep(SECOND_TRY_AFTER_MS);
    await work(true);
  }
}

export const isUnreachable = ({ code }: KilnError): boolean => code === 'AGENT_UNREACHABLE';

/** The agent does not answer, or does not do what it was asked for. */
export const isOfAgent = (error: KilnError): boolean => isUnreachable(error) || error.code === 'AGENT_REFUSED';

/** It refuses without a word on what is wrong with the request: its certificate has expired, its disk is full. */
function failsAnyway(error: KilnError): boolean {
  const status = error instanceof ServiceError ? error.call.status : null;
  return error.code === 'AGENT_REFUSED' && (status === null || status < 400 || status >= 500);
}

/** One of a pair is in ERROR from now on, which counts as silence: it is failed over, while the other one serves. */
export async function leaveToFailover(
  { amphorae, log }: Pick<LoadBalancerDeps, 'amphorae' | 'log'>,
  { id }: { id: string },
  { code, message, advice }: KilnError,
): Promise<void> {
  log.warn(
    { amphora: id, reason: message },
    'one of a pair does not follow: it is to be failed over, and nothing waits for it',
  );
  await amphorae.update(id, { status: 'ERROR', reason: { code, message, advice } });
}
