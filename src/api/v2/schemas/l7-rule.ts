import { Type } from 'typebox';
import { l7RuleCompareTypes, l7RuleTypes } from '../../../model/load-balancer.ts';
import { body, choice, closed, flag, nullable, one, optional, pattern, tags, text } from './fields.ts';
import { plainFields } from './plain-fields.ts';

/** One line: what stands in a rule ends up in HAProxy's configuration. */
const line = () => pattern('^[^\\r\\n]*$', { maxLength: 255 });

const free = {
  key: optional(line()),
  invert: optional(flag()),
  admin_state_up: optional(flag()),
  tags: optional(tags()),
};
const create = {
  type: nullable(choice(l7RuleTypes)),
  compare_type: nullable(choice(l7RuleCompareTypes)),
  value: nullable(line()),
  ...free,
};

/** Inside a policy that is created with its rules. */
export const l7RuleInPolicy = closed(create);

const l7Rule = closed({ ...create, project_id: optional(text(36)), tenant_id: optional(text(36)) });
export const l7RuleCreateBody = body('rule_', 'rule', l7Rule);

const l7RuleUpdate = closed({
  type: optional(choice(l7RuleTypes)),
  compare_type: optional(choice(l7RuleCompareTypes)),
  value: optional(line()),
  ...free,
});
export const l7RuleUpdateBody = body('l7rule_', 'rule', l7RuleUpdate);

export const l7RuleView = Type.Object(plainFields('l7rule'));
export const l7RuleAnswer = one('rule', l7RuleView);
