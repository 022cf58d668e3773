import type { ResourceKind, Resources } from '../../model/load-balancer.ts';

/** The port of the store has the same words. */
export type Kinds = Resources;
export type Kind = ResourceKind;

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
