import type { OperationSubject } from '../../core/operations/operation-subject.ts';
import {
  failed,
  type Outcome,
  unchanged,
  wholeTree,
  withLoadBalancerInError,
} from '../../core/operations/settlement.ts';
import type { LoadBalancerTree } from '../../model/load-balancer.ts';
import type { Settlement } from '../../ports/load-balancer-store.ts';
import type { Step, StepRun } from '../engine/flow.ts';
import type { LoadBalancerParts } from '../load-balancer/parts.ts';

export type LoadBalancerInput = { loadBalancerId: string; resourceId: string };

/**
 * Does nothing; the first step of a flow, and so undone last: the load balancer is told of the failure, and why. It is in
 * ERROR when something could not be undone: nobody knows then what its amphorae run. Failover and deletion begin anew.
 * @param outcomeOf which rows are in ERROR then.
 */
export function markErrorOnRevert(
  outcomeOf: (parts: LoadBalancerParts, tree: LoadBalancerTree, input: LoadBalancerInput) => Outcome | Promise<Outcome>,
): Step<LoadBalancerParts, LoadBalancerInput, Record<string, never>> {
  return {
    name: 'mark-error-on-revert',
    do: async () => ({}),
    settleUndone: (parts, input, run) =>
      settlementOf(parts, input.loadBalancerId, run, async (tree) => {
        const outcome = await outcomeOf(parts, tree, input);
        return run.gaveUp ? withLoadBalancerInError(outcome, input.loadBalancerId) : outcome;
      }),
  };
}

/** The rows of a failed operation on something in a load balancer, or on itself. */
export const failedSubject =
  (subjectOf: (input: LoadBalancerInput) => OperationSubject) =>
  (_parts: LoadBalancerParts, tree: LoadBalancerTree, input: LoadBalancerInput): Outcome =>
    failed(tree, subjectOf(input));

/** A failover that did not come off: where an amphora serves, it goes on serving. */
export async function failedFailover(
  parts: LoadBalancerParts,
  tree: LoadBalancerTree,
  input: LoadBalancerInput,
): Promise<Outcome> {
  const amphorae = await parts.amphorae.list({ loadBalancerId: input.loadBalancerId });
  const serves = amphorae.some(({ status }) => status === 'ALLOCATED');
  return serves
    ? unchanged(tree)
    : failed(tree, { verb: 'update', kind: 'loadbalancer', resourceId: input.loadBalancerId, before: null });
}

/** The last step of a flow: the load balancer's rows are as the operation wanted them. */
export function markActive(
  outcomeOf: (tree: LoadBalancerTree) => Outcome,
  name = 'mark-lb-active',
): Step<LoadBalancerParts, LoadBalancerInput, Record<string, never>> {
  return {
    name,
    do: async () => ({}),
    settle: (parts, { loadBalancerId }, run) => settlementOf(parts, loadBalancerId, run, outcomeOf),
  };
}

/** As `markActive`, and the load balancer is gone. */
export const deleteRows = markActive(wholeTree, 'delete-lb-rows');

async function settlementOf(
  parts: LoadBalancerParts,
  loadBalancerId: string,
  run: StepRun,
  outcomeOf: (tree: LoadBalancerTree) => Outcome | Promise<Outcome>,
): Promise<Settlement | null> {
  const tree = await parts.loadBalancers.tree(loadBalancerId);
  if (!tree) return null; // Somebody took the rows away.
  return { loadBalancerId, ...(await outcomeOf(tree)), reason: run.reason };
}
