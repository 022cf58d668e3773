import { KilnError } from '../../model/errors.ts';
import type { LoadBalancer } from '../../model/load-balancer.ts';
import type { Step } from '../engine/flow.ts';
import { memberPortName } from '../lib/amphora-ports.ts';
import { portInterfaceOf, vipInterfaceOf } from '../lib/port-interface.ts';
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
  isRepeatable: true,
  async do(deps, { loadBalancerId, amphoraId, address, vrrpIp, vrrpMac }) {
    const { loadBalancer } = await treeOf(deps, loadBalancerId);
    const plugged = await vipInterfaceOf(deps, loadBalancer, { macAddress: vrrpMac, vrrpIp });
    await deps.agent.plugVip({ id: amphoraId, address }, loadBalancer.vip.address, plugged);
    return {};
  },
};

/** The name that agents give the interface of the VIP, when it is plugged as such. */
const VIP_INTERFACE = 'eth1';

/**
 * As above, for an amphora that has its member networks already, so that it gets the VIP last. Agents of Octavia before 11.0.2 (and of 12.0)
 * number interfaces by how many there are: a member network has the VIP's name then, and plugging the VIP fails, half done. There the
 * port is plugged as one of any network, and given the VIP afterwards, as it is of a further subnet.
 */
export const plugVipLast: Step<LoadBalancerDeps, Needs, Record<string, never>> = {
  name: 'plug-vip',
  async do(deps, state, run) {
    if (!(await isNameTaken(deps, state))) return await plugVip.do(deps, state, run);
    const { loadBalancer } = await treeOf(deps, state.loadBalancerId);
    await plugAsNetwork(deps, state, loadBalancer);
    return {};
  },
};

async function isNameTaken(deps: LoadBalancerDeps, { amphoraId, serverId, address }: Needs): Promise<boolean> {
  for (const { name, networkId, fixedIps } of await deps.network.listPortsOfDevice(serverId)) {
    const [first] = fixedIps;
    if (name !== memberPortName(amphoraId, networkId) || !first) continue;
    if ((await deps.agent.getInterface({ id: amphoraId, address }, first.ipAddress)) === VIP_INTERFACE) return true;
  }
  return false;
}

async function plugAsNetwork(
  deps: LoadBalancerDeps,
  { amphoraId, address, vrrpPortId, vrrpIp }: Needs,
  loadBalancer: LoadBalancer,
): Promise<void> {
  const amphora = { id: amphoraId, address };
  const port = await deps.network.getPort(vrrpPortId);
  if ((await deps.agent.getInterface(amphora, vrrpIp)) === null) {
    await deps.agent.plugNetwork(amphora, await portInterfaceOf(deps, port, null));
  }
  await deps.agent.plugNetwork(amphora, await portInterfaceOf(deps, port, loadBalancer));
  const vip = loadBalancer.vip.address;
  if ((await deps.agent.getInterface(amphora, vip)) !== null) return;
  throw new KilnError('AGENT_REFUSED', `the agent of amphora ${amphoraId} did not bring up the VIP ${vip}`, {
    advice:
      'It is too old to get the VIP after its member networks: use an image with an agent of Octavia 11 or later.',
  });
}
