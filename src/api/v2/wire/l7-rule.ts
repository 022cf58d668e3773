import type { Static } from 'typebox';
import type { L7Rule } from '../../../model/load-balancer.ts';
import type { l7RuleView } from '../schemas/l7-rule.ts';
import { wireTime, wireTimeOrNull } from './common.ts';

export function l7RuleToWire(rule: L7Rule): Static<typeof l7RuleView> {
  return {
    id: rule.id,
    type: rule.type,
    compare_type: rule.compareType,
    key: rule.key,
    value: rule.value,
    invert: rule.invert,
    provisioning_status: rule.provisioningStatus,
    operating_status: rule.operatingStatus,
    created_at: wireTime(rule.createdAt),
    updated_at: wireTimeOrNull(rule.updatedAt),
    project_id: rule.projectId,
    admin_state_up: rule.adminStateUp,
    tags: [...rule.tags],
    tenant_id: rule.projectId,
  };
}
