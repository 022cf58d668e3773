import type { VipInterface } from '../../ports/amphora-agent.ts';
import type { Step } from '../engine/flow.ts';
import type { LoadBalancerParts } from '../load-balancer/parts.ts';
import { treeOf } from '../load-balancer/tree-of.ts';
import type { ServerCreated } from './create-server.ts';
import type { LoadBalancerInput } from './mark-error-on-revert.ts';
import type { ServerReady } from './reach-amphora.ts';
import type { AmphoraChoices } from './resolve-amphora.ts';
import type { VrrpPort } from './vrrp-port.ts';

type Needs = LoadBalancerInput & AmphoraChoices & ServerCreated & ServerReady & VrrpPort;

/** The agent brings the VIP up on the amphora's port. Undone with the port, or with the server. */
export const plugVip: Step<LoadBalancerParts, Needs, Record<string, never>> = {
  name: 'plug-vip',
  async do(parts, { loadBalancerId, amphoraId, address, vrrpIp, vrrpMac }) {
    const { loadBalancer } = await treeOf(parts, loadBalancerId);
    const { vip, additionalVips } = loadBalancer;
    const [network, ...subnets] = await Promise.all([
      parts.network.getNetwork(vip.networkId),
      ...[vip, ...additionalVips].map(({ subnetId }) => parts.network.getSubnet(subnetId ?? '')),
    ]);
    const [first, ...others] = subnets;
    const plugged: VipInterface = {
      subnetCidr: first?.cidr ?? '',
      gateway: first?.gatewayIp ?? null,
      macAddress: vrrpMac,
      vrrpIp,
      mtu: network.mtu,
      hostRoutes: first?.hostRoutes ?? [],
      additionalVips: others.map((subnet, index) => ({
        ipAddress: additionalVips[index]?.address ?? '',
        subnetCidr: subnet.cidr,
        gateway: subnet.gatewayIp,
        hostRoutes: subnet.hostRoutes,
      })),
      isSriov: false,
    };
    await parts.agent.plugVip({ id: amphoraId, address }, vip.address, plugged);
    return {};
  },
};
