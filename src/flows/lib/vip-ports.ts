import type { Amphora } from '../../model/amphora.ts';
import { KilnError, noneIfGone, toKilnError } from '../../model/errors.ts';
import type { LoadBalancer } from '../../model/load-balancer.ts';
import type { PortPatch } from '../../ports/network.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import { leaveToFailover } from './on-each-target.ts';
import { isOfPair } from './pair.ts';

/**
 * Changes the VIP's port and, beside it, the amphorae's own ones that serve: what is left of others may have none. Where somebody has
 * deleted an amphora's, the change goes on without it: the VIP can't be reached by that amphora any more, and one of a pair is failed over.
 */
export async function updateVipPorts(
  deps: Pick<LoadBalancerDeps, 'amphorae' | 'log' | 'network'>,
  { id, vip }: LoadBalancer,
  patch: PortPatch,
): Promise<void> {
  if (vip.portId !== null) await deps.network.updatePort(vip.portId, patch);
  for (const amphora of await deps.amphorae.list({ loadBalancerId: id })) {
    const { vrrpPortId, status } = amphora;
    if (vrrpPortId === null || status !== 'ALLOCATED') continue;
    try {
      await deps.network.updatePort(vrrpPortId, patch);
    } catch (thrown) {
      // What the port is to have may be gone as well.
      const isGone = toKilnError(thrown).code === 'SERVICE_NOT_FOUND';
      if (!isGone || (await deps.network.getPort(vrrpPortId).catch(noneIfGone)) !== null) throw thrown;
      await reportPortGone(deps, amphora, vrrpPortId);
    }
  }
}

async function reportPortGone(
  deps: Pick<LoadBalancerDeps, 'amphorae' | 'log'>,
  amphora: Amphora,
  portId: string,
): Promise<void> {
  const error = new KilnError('SERVICE_NOT_FOUND', `port ${portId} of amphora ${amphora.id} is gone from Neutron`, {
    advice: 'Fail the amphora over: the VIP can not be reached by it.',
  });
  if (isOfPair(amphora)) return await leaveToFailover(deps, amphora, error);
  deps.log.warn({ amphora: amphora.id, err: error }, 'the port of an amphora is gone: the VIP can not be reached');
}
