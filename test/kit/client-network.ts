import type { TestbedAccess } from './testbed-access.ts';
import { neutronOf } from './testbed-network.ts';

/** A network and a subnet of the project demo in the test bed's Neutron, for commands that name them. */
export async function clientNetwork(
  bed: TestbedAccess,
): Promise<{ ids: Record<'network' | 'subnet', string>; close(): Promise<void> }> {
  const call = await neutronOf(bed, 'demo');
  const removeAll = async () => {
    const { networks } = await call<{ networks: { id: string }[] }>('GET', 'networks?name=client-net');
    for (const { id } of networks) await call('DELETE', `networks/${id}`);
  };

  await removeAll(); // what a run that broke off has left
  type Made = Record<'network' | 'subnet', { id: string }>;
  const { network } = await call<Made>('POST', 'networks', { network: { name: 'client-net' } });
  const { subnet } = await call<Made>('POST', 'subnets', {
    subnet: { name: 'client-subnet', network_id: network.id, ip_version: 4, cidr: '198.51.100.0/24' },
  });
  return { ids: { network: network.id, subnet: subnet.id }, close: removeAll };
}
