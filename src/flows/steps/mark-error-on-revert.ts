import type { OperationSubject } from '../../core/operations/operation-subject.ts';
import { failed, type Outcome, unchanged, wholeTree } from '../../core/operations/settlement.ts';
import type { LoadBalancerTree } from '../../model/load-balancer.ts';
import type { Step, StepRun } from '../engine/flow.ts';
import type { LoadBalancerParts } from '../load-balancer/parts.ts';

export type LoadBalancerInput = { loadBalancerId: string; resourceId: string };

/**
 * Does nothing; the first step of a flow, and so undone last: the load balancer is told of the failure, and why.
 * @param outcomeOf which rows are in ERROR then.
 */
export function markErrorOnRevert(
  outcomeOf: (parts: LoadBalancerParts, tree: LoadBalancerTree, input: LoadBalancerInput) => Outcome | Promise<Outcome>,
): Step<LoadBalancerParts, LoadBalancerInput, Record<string, never>> {
  return {
    name: 'mark-error-on-revert',
    do: async () => ({}),
    async undo(parts, input, run) {
      await settle(parts, input.loadBalancerId, run, (tree) => outcomeOf(parts, tree, input));
    },
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
    async do(parts, { loadBalancerId }, run) {
      await settle(parts, loadBalancerId, run, outcomeOf);
      return {};
    },
  };
}

/** As `markActive`, and the load balancer is gone. */
export const deleteRows = markActive(wholeTree, 'delete-lb-rows');

async function settle(
  parts: LoadBalancerParts,
  loadBalancerId: string,
  run: StepRun,
  outcomeOf: (tree: LoadBalancerTree) => Outcome | Promise<Outcome>,
): Promise<void> {
  const tree = await parts.loadBalancers.tree(loadBalancerId);
  if (!tree) return; // Deleted by this very step, before its end was written down.
  await parts.loadBalancers.settle({
    loadBalancerId,
    operation: { id: run.operationId, fence: run.fence },
    ...(await outcomeOf(tree)),
    reason: run.reason,
  });
}
