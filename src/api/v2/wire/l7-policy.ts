import type { Static } from 'typebox';
import type { L7Policy, LoadBalancerTree } from '../../../model/load-balancer.ts';
import type { RelatedIds } from '../../../ports/load-balancer-store.ts';
import type { l7PolicyFullView, l7PolicyView } from '../schemas/l7-policy.ts';
import { plainAnswer } from './answer.ts';
import { ids } from './common.ts';
import { l7RuleToWire } from './l7-rule.ts';

const own = (policy: L7Policy) => ({ ...plainAnswer('l7policy', policy), listener_id: policy.listenerId });

export function l7PolicyToWire(policy: L7Policy, related: RelatedIds): Static<typeof l7PolicyView> {
  return { ...own(policy), rules: ids(related.l7RuleIds) };
}

export function l7PolicyToFullWire(
  policy: LoadBalancerTree['listeners'][number]['l7Policies'][number],
): Static<typeof l7PolicyFullView> {
  return { ...own(policy), rules: policy.rules.map(l7RuleToWire) };
}
