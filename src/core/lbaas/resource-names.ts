import type { ResourceKind } from '../../model/load-balancer.ts';

/** As Octavia's messages print them: "Load Balancer X not found.", "Quota has been met for resources: L7 Rule". */
export const kindTitle: Readonly<Record<ResourceKind, string>> = {
  loadbalancer: 'Load Balancer',
  listener: 'Listener',
  pool: 'Pool',
  member: 'Member',
  healthmonitor: 'Health Monitor',
  l7policy: 'L7 Policy',
  l7rule: 'L7 Rule',
};
