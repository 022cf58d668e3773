import { Type } from 'typebox';
import * as limits from '../../../core/lbaas/limits.ts';
import { l7PolicyActions } from '../../../model/load-balancer.ts';
import {
  body,
  choice,
  closed,
  flag,
  idOnly,
  integer,
  list,
  nullable,
  numberChoice,
  one,
  optional,
  parent,
  tags,
  text,
  url,
  uuid,
} from './fields.ts';
import { l7RuleInPolicy, l7RuleView } from './l7-rule.ts';
import { plainFields } from './plain-fields.ts';
import { poolInTree } from './pool.ts';

const free = {
  name: optional(text()),
  description: optional(text()),
  admin_state_up: optional(flag()),
  redirect_url: optional(url()),
  redirect_prefix: optional(url()),
  position: optional(integer(limits.policyPosition)),
  tags: optional(tags()),
  redirect_http_code: optional(numberChoice(limits.redirectHttpCodes)),
};
const rules = optional(list(l7RuleInPolicy));

/** Inside a listener that is created whole. */
export const l7PolicyInListener = closed({
  ...free,
  action: nullable(choice(l7PolicyActions)),
  redirect_pool: optional(poolInTree),
  rules,
});

const l7Policy = closed({
  ...free,
  action: nullable(choice(l7PolicyActions)),
  redirect_pool_id: optional(uuid()),
  listener_id: parent(),
  rules,
  project_id: optional(text(36)),
  tenant_id: optional(text(36)),
});
export const l7PolicyCreateBody = body('l7policy_', 'l7policy', l7Policy);

const l7PolicyUpdate = closed({
  ...free,
  action: optional(choice(l7PolicyActions)),
  redirect_pool_id: optional(uuid()),
});
export const l7PolicyUpdateBody = body('l7policy_', 'l7policy', l7PolicyUpdate);

const shared = { ...plainFields('l7policy'), listener_id: Type.String() };
export const l7PolicyView = Type.Object({ ...shared, rules: list(idOnly()) });
export const l7PolicyFullView = Type.Object({ ...shared, rules: list(l7RuleView) });
export const l7PolicyAnswer = one('l7policy', l7PolicyView);
