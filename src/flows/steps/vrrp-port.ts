import type { Vip } from '../../model/load-balancer.ts';
import type { NewPort } from '../../ports/network.ts';
import type { Step } from '../engine/flow.ts';
import { amphoraPort, vrrpPortName } from '../lib/amphora-ports.ts';
import { findOrCreate } from '../lib/find-or-create.ts';
import { addressIn } from '../lib/port-interface.ts';
import { treeOf } from '../lib/tree-of.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import type { ServerCreated } from './create-server.ts';
import type { LoadBalancerInput } from './mark-error-on-revert.ts';
import type { AmphoraChoices } from './resolve-amphora.ts';
import type { VipSecurity } from './vip-security-group.ts';

export type VrrpPort = { vrrpPortId: string; vrrpIp: string; vrrpMac: string };

/**
 * The amphora's own port in the VIP's network, which may use the VIP as well (allowed address pairs:
 * octavia/network/drivers/neutron/allowed_address_pairs.py, plug_aap_port).
 */
export const createVrrpPort: Step<LoadBalancerDeps, LoadBalancerInput & AmphoraChoices & VipSecurity, VrrpPort> = {
  name: 'create-vrrp-port',
  async do(deps, { loadBalancerId, amphoraId, securityGroupIds }, run) {
    const { loadBalancer } = await treeOf(deps, loadBalancerId);
    const vips = [loadBalancer.vip, ...loadBalancer.additionalVips];
    const port = await findOrCreate(
      deps,
      run.resumed,
      async () => (await deps.network.findPortsByName(vrrpPortName(amphoraId)))[0] ?? null,
      () =>
        deps.network.createPort(
          amphoraPort(loadBalancerId, {
            ...placeOf(vips),
            name: vrrpPortName(amphoraId),
            securityGroupIds,
            qosPolicyId: loadBalancer.vipQosPolicyId,
          }),
        ),
    );
    const vrrpIp = addressIn(port, loadBalancer.vip);
    const { portId: haPortId, address: haIp } = loadBalancer.vip;
    run.amend({ amphoraId, patch: { vrrpPortId: port.id, vrrpIp, haPortId, haIp } });
    return { vrrpPortId: port.id, vrrpIp, vrrpMac: port.macAddress };
  },
  async undo(deps, { amphoraId }) {
    for (const { id } of await deps.network.findPortsByName(vrrpPortName(amphoraId))) {
      await deps.network.deletePort(id);
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
export const plugVipPort: Step<LoadBalancerDeps, ServerCreated & VrrpPort, Record<string, never>> = {
  name: 'plug-vip-port',
  isRepeatable: true,
  async do(deps, { serverId, vrrpPortId }) {
    await deps.compute.attachPort(serverId, vrrpPortId);
    return {};
  },
};
