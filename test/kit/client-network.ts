import { request } from 'undici';
import type { TestbedAccess } from './testbed-access.ts';

/** A network and a subnet of the project demo in the bed's Neutron, for commands that name them. */
export async function clientNetwork(
  bed: TestbedAccess,
): Promise<{ ids: Record<'network' | 'subnet', string>; close(): Promise<void> }> {
  const headers = { 'x-auth-token': await bed.token('demo'), 'content-type': 'application/json' };
  async function call<Body>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<Body> {
    const answer = await request(`${bed.endpoints.network}/v2.0/${path}`, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 400) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
    return (text === '' ? {} : JSON.parse(text)) as Body;
  }
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
