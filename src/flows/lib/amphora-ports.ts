import type { NewPort, Port } from '../../ports/network.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';

/** Of Octavia's ports, by which its own tools know them. */
export const portOwner = 'Octavia';

/**
 * Names and description of the ports that Kiln makes for amphorae. Nova clears a port's device and owner when its server
 * goes, and Neutron finds whole names alone: the description, which names the load balancer, finds a port whatever became of
 * its server, and whoever knows its network. It is set with the port, which tags are not everywhere.
 */
export const vrrpPortName = (amphoraId: string) => `octavia-lb-vrrp-${amphoraId}`;
export const memberPortName = (amphoraId: string, networkId: string) => `octavia-lb-member-${amphoraId}-${networkId}`;
const descriptionOf = (loadBalancerId: string) => `amphora port of load balancer ${loadBalancerId}`;
const ownName = /^octavia-lb-(?:vrrp|member)-([0-9a-f-]{36})(?:-|$)/;

/** What names an amphora's ports. */
export interface PortHolder {
  id: string;
  loadBalancerId: string | null;
  serverId: string | null;
}

/** A port for an amphora: of Kiln's own project, in no server yet. */
export function amphoraPort(
  loadBalancerId: string,
  port: Pick<NewPort, 'name' | 'networkId' | 'fixedIps' | 'securityGroupIds' | 'allowedAddressPairs' | 'qosPolicyId'>,
): NewPort {
  return {
    projectId: null,
    deviceId: '',
    deviceOwner: portOwner,
    adminStateUp: true,
    description: descriptionOf(loadBalancerId),
    ...port,
  };
}

const isMemberPort = (amphoraId: string, port: Port) => port.name === memberPortName(amphoraId, port.networkId);
const isOwnPort = (amphoraId: string, port: Port) =>
  port.name === vrrpPortName(amphoraId) || isMemberPort(amphoraId, port);

/** Every one of an amphora. Those of Kiln 0.1 are not described: by name, or in their server while that is there. */
export async function portsOfAmphora(
  { network }: Pick<LoadBalancerDeps, 'network'>,
  { id, loadBalancerId, serverId }: PortHolder,
): Promise<Port[]> {
  const found = await Promise.all([
    loadBalancerId === null ? [] : network.findPortsByDescription(descriptionOf(loadBalancerId)),
    network.findPortsByName(vrrpPortName(id)),
    serverId ? network.listPortsOfDevice(serverId) : [],
  ]);
  const own = found.flat().filter((port) => isOwnPort(id, port));
  return [...new Map(own.map((port) => [port.id, port])).values()];
}

/** Those of all amphorae that the load balancer ever had, each with its amphora. */
export async function amphoraPortsOf(
  { network }: Pick<LoadBalancerDeps, 'network'>,
  loadBalancerId: string,
): Promise<{ amphoraId: string; port: Port }[]> {
  const ports = await network.findPortsByDescription(descriptionOf(loadBalancerId));
  return ports.flatMap((port) => {
    const amphoraId = ownName.exec(port.name)?.[1];
    return amphoraId !== undefined && isOwnPort(amphoraId, port) ? [{ amphoraId, port }] : [];
  });
}
