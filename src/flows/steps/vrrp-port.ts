import type { Vip } from '../../model/load-balancer.ts';
import type { NewPort } from '../../ports/network.ts';
import type { Step } from '../engine/flow.ts';
import type { LoadBalancerParts } from '../load-balancer/parts.ts';
import { treeOf } from '../load-balancer/tree-of.ts';
import { amphoraPort, vrrpPortName } from './amphora-ports.ts';
import type { ServerCreated } from './create-server.ts';
import { lookFirst } from './look-first.ts';
import type { LoadBalancerInput } from './mark-error-on-revert.ts';
import { addressIn } from './port-interface.ts';
import type { AmphoraChoices } from './resolve-amphora.ts';
import type { VipSecurity } from './vip-security-group.ts';

export type VrrpPort = { vrrpPortId: string; vrrpIp: string; vrrpMac: string };

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
      () =>
        parts.network.createPort(
          amphoraPort(loadBalancerId, {
            ...placeOf(vips),
            name: vrrpPortName(amphoraId),
            securityGroupIds,
            qosPolicyId: loadBalancer.vipQosPolicyId,
          }),
        ),
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
    for (const { id } of await parts.network.findPortsByName(vrrpPortName(amphoraId))) {
      await parts.network.deletePort(id);
    }
  },
  leaves: async (_parts, { amphoraId, vrrpPortId }) => [
    { kind: 'port', id: vrrpPortId ?? null, name: vrrpPortName(amphoraId) },
  ],
};

/** Where the VIPs are, and that it may use them. */
function placeOf(vips: readonly Vip[]): Pick<NewPort, 'networkId' | 'fixedIps' | 'allowedAddressPairs'> {
  const subnetIds = [...new Set(vips.map(({ subnetId }) => subnetId).filter((id) => id !== null))];
  return {
    networkId: vips[0]?.networkId ?? '',
    fixedIps: subnetIds.map((subnetId) => ({ subnetId, ipAddress: null })),
    allowedAddressPairs: vips.map(({ address }) => ({ ipAddress: address })),
  };
}

/** The port is in the server. Undone with the port, which leaves a server when it is deleted. */
export const plugVrrpPort: Step<LoadBalancerParts, ServerCreated & VrrpPort, Record<string, never>> = {
  name: 'plug-vip-port',
  async do(parts, { serverId, vrrpPortId }) {
    await parts.compute.attachPort(serverId, vrrpPortId);
    return {};
  },
};
