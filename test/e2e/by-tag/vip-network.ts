import { randomInt } from 'node:crypto';
import type { CloudUser } from './cloud-user.ts';

/** The subnet that VIPs are taken from where the cloud has it: that of `kiln dev`, and of Octavia's own examples. */
const USUAL = 'lb-vip-subnet';

export interface VipSubnet {
  id: string;
  networkId: string;
  /** The run made the network, and has to remove it. */
  own: boolean;
}

/**
 * The subnet that was named, else the usual one, else a network of the run's own.
 * @param wanted name or ID.
 * @param onThisMachine VIPs have to be addresses of loopback, as amphorae are processes here.
 */
export async function findVipSubnet(
  operator: CloudUser,
  { wanted, runName, onThisMachine }: { wanted: string | null; runName: string; onThisMachine: boolean },
): Promise<VipSubnet> {
  const subnets: { id: string; name: string; network_id: string }[] = await operator.list(
    'network',
    '/subnets',
    'subnets',
  );
  const name = wanted ?? USUAL;
  const found = subnets.find((subnet) => subnet.id === name || subnet.name === name);
  if (found) return { id: found.id, networkId: found.network_id, own: false };
  if (wanted !== null) throw new Error(`the cloud has no subnet ${wanted} that ${operator.cloudName} sees`);

  const { network } = await operator.call('network', 'POST', '/networks', { network: { name: runName } });
  // Neither the embedded cloud nor the test bed has its own networks here.
  const octet = randomInt(203, 254);
  const cidr = onThisMachine ? `127.${octet}.0.0/16` : `192.168.${octet}.0/24`;
  const asked = { name: runName, network_id: network.id, ip_version: 4, cidr, enable_dhcp: false, gateway_ip: null };
  const { subnet } = await operator.call('network', 'POST', '/subnets', { subnet: asked });
  return { id: subnet.id, networkId: network.id, own: true };
}
