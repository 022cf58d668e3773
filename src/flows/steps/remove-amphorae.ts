import type { Amphora } from '../../model/amphora.ts';
import type { Step } from '../engine/flow.ts';
import type { LoadBalancerParts } from '../load-balancer/parts.ts';
import type { LoadBalancerInput } from './mark-error-on-revert.ts';
import { removeMemberPorts } from './plug-member-networks.ts';
import { removePort } from './remove-port.ts';
import { removeServers } from './remove-servers.ts';
import { vrrpPortName } from './vrrp-port.ts';

/** Every amphora of the load balancer goes: ports, server, and what it told of itself. */
export const removeAllAmphorae: Step<LoadBalancerParts, LoadBalancerInput, Record<string, never>> = {
  name: 'delete-amphorae',
  async do(parts, { loadBalancerId }) {
    await removeAmphorae(parts, loadBalancerId, () => true);
    return {};
  },
};

/** The amphorae that the new one has taken over from go. */
export const removeOldAmphorae: Step<
  LoadBalancerParts,
  LoadBalancerInput & { amphoraId: string },
  Record<string, never>
> = {
  name: 'delete-old-amphorae',
  async do(parts, { loadBalancerId, amphoraId }) {
    await removeAmphorae(parts, loadBalancerId, ({ id }) => id !== amphoraId);
    return {};
  },
};

/**
 * The old amphorae let go of the VIP: their ports leave their servers, at once and in this order, so that what answers
 * is the new one alone. From here on there is no way back.
 */
export const moveVip: Step<LoadBalancerParts, LoadBalancerInput & { amphoraId: string }, Record<string, never>> = {
  name: 'unplug-vip-of-old-amphorae',
  async do(parts, { loadBalancerId, amphoraId }) {
    for (const amphora of await parts.amphorae.list({ loadBalancerId })) {
      const { id, vrrpPortId, computeId } = amphora;
      if (id === amphoraId || vrrpPortId === null || computeId === null) continue;
      await parts.compute.detachPort(computeId, vrrpPortId);
    }
    return {};
  },
};

async function removeAmphorae(
  parts: LoadBalancerParts,
  loadBalancerId: string,
  isMeant: (amphora: Amphora) => boolean,
): Promise<void> {
  const amphorae = await parts.amphorae.list({ loadBalancerId });
  for (const amphora of amphorae.filter(isMeant)) await removeAmphora(parts, amphora);
}

/** Its server, its ports, and what it told of itself. What is gone already is gone. */
export async function removeAmphora(parts: LoadBalancerParts, amphora: Amphora): Promise<void> {
  const { id, computeId } = amphora;
  await parts.amphorae.update(id, { status: 'PENDING_DELETE' });
  // The server goes first: what runs in it ends at once, and nothing holds its ports any more.
  await removeServers(parts, amphora, 0);
  await removeMemberPorts(parts, { id, serverId: computeId ?? '' });
  for (const port of await parts.network.findPortsByName(vrrpPortName(id))) await removePort(parts, port.id);
  await parts.health.forget(id);
  await parts.amphorae.update(id, { status: 'DELETED' });
}
