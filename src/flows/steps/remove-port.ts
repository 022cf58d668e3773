import type { LoadBalancerParts } from '../load-balancer/parts.ts';

/** Takes a port out of its server, if it is in one, and deletes it. Idempotent. */
export async function removePort(
  { network, compute }: Pick<LoadBalancerParts, 'network' | 'compute'>,
  portId: string,
  serverId?: string | null,
): Promise<void> {
  if (serverId) await compute.detachPort(serverId, portId);
  await network.deletePort(portId);
}
