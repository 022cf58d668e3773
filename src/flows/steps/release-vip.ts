import type { Vip } from '../../model/load-balancer.ts';
import type { Step } from '../engine/flow.ts';
import { portOwner } from '../lib/amphora-ports.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import type { LoadBalancerInput } from './mark-error-on-revert.ts';
import { portOrNull, removeVipSecurityGroup } from './vip-security-group.ts';

/** The VIP goes back to the network: ports of Kiln's own are deleted, one that the user brought is left as it came. */
export const deallocateVip: Step<LoadBalancerDeps, LoadBalancerInput, Record<string, never>> = {
  name: 'deallocate-vip',
  async do(deps, { loadBalancerId }) {
    const found = await deps.loadBalancers.get('loadbalancer', loadBalancerId);
    await removeVipSecurityGroup(deps, loadBalancerId);
    if (!found) return {};
    for (const vip of [found.vip, ...found.additionalVips]) await release(deps, vip, loadBalancerId);
    return {};
  },
};

async function release(deps: LoadBalancerDeps, vip: Vip, loadBalancerId: string): Promise<void> {
  if (vip.portId === null) return;
  if (vip.octaviaOwned) return await deps.network.deletePort(vip.portId);
  const port = await portOrNull(deps, vip.portId);
  if (port?.deviceId === `lb-${loadBalancerId}` || port?.deviceOwner === portOwner) {
    await deps.network.updatePort(port.id, { deviceId: '', deviceOwner: '' });
  }
}
