import type { NewPort, Port } from '../../ports/network.ts';
import type { LoadBalancerParts } from '../load-balancer/parts.ts';

/** Of Octavia's ports, by which its own tools know them. */
export const portOwner = 'Octavia';

/**
 * Names and tags of the ports that Kiln makes for amphorae. Nova clears a port's device and owner when its server goes,
 * and Neutron finds whole names alone: the tags find a port whatever became of its server, and whoever knows its network.
 */
export const vrrpPortName = (amphoraId: string) => `octavia-lb-vrrp-${amphoraId}`;
export const memberPortName = (amphoraId: string, networkId: string) => `octavia-lb-member-${amphoraId}-${networkId}`;
const amphoraTag = (amphoraId: string) => `kiln-amphora-${amphoraId}`;
const loadBalancerTag = (loadBalancerId: string) => `kiln-load-balancer-${loadBalancerId}`;

/** A port for an amphora: of Kiln's own project, in no server yet. */
export function amphoraPort(
  owner: { loadBalancerId: string; amphoraId: string },
  port: Pick<NewPort, 'name' | 'networkId' | 'fixedIps' | 'securityGroupIds' | 'allowedAddressPairs' | 'qosPolicyId'>,
): NewPort {
  return {
    projectId: null,
    deviceId: '',
    deviceOwner: portOwner,
    adminStateUp: true,
    tags: [loadBalancerTag(owner.loadBalancerId), amphoraTag(owner.amphoraId)],
    ...port,
  };
}

const isMemberPort = (amphoraId: string, port: Port) => port.name === memberPortName(amphoraId, port.networkId);
const isOwnPort = (amphoraId: string, port: Port) =>
  port.name === vrrpPortName(amphoraId) || isMemberPort(amphoraId, port);

/** Every one of an amphora. Those that Kiln 0.1 made have no tags: by name, or in their server while that is there. */
export async function portsOfAmphora(
  { network }: Pick<LoadBalancerParts, 'network'>,
  { id, serverId }: { id: string; serverId: string | null },
): Promise<Port[]> {
  const found = await Promise.all([
    network.findPortsByTag(amphoraTag(id)),
    network.findPortsByName(vrrpPortName(id)),
    serverId ? network.listPortsOfDevice(serverId) : [],
  ]);
  const own = found.flat().filter((port) => isOwnPort(id, port));
  return [...new Map(own.map((port) => [port.id, port])).values()];
}

/** Those in networks of members. */
export async function memberPortsOf(
  parts: Pick<LoadBalancerParts, 'network'>,
  amphora: { id: string; serverId: string | null },
): Promise<Port[]> {
  return (await portsOfAmphora(parts, amphora)).filter((port) => isMemberPort(amphora.id, port));
}

/** Those of all amphorae that the load balancer ever had, each with its amphora. */
export async function amphoraPortsOf(
  { network }: Pick<LoadBalancerParts, 'network'>,
  loadBalancerId: string,
): Promise<{ amphoraId: string; port: Port }[]> {
  const ports = await network.findPortsByTag(loadBalancerTag(loadBalancerId));
  return ports.flatMap((port) => {
    const prefix = amphoraTag('');
    const tag = port.tags.find((one) => one.startsWith(prefix));
    const amphoraId = tag?.slice(prefix.length) ?? '';
    return amphoraId !== '' && isOwnPort(amphoraId, port) ? [{ amphoraId, port }] : [];
  });
}
