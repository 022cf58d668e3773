import type { ResourceKind } from '../../../model/load-balancer.ts';

type Counts = Readonly<Record<ResourceKind, number | null>>;

/** A project's quota, two kinds under two spellings, as Octavia prints them. */
export function quotaToWire(projectId: string, counts: Counts) {
  return {
    project_id: projectId,
    loadbalancer: counts.loadbalancer,
    load_balancer: counts.loadbalancer,
    listener: counts.listener,
    member: counts.member,
    pool: counts.pool,
    healthmonitor: counts.healthmonitor,
    health_monitor: counts.healthmonitor,
    l7policy: counts.l7policy,
    l7rule: counts.l7rule,
    tenant_id: projectId,
  };
}

type Wish = number | null | undefined;

/** What a request names, under the usual spelling; that one holds where both are given. */
export function quotaFromWire(wish: {
  loadbalancer?: Wish;
  load_balancer?: Wish;
  listener?: Wish;
  member?: Wish;
  pool?: Wish;
  healthmonitor?: Wish;
  health_monitor?: Wish;
  l7policy?: Wish;
  l7rule?: Wish;
}): Partial<Record<ResourceKind, number | null>> {
  const { load_balancer, health_monitor, ...rest } = wish;
  const named = Object.entries({ loadbalancer: load_balancer, healthmonitor: health_monitor, ...rest });
  return Object.fromEntries(named.filter(([, value]) => value !== undefined));
}
