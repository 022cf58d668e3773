import { request } from 'undici';
import type { TestbedAccess } from '../kit/testbed-access.ts';

/**
 * A region of the test bed's Keystone in which the load-balancer API is at `endpoint`: so what asks the catalog finds it there,
 * and nothing changes for anybody in the test bed's own region.
 */
export interface CatalogRegion {
  name: string;
  remove(): Promise<void>;
}

const SERVICE_TYPE = 'load-balancer';

/** How regions of test runs begin. */
const OURS = 'kiln-';

/** @param name begins with `kiln-`; the region is made anew if a run that was killed has left it. */
export async function addRegion(bed: TestbedAccess, name: string, endpoint: string): Promise<CatalogRegion> {
  const { call, remove } = await identityOf(bed);
  await remove(name);
  await call('POST', 'regions', { region: { id: name } });
  const { services } = (await call('GET', `services?type=${SERVICE_TYPE}`)) as { services: { id: string }[] };
  const service =
    services[0] ?? (await call('POST', 'services', { service: { type: SERVICE_TYPE, name: 'octavia' } })).service;
  for (const interface_ of ['public', 'internal', 'admin'])
    await call('POST', 'endpoints', {
      endpoint: { service_id: service.id, interface: interface_, region_id: name, url: endpoint },
    });
  return { name, remove: () => remove(name) };
}

/** For suites that need a catalog without load balancers: what runs that were killed have left goes. */
export async function removeLeftRegions(bed: TestbedAccess): Promise<void> {
  const { call, remove } = await identityOf(bed);
  const { regions } = (await call('GET', 'regions')) as { regions: { id: string }[] };
  for (const { id } of regions) if (id.startsWith(OURS)) await remove(id);
}

async function identityOf(bed: TestbedAccess) {
  const token = await bed.token('admin');
  const call = async (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) => {
    const answer = await request(`${bed.endpoints.identity}/${path}`, {
      method,
      headers: { 'x-auth-token': token, 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 400 && answer.statusCode !== 404)
      throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
    return text === '' ? {} : JSON.parse(text);
  };
  /** With its endpoints, and the service once it has none left. */
  const remove = async (region: string) => {
    const { endpoints } = (await call('GET', `endpoints?region_id=${region}`)) as { endpoints: { id: string }[] };
    for (const { id } of endpoints) await call('DELETE', `endpoints/${id}`);
    await call('DELETE', `regions/${region}`);
    const { services } = (await call('GET', `services?type=${SERVICE_TYPE}`)) as { services: { id: string }[] };
    for (const { id } of services) {
      const left = (await call('GET', `endpoints?service_id=${id}`)) as { endpoints: unknown[] };
      if (left.endpoints.length === 0) await call('DELETE', `services/${id}`);
    }
  };
  return { call, remove };
}
