import { type TSchema, Type } from 'typebox';
import { quota } from '../../../core/lbaas/limits.ts';
import { body, closed, integer, links, list, nullable, one, optional } from './fields.ts';

const limit = () => optional(integer(quota));

const quotaUpdate = closed({
  loadbalancer: limit(),
  /** As it was spelled before Octavia's Rocky; clients still send it. */
  load_balancer: limit(),
  listener: limit(),
  member: limit(),
  pool: limit(),
  healthmonitor: limit(),
  health_monitor: limit(),
  l7policy: limit(),
  l7rule: limit(),
});
export const quotaUpdateBody = body('quotas', 'quota', quotaUpdate);

const quotaView = (count: TSchema) =>
  Type.Object({
    project_id: Type.String(),
    loadbalancer: count,
    load_balancer: count,
    listener: count,
    member: count,
    pool: count,
    healthmonitor: count,
    health_monitor: count,
    l7policy: count,
    l7rule: count,
    tenant_id: Type.String(),
  });
export const quotaAnswer = one('quota', quotaView(Type.Integer()));
/** What a project has no quota of its own for is null in lists. */
export const quotasAnswer = Type.Object({ quotas: list(quotaView(nullable(Type.Integer()))), quotas_links: links() });
