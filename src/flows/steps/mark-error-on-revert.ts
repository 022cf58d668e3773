import type { OperationSubject } from '../../core/operations/operation-subject.ts';
import {
  failed,
  lost,
  type Outcome,
  refused,
  unchanged,
  wholeTree,
  withLoadBalancerInError,
} from '../../core/operations/settlement.ts';
import type { LoadBalancerTree } from '../../model/load-balancer.ts';
import type { Settlement } from '../../ports/load-balancer-store.ts';
import type { EndingRun, RecordsOf, Step } from '../engine/flow.ts';
import type { LeftOut } from '../lib/tls-material.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';

type Records = RecordsOf<LoadBalancerDeps>;

export type LoadBalancerInput = { loadBalancerId: string; resourceId: string };

/** Of an operation that gives the load balancer another flavor, or none: amphorae are built by this one. */
export type ResizeInput = LoadBalancerInput & { flavorId: string | null };

/**
 * Does nothing; the first step of a flow, and so undone last: the load balancer goes to ERROR with the reason. It is in
 * ERROR when something could not be undone: nobody knows then what its amphorae run. Failover and deletion begin anew.
 * @param outcomeOf which rows are in ERROR then.
 */
export function markErrorOnRevert(
  outcomeOf: (records: Records, tree: LoadBalancerTree, input: LoadBalancerInput) => Outcome | Promise<Outcome>,
  name = 'mark-error-on-revert',
): Step<LoadBalancerDeps, LoadBalancerInput, Record<string, never>> {
  return {
    name,
    isRepeatable: true,
    do: async () => ({}),
    settleUndone: (records, input, run) =>
      settlementOf(records, input.loadBalancerId, run, async (tree) => {
        const outcome = await outcomeOf(records, tree, input);
        return run.gaveUp ? withLoadBalancerInError(outcome, input.loadBalancerId) : outcome;
      }),
  };
}

/** The rows of a failed operation on something in a load balancer, or on itself. */
export const failedSubject =
  (subjectOf: (input: LoadBalancerInput) => OperationSubject) =>
  (_records: Records, tree: LoadBalancerTree, input: LoadBalancerInput): Outcome =>
    failed(tree, subjectOf(input));

/** A failover that did not come off: where an amphora serves, it goes on serving. What was in ERROR before is so again. */
export async function failedFailover(
  records: Records,
  tree: LoadBalancerTree,
  input: LoadBalancerInput & { wasInError?: boolean },
): Promise<Outcome> {
  const amphorae = await records.amphorae.list({ loadBalancerId: input.loadBalancerId });
  const serves = amphorae.some(({ status }) => status === 'ALLOCATED');
  if (!serves) return lost(tree);
  return input.wasInError ? withLoadBalancerInError(unchanged(tree), input.loadBalancerId) : unchanged(tree);
}

/** The last step of a flow: the load balancer's rows are as the operation wanted them, but for what was left out. */
export function markActive<State extends LoadBalancerInput & { leftOut?: readonly LeftOut[] }>(
  outcomeOf: (tree: LoadBalancerTree, state: State) => Outcome,
  name = 'mark-lb-active',
): Step<LoadBalancerDeps, State, Record<string, never>> {
  return {
    name,
    do: async () => ({}),
    settle: (records, state, run) => {
      const { loadBalancerId, leftOut = [] } = state;
      const reason = run.reason ?? leftOut[0]?.reason ?? null;
      const ids = new Set(leftOut.map(({ id }) => id));
      return settlementOf(records, loadBalancerId, { ...run, reason }, (tree) =>
        refused(tree, outcomeOf(tree, state), ids),
      );
    },
  };
}

/** As `markActive`, and the load balancer is gone. */
export const deleteLbRows = markActive<LoadBalancerInput>(wholeTree, 'delete-lb-rows');

async function settlementOf(
  records: Records,
  loadBalancerId: string,
  run: EndingRun,
  outcomeOf: (tree: LoadBalancerTree) => Outcome | Promise<Outcome>,
): Promise<Settlement | null> {
  const tree = await records.loadBalancers.tree(loadBalancerId);
  if (!tree) return null; // Somebody took the rows away.
  return { loadBalancerId, ...(await outcomeOf(tree)), reason: run.reason };
}
