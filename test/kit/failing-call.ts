import type { LoadBalancerDeps } from '../../src/flows/load-balancer/deps.ts';
import { KilnError } from '../../src/model/errors.ts';
import { aroundCalls } from './fault-injection.ts';

export interface FailingCall {
  deps: LoadBalancerDeps;
  /** How many there were. */
  calls(): number;
  /** Which one failed; empty: none has. */
  failed(): string;
}

/**
 * Of the calls to the cloud and the agents whose names match, the n-th fails, for good if nothing else is said.
 * @param moment whether it is not carried out, or is.
 */
export function failingAtCall(
  deps: LoadBalancerDeps,
  n: number,
  names: RegExp,
  moment: 'before' | 'behind' = 'before',
  failure?: KilnError,
): FailingCall {
  let calls = 0;
  let failed = '';
  const around = async (name: string, carryOut: () => Promise<unknown>) => {
    const isNow = ++calls === n;
    if (!isNow) return await carryOut();
    failed = name;
    if (moment === 'behind') await carryOut();
    throw failure ?? new KilnError('SERVICE_REJECTED_REQUEST', `${name} was made to fail`);
  };
  const { compute, network, agent } = deps;
  return {
    deps: {
      ...deps,
      compute: aroundCalls(compute, names, around),
      network: aroundCalls(network, names, around),
      agent: aroundCalls(agent, names, around),
    },
    calls: () => calls,
    failed: () => failed,
  };
}

/** What a process does that is killed behind a call: it does not see the answer, and its claim goes to another. */
export const killed = () => new KilnError('FENCED', 'killed');
