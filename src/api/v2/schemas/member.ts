import { Type } from 'typebox';
import * as limits from '../../../core/lbaas/limits.ts';
import { address, body, closed, flag, integer, list, one, optional, tags, text, uuid } from './fields.ts';
import { plainFields } from './plain-fields.ts';

const create = {
  name: optional(text()),
  admin_state_up: optional(flag()),
  address: address(),
  protocol_port: integer(limits.port),
  weight: optional(integer({ minimum: limits.weight.minimum, maximum: limits.weight.maximum })),
  backup: optional(flag()),
  subnet_id: optional(uuid()),
  monitor_port: optional(integer(limits.port)),
  monitor_address: optional(address()),
  tags: optional(tags()),
  request_sriov: optional(flag()),
};

/** Inside a pool that is created with its members. */
export const memberInPool = closed(create);

/** `project_id` is taken and ignored, as Octavia does since Rocky: a member belongs to its load balancer's project. */
const member = closed({ ...create, project_id: optional(text(36)), tenant_id: optional(text(36)) });
export const memberCreateBody = body('member_', 'member', member);
export const membersReplaceBody = body('members_', 'members', list(member));

const { name, admin_state_up, weight, backup, monitor_port, monitor_address, tags: tagList } = create;
const memberUpdate = closed({
  name,
  admin_state_up,
  weight,
  backup,
  monitor_port,
  monitor_address,
  tags: tagList,
});
export const memberUpdateBody = body('member_', 'member', memberUpdate);

export const memberView = Type.Object({ ...plainFields('member'), vnic_type: Type.String() });
export const memberAnswer = one('member', memberView);
