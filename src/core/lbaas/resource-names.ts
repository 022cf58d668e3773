import type {
  HealthMonitor,
  L7Policy,
  L7Rule,
  Listener,
  LoadBalancer,
  Member,
  Pool,
} from '../../model/load-balancer.ts';

/** The kinds of Octavia's API that belong to a load balancer. The port of the store has the same words. */
export interface Kinds {
  loadbalancer: LoadBalancer;
  listener: Listener;
  pool: Pool;
  member: Member;
  healthmonitor: HealthMonitor;
  l7policy: L7Policy;
  l7rule: L7Rule;
}
export type Kind = keyof Kinds;

/** As Octavia's messages print them: "Load Balancer X not found.", "Quota has been met for resources: L7 Rule". */
export const kindTitle: Readonly<Record<Kind, string>> = {
  loadbalancer: 'Load Balancer',
  listener: 'Listener',
  pool: 'Pool',
  member: 'Member',
  healthmonitor: 'Health Monitor',
  l7policy: 'L7 Policy',
  l7rule: 'L7 Rule',
};
