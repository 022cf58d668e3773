import type { Static } from 'typebox';
import type { L7Rule } from '../../../model/load-balancer.ts';
import type { l7RuleView } from '../schemas/l7-rule.ts';
import { plainAnswer } from './answer.ts';

export const l7RuleToWire = (rule: L7Rule): Static<typeof l7RuleView> => plainAnswer('l7rule', rule);
