import { Type } from 'typebox';
import {
  address,
  body,
  closed,
  common,
  flag,
  idOnly,
  list,
  nullable,
  one,
  optional,
  status,
  tags,
  text,
  uuid,
} from './fields.ts';
import { listenerFullView, listenerInTree } from './listener.ts';
import { poolFullView, poolInTree } from './pool.ts';

const additionalVip = closed({
  subnet_id: uuid(),
  ip_address: optional(address()),
  port_id: optional(uuid()),
});

const loadBalancer = closed({
  name: optional(text()),
  description: optional(text()),
  admin_state_up: optional(flag()),
  vip_address: optional(address()),
  vip_port_id: optional(uuid()),
  vip_subnet_id: optional(uuid()),
  vip_network_id: optional(uuid()),
  vip_qos_policy_id: optional(uuid()),
  vip_sg_ids: optional(list(uuid())),
  additional_vips: optional(list(additionalVip)),
  project_id: optional(text(36)),
  tenant_id: optional(text(36)),
  listeners: optional(list(listenerInTree)),
  pools: optional(list(poolInTree)),
  provider: optional(text(64)),
  tags: optional(tags()),
  flavor_id: optional(uuid()),
  availability_zone: optional(text()),
});
export const loadBalancerCreateBody = body('load_balancer', 'loadbalancer', loadBalancer);

const loadBalancerUpdate = closed({
  name: optional(text()),
  description: optional(text()),
  vip_qos_policy_id: optional(uuid()),
  vip_sg_ids: optional(list(uuid())),
  admin_state_up: optional(flag()),
  tags: optional(tags()),
});
/** Kiln's own, and so without a key around it. */
export const resizeBody = Type.Object(
  { flavor_id: nullable(uuid()) },
  { additionalProperties: false, title: 'resize' },
);

export const loadBalancerUpdateBody = body('load_balancer', 'loadbalancer', loadBalancerUpdate);

const shared = {
  ...common(),
  name: Type.String(),
  description: Type.String(),
  vip_address: Type.String(),
  vip_port_id: nullable(Type.String()),
  vip_subnet_id: nullable(Type.String()),
  vip_network_id: nullable(Type.String()),
  vip_sg_ids: list(Type.String()),
  additional_vips: list(
    Type.Object({
      subnet_id: nullable(Type.String()),
      ip_address: Type.String(),
      port_id: nullable(Type.String()),
    }),
  ),
  provider: Type.String(),
  flavor_id: nullable(Type.String()),
  vip_qos_policy_id: nullable(Type.String()),
  availability_zone: nullable(Type.String()),
  vip_vnic_type: Type.String(),
};
export const loadBalancerView = Type.Object({ ...shared, listeners: list(idOnly()), pools: list(idOnly()) });
/** Why its last operation was undone: see docs/decisions/0008-reason-on-show.md. */
const reason = Type.Object({ code: Type.String(), message: Type.String(), advice: Type.String() });
export const loadBalancerShowView = Type.Object({
  ...loadBalancerView.properties,
  provisioning_reason: Type.Optional(reason),
});
/** What a creation answers: everything that was created with the load balancer. */
export const loadBalancerFullView = Type.Object({
  ...shared,
  listeners: list(listenerFullView),
  pools: list(poolFullView),
});
export const loadBalancerAnswer = one('loadbalancer', loadBalancerView);
export const loadBalancerFullAnswer = one('loadbalancer', loadBalancerFullView);

const named = { id: Type.String(), name: Type.String(), provisioning_status: status(), operating_status: status() };
const poolStatus = Type.Object({
  ...named,
  health_monitor: Type.Optional(Type.Object({ ...named, type: Type.String() })),
  members: list(Type.Object({ ...named, address: Type.String(), protocol_port: Type.Integer() })),
});
export const loadBalancerStatusAnswer = one(
  'statuses',
  one('loadbalancer', Type.Object({ ...named, listeners: list(Type.Object({ ...named, pools: list(poolStatus) })) })),
);
