import type { Static } from 'typebox';
import type { Member } from '../../../model/load-balancer.ts';
import type { memberView } from '../schemas/member.ts';
import { plainAnswer } from './answer.ts';
import { vnicType } from './common.ts';

export const memberToWire = (member: Member): Static<typeof memberView> => ({
  ...plainAnswer('member', member),
  vnic_type: vnicType,
});
