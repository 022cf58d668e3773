import type { Static } from 'typebox';
import type { L7Policy, LoadBalancerTree } from '../../../model/load-balancer.ts';
import type { RelatedIds } from '../../../ports/load-balancer-store.ts';
import type { l7PolicyFullView, l7PolicyView } from '../schemas/l7-policy.ts';
import { ids, wireTime, wireTimeOrNull } from './common.ts';
import { l7RuleToWire } from './l7-rule.ts';

export function l7PolicyToWire(policy: L7Policy, related: RelatedIds): Static<typeof l7PolicyView> {
  return { ...head(policy), rules: ids(related.l7RuleIds), ...tail(policy) };
}

export function l7PolicyToFullWire(
  policy: LoadBalancerTree['listeners'][number]['l7Policies'][number],
): Static<typeof l7PolicyFullView> {
  return { rules: policy.rules.map(l7RuleToWire), ...head(policy), ...tail(policy) };
}

const head = (policy: L7Policy) => ({
  id: policy.id,
  name: policy.name,
  description: policy.description,
  provisioning_status: policy.provisioningStatus,
  operating_status: policy.operatingStatus,
  admin_state_up: policy.adminStateUp,
  project_id: policy.projectId,
  action: policy.action,
  listener_id: policy.listenerId,
  redirect_pool_id: policy.redirectPoolId,
  redirect_url: policy.redirectUrl,
  redirect_prefix: policy.redirectPrefix,
  position: policy.position,
});

const tail = (policy: L7Policy) => ({
  created_at: wireTime(policy.createdAt),
  updated_at: wireTimeOrNull(policy.updatedAt),
  tags: [...policy.tags],
  redirect_http_code: policy.redirectHttpCode,
  tenant_id: policy.projectId,
});
