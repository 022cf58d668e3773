import type { Step } from '../engine/flow.ts';
import type { LoadBalancerParts } from '../load-balancer/parts.ts';
import { treeOf } from '../load-balancer/tree-of.ts';
import type { ServerCreated } from './create-server.ts';
import type { LoadBalancerInput } from './mark-error-on-revert.ts';
import { vipInterfaceOf } from './port-interface.ts';
import type { ServerReady } from './reach-amphora.ts';
import type { AmphoraChoices } from './resolve-amphora.ts';
import type { VrrpPort } from './vrrp-port.ts';

type Needs = LoadBalancerInput & AmphoraChoices & ServerCreated & ServerReady & VrrpPort;

/** The agent brings the VIP up on the amphora's port. Undone with the port, or with the server. */
export const plugVip: Step<LoadBalancerParts, Needs, Record<string, never>> = {
  name: 'plug-vip',
  async do(parts, { loadBalancerId, amphoraId, address, vrrpIp, vrrpMac }) {
    const { loadBalancer } = await treeOf(parts, loadBalancerId);
    const plugged = await vipInterfaceOf(parts, loadBalancer, { macAddress: vrrpMac, vrrpIp });
    await parts.agent.plugVip({ id: amphoraId, address }, loadBalancer.vip.address, plugged);
    return {};
  },
};
