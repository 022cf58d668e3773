import { KilnError } from '../../model/errors.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';

/**
 * Takes a port out of its server, if it is in one, and deletes it. Idempotent. Nova takes nothing out of a server that is
 * broken or being changed: then Neutron takes the port away from under it.
 */
export async function removePort(
  { network, compute, log }: Pick<LoadBalancerDeps, 'network' | 'compute' | 'log'>,
  portId: string,
  serverId?: string | null,
): Promise<void> {
  if (serverId) {
    await compute.detachPort(serverId, portId).catch((error: unknown) => {
      if (!(error instanceof KilnError) || !refusals.has(error.code)) throw error;
      log.warn({ serverId, portId, err: error }, 'Nova does not take a port out of a server; the port is deleted');
    });
  }
  await network.deletePort(portId);
}

/** Answers that are the same the next time; a Nova that is down is waited for. */
const refusals = new Set<string>(['SERVICE_CONFLICT', 'SERVICE_REJECTED_REQUEST', 'SERVICE_NOT_FOUND']);
