import type { Vip } from '../../model/load-balancer.ts';
import type { Step } from '../engine/flow.ts';
import type { LoadBalancerParts } from '../load-balancer/parts.ts';
import { portOwner } from './amphora-ports.ts';
import type { LoadBalancerInput } from './mark-error-on-revert.ts';
import { portOrNull, removeVipSecurityGroup } from './vip-security-group.ts';

/** The VIP goes back to the network: ports of Kiln's own are deleted, one that the user brought is left as it came. */
export const releaseVip: Step<LoadBalancerParts, LoadBalancerInput, Record<string, never>> = {
  name: 'deallocate-vip',
  async do(parts, { loadBalancerId }) {
    const found = await parts.loadBalancers.get('loadbalancer', loadBalancerId);
    await removeVipSecurityGroup(parts, loadBalancerId);
    if (!found) return {};
    for (const vip of [found.vip, ...found.additionalVips]) await release(parts, vip, loadBalancerId);
    return {};
  },
};

async function release(parts: LoadBalancerParts, vip: Vip, loadBalancerId: string): Promise<void> {
  if (vip.portId === null) return;
  if (vip.octaviaOwned) return await parts.network.deletePort(vip.portId);
  const port = await portOrNull(parts, vip.portId);
  if (port?.deviceId === `lb-${loadBalancerId}` || port?.deviceOwner === portOwner) {
    await parts.network.updatePort(port.id, { deviceId: '', deviceOwner: '' });
  }
}
