import type { Step } from '../engine/flow.ts';
import { vipInterfaceOf } from '../lib/port-interface.ts';
import { treeOf } from '../lib/tree-of.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import type { ServerCreated } from './create-server.ts';
import type { LoadBalancerInput } from './mark-error-on-revert.ts';
import type { ServerReady } from './reach-amphora.ts';
import type { AmphoraChoices } from './resolve-amphora.ts';
import type { VrrpPort } from './vrrp-port.ts';

type Needs = LoadBalancerInput & AmphoraChoices & ServerCreated & ServerReady & VrrpPort;

/** The agent brings the VIP up on the amphora's port. Undone with the port, or with the server. */
export const plugVip: Step<LoadBalancerDeps, Needs, Record<string, never>> = {
  name: 'plug-vip',
  async do(deps, { loadBalancerId, amphoraId, address, vrrpIp, vrrpMac }) {
    const { loadBalancer } = await treeOf(deps, loadBalancerId);
    const plugged = await vipInterfaceOf(deps, loadBalancer, { macAddress: vrrpMac, vrrpIp });
    await deps.agent.plugVip({ id: amphoraId, address }, loadBalancer.vip.address, plugged);
    return {};
  },
};
