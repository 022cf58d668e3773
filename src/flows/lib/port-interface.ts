import { KilnError } from '../../model/errors.ts';
import type { LoadBalancer, Vip } from '../../model/load-balancer.ts';
import type { NetworkInterface, VipInterface } from '../../ports/amphora-agent.ts';
import type { FixedIp, Port } from '../../ports/network.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import { subnetOrNull } from './member-networks.ts';

/** What is sent to an agent for the port that carries the VIP (octavia/amphorae/drivers/haproxy/rest_api_driver.py). */
export async function vipInterfaceOf(
  { network }: Pick<LoadBalancerDeps, 'network'>,
  { vip, additionalVips }: LoadBalancer,
  port: { macAddress: string; vrrpIp: string },
): Promise<VipInterface> {
  const [{ mtu }, ...subnets] = await Promise.all([
    network.getNetwork(vip.networkId),
    ...[vip, ...additionalVips].map(({ subnetId }) => network.getSubnet(subnetId ?? '')),
  ]);
  const [first, ...others] = subnets;
  return {
    subnetCidr: first?.cidr ?? '',
    gateway: first?.gatewayIp ?? null,
    ...port,
    mtu,
    hostRoutes: first?.hostRoutes ?? [],
    additionalVips: others.map((subnet, index) => ({
      ipAddress: additionalVips[index]?.address ?? '',
      subnetCidr: subnet.cidr,
      gateway: subnet.gatewayIp,
      hostRoutes: subnet.hostRoutes,
    })),
    isSriov: false,
  };
}

/**
 * What is sent to an agent for a port in a network of members: all of its addresses, and whose they are.
 * @param carrying whose VIP the port carries, if it does.
 */
export async function portInterfaceOf(
  deps: Pick<LoadBalancerDeps, 'network'>,
  port: Pick<Port, 'id' | 'macAddress' | 'networkId' | 'fixedIps'>,
  carrying: LoadBalancer | null,
): Promise<NetworkInterface> {
  const { macAddress } = port;
  const [{ mtu }, addresses, vip] = await Promise.all([
    deps.network.getNetwork(port.networkId),
    Promise.all(port.fixedIps.map((fixedIp) => addressOf(deps, fixedIp))),
    carrying ? vipInterfaceOf(deps, carrying, { macAddress, vrrpIp: addressIn(port, carrying.vip) }) : null,
  ]);
  return {
    ...{ macAddress, mtu, isSriov: false },
    fixedIps: addresses.filter((one) => one !== null),
    ...(vip && carrying ? { vip: { ...vip, vipAddress: carrying.vip.address } } : {}),
  };
}

/** Null where the subnet is gone: nothing is to be routed there. */
async function addressOf(deps: Pick<LoadBalancerDeps, 'network'>, { subnetId, ipAddress }: FixedIp) {
  const subnet = await subnetOrNull(deps, subnetId);
  if (!subnet) return null;
  return { ipAddress, subnetCidr: subnet.cidr, gateway: subnet.gatewayIp, hostRoutes: subnet.hostRoutes };
}

/** The port's own address, in the subnet of the VIP. */
export function addressIn(port: Pick<Port, 'id' | 'fixedIps'>, vip: Vip): string {
  const fixedIp = port.fixedIps.find(({ subnetId }) => vip.subnetId === null || subnetId === vip.subnetId);
  if (fixedIp) return fixedIp.ipAddress;
  throw new KilnError('SERVICE_RESPONSE_INVALID', `port ${port.id} has no address in the VIP's subnet ${vip.subnetId}`);
}
