import { KilnError } from '../../model/errors.ts';
import type { Vip } from '../../model/load-balancer.ts';
import type { NewPort, Port } from '../../ports/network.ts';
import type { Step } from '../engine/flow.ts';
import type { LoadBalancerParts } from '../load-balancer/parts.ts';
import { treeOf } from '../load-balancer/tree-of.ts';
import type { ServerCreated } from './create-server.ts';
import { lookFirst } from './look-first.ts';
import type { LoadBalancerInput } from './mark-error-on-revert.ts';
import { removePort } from './remove-port.ts';
import type { AmphoraChoices } from './resolve-amphora.ts';
import type { VipSecurity } from './vip-security-group.ts';

export type VrrpPort = { vrrpPortId: string; vrrpIp: string; vrrpMac: string };

/** Of Octavia's ports, by which its own tools know them. */
export const portOwner = 'Octavia';
export const vrrpPortName = (amphoraId: string) => `octavia-lb-vrrp-${amphoraId}`;

/**
 * The amphora's own port in the VIP's network, which may use the VIP as well (allowed address pairs:
 * octavia/network/drivers/neutron/allowed_address_pairs.py, plug_aap_port).
 */
export const createVrrpPort: Step<LoadBalancerParts, LoadBalancerInput & AmphoraChoices & VipSecurity, VrrpPort> = {
  name: 'create-vrrp-port',
  async do(parts, { loadBalancerId, amphoraId, securityGroupIds }, run) {
    const { loadBalancer } = await treeOf(parts, loadBalancerId);
    const vips = [loadBalancer.vip, ...loadBalancer.additionalVips];
    const port = await lookFirst(
      parts,
      run.resumed,
      async () => (await parts.network.findPortsByName(vrrpPortName(amphoraId)))[0] ?? null,
      () => parts.network.createPort(vrrpPort(amphoraId, vips, securityGroupIds, loadBalancer.vipQosPolicyId)),
    );
    const vrrpIp = addressIn(port, loadBalancer.vip);
    await parts.amphorae.update(amphoraId, {
      vrrpPortId: port.id,
      vrrpIp,
      haPortId: loadBalancer.vip.portId,
      haIp: loadBalancer.vip.address,
    });
    return { vrrpPortId: port.id, vrrpIp, vrrpMac: port.macAddress };
  },
  async undo(parts, { amphoraId }) {
    for (const { id } of await parts.network.findPortsByName(vrrpPortName(amphoraId))) await removePort(parts, id);
  },
  leaves: ({ amphoraId, vrrpPortId }) => [{ kind: 'port', id: vrrpPortId ?? null, name: vrrpPortName(amphoraId) }],
};

function vrrpPort(
  amphoraId: string,
  vips: readonly Vip[],
  securityGroupIds: readonly string[],
  qosPolicyId: string | null,
): NewPort {
  const subnetIds = [...new Set(vips.map(({ subnetId }) => subnetId).filter((id) => id !== null))];
  return {
    name: vrrpPortName(amphoraId),
    networkId: vips[0]?.networkId ?? '',
    projectId: null,
    fixedIps: subnetIds.map((subnetId) => ({ subnetId, ipAddress: null })),
    deviceId: '',
    deviceOwner: portOwner,
    adminStateUp: true,
    securityGroupIds,
    allowedAddressPairs: vips.map(({ address }) => ({ ipAddress: address })),
    qosPolicyId,
  };
}

function addressIn(port: Port, vip: Vip): string {
  const fixedIp = port.fixedIps.find(({ subnetId }) => vip.subnetId === null || subnetId === vip.subnetId);
  if (fixedIp) return fixedIp.ipAddress;
  throw new KilnError(
    'SERVICE_ANSWERED_NONSENSE',
    `port ${port.id} has no address in the VIP's subnet ${vip.subnetId}`,
  );
}

/** The port is in the server. */
export const plugVrrpPort: Step<LoadBalancerParts, ServerCreated & VrrpPort, Record<string, never>> = {
  name: 'plug-vip-port',
  async do(parts, { serverId, vrrpPortId }) {
    await parts.compute.attachPort(serverId, vrrpPortId);
    return {};
  },
  async undo(parts, { serverId, vrrpPortId }) {
    await parts.compute.detachPort(serverId, vrrpPortId);
  },
};
