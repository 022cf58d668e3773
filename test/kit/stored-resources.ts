import {
  plainHealthMonitor,
  plainL7Policy,
  plainL7Rule,
  plainListener,
  plainLoadBalancer,
  plainMember,
  plainPool,
} from '../../src/core/lbaas/plain-resources.ts';
import type {
  HealthMonitor,
  L7Policy,
  L7Rule,
  Listener,
  LoadBalancer,
  Member,
  Pool,
} from '../../src/model/load-balancer.ts';

/** Resources as the store keeps them, with Octavia's defaults; say only what the test is about. */

const common = (id: string) => ({
  id,
  projectId: 'p1',
  name: '',
  adminStateUp: true,
  provisioningStatus: 'ACTIVE' as const,
  operatingStatus: 'ONLINE' as const,
  tags: [],
  createdAt: '2026-11-23T11:00:00.000Z',
  updatedAt: null,
});

export const storedLoadBalancer = (id: string, over: Partial<LoadBalancer> = {}): LoadBalancer => ({
  ...plainLoadBalancer(common(id)),
  provider: 'octavia',
  ...over,
});

export const storedListener = (id: string, loadBalancerId: string, over: Partial<Listener> = {}): Listener => ({
  ...plainListener(common(id), loadBalancerId),
  ...over,
});

export const storedPool = (id: string, loadBalancerId: string, over: Partial<Pool> = {}): Pool => ({
  ...plainPool(common(id), loadBalancerId),
  ...over,
});

export const storedMember = (id: string, poolId: string, over: Partial<Member> = {}): Member => ({
  ...plainMember(common(id), poolId),
  ...over,
});

export const storedHealthMonitor = (id: string, poolId: string, over: Partial<HealthMonitor> = {}): HealthMonitor => ({
  ...plainHealthMonitor(common(id), poolId),
  ...over,
});

export const storedL7Policy = (id: string, listenerId: string, over: Partial<L7Policy> = {}): L7Policy => ({
  ...plainL7Policy(common(id), listenerId),
  ...over,
});

export const storedL7Rule = (id: string, l7PolicyId: string, over: Partial<L7Rule> = {}): L7Rule => ({
  ...plainL7Rule(common(id), l7PolicyId),
  ...over,
});
