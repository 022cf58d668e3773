import type { OperationSubject } from '../../core/operations/operation-subject.ts';
import { treeBefore } from '../../core/operations/operation-subject.ts';
import { isPendingDelete, type LoadBalancerTree } from '../../model/load-balancer.ts';
import type { Step } from '../engine/flow.ts';
import { treeOf } from '../lib/tree-of.ts';
import { updateVipPorts } from '../lib/vip-ports.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import type { LoadBalancerInput } from './mark-error-on-revert.ts';
import { syncVipSecurityRules } from './vip-security-group.ts';

/** The VIP lets in what the listeners take now, with the QoS policy that the load balancer has now. */
export function updateVip<Input extends LoadBalancerInput>(
  subjectOf: (input: Input) => OperationSubject,
): Step<LoadBalancerDeps, Input, Record<string, never>> {
  return {
    name: 'update-vip-security-group',
    async do(deps, input) {
      const tree = await treeOf(deps, input.loadBalancerId);
      await syncVipSecurityRules(deps, withoutLeaving(tree), changesGroups(subjectOf(input), tree));
      return {};
    },
    async undo(deps, input) {
      const tree = await treeOf(deps, input.loadBalancerId);
      const subject = subjectOf(input);
      await syncVipSecurityRules(deps, treeBefore(tree, subject), changesGroups(subject, tree));
    },
  };
}

/** Its QoS policy, on the VIP's port and on those of the amphorae that serve. */
export function applyQosPolicy<Input extends LoadBalancerInput>(
  subjectOf: (input: Input) => OperationSubject,
): Step<LoadBalancerDeps, Input, Record<string, never>> {
  return {
    name: 'apply-qos-policy',
    async do(deps, input) {
      const subject = subjectOf(input);
      if (!mayChangeQos(subject)) return {};
      const tree = await treeOf(deps, input.loadBalancerId);
      if (subject.before?.vipQosPolicyId !== tree.loadBalancer.vipQosPolicyId) await applyQos(deps, tree);
      return {};
    },
    async undo(deps, input) {
      const subject = subjectOf(input);
      if (mayChangeQos(subject)) await applyQos(deps, treeBefore(await treeOf(deps, input.loadBalancerId), subject));
    },
  };
}

/** Its owner has named other groups: a run that was cut off may have given the ports some of them already. */
function changesGroups({ kind, before }: OperationSubject, { loadBalancer }: LoadBalancerTree): boolean {
  if (kind !== 'loadbalancer' || before?.vipSgIds === undefined) return false;
  return JSON.stringify(before.vipSgIds) !== JSON.stringify(loadBalancer.vipSgIds);
}

/** Only a change of the load balancer itself can. */
const mayChangeQos = ({ kind, before }: OperationSubject) => kind === 'loadbalancer' && before !== null;

const applyQos = (deps: LoadBalancerDeps, { loadBalancer }: LoadBalancerTree) =>
  updateVipPorts(deps, loadBalancer, { qosPolicyId: loadBalancer.vipQosPolicyId });

function withoutLeaving(tree: LoadBalancerTree): LoadBalancerTree {
  return {
    ...tree,
    listeners: tree.listeners.filter((listener) => !isPendingDelete(listener)),
  };
}
