import { renderVrrpConfiguration } from '../../core/keepalived/vrrp/render.ts';
import { vrrpOf } from '../../core/lbaas/vrrp.ts';
import type { Amphora } from '../../model/amphora.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import type { PairRole } from './pair.ts';
import { vipInterfaceOf } from './port-interface.ts';
import { treeOf } from './tree-of.ts';

/** One of a pair, with what VRRP needs of it, and how long a request to it may take, where that is not for the configuration to say. */
export type PairMember = Pick<Amphora, 'id' | 'lbNetworkIp'> & { role: PairRole; vrrpIp: string; limitMs?: number };

/** Puts keepalived's VRRP configuration into an amphora. What runs does not change. */
export async function uploadVrrp(
  deps: LoadBalancerDeps,
  loadBalancerId: string,
  member: PairMember,
  others: readonly PairMember[],
): Promise<void> {
  const target = addressOf(member);
  const { vrrpIp } = member;
  const { loadBalancer } = await treeOf(deps, loadBalancerId);
  const vip = await vipInterfaceOf(deps, loadBalancer, { macAddress: '', vrrpIp });
  const { vrrp_id: virtualRouterId, vrrp_priority: priority, vrrp_interface: usualName } = vrrpOf(member.role);
  const { subnetCidr, gateway, hostRoutes, additionalVips } = vip;
  const configuration = renderVrrpConfiguration(
    {
      loadBalancerId,
      interfaceName: (await deps.agent.getInterface(target, vrrpIp)) ?? usualName ?? '',
      virtualRouterId: virtualRouterId ?? 0,
      priority: priority ?? 0,
      vrrpIp,
      peerIps: others.map((other) => other.vrrpIp),
      vip: { address: loadBalancer.vip.address, subnetCidr, gateway, hostRoutes },
      additionalVips: additionalVips.map(({ ipAddress, ...subnet }) => ({ address: ipAddress, ...subnet })),
    },
    { ...deps.settings().vrrp, basePath: deps.settings().haproxy.basePath },
  );
  await deps.agent.uploadVrrpConfiguration(target, configuration);
}

export const addressOf = ({ id, lbNetworkIp, limitMs }: Pick<PairMember, 'id' | 'lbNetworkIp' | 'limitMs'>) => ({
  id,
  address: lbNetworkIp ?? '',
  ...(limitMs === undefined ? {} : { limitMs }),
});
