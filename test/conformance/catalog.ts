import { request } from 'undici';
import type { TestbedAccess } from '../kit/testbed-access.ts';

/**
 * A region of the bed's Keystone in which the load-balancer API is at `endpoint`: so what asks the catalog finds it there,
 * and nothing changes for anybody in the bed's own region.
 */
export interface CatalogRegion {
  name: string;
  remove(): Promise<void>;
}

const SERVICE_TYPE = 'load-balancer';

/** @param name the region is made anew if a run that was killed has left it. */
export async function addRegion(bed: TestbedAccess, name: string, endpoint: string): Promise<CatalogRegion> {
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
  const remove = async () => {
    const { endpoints } = (await call('GET', `endpoints?region_id=${name}`)) as { endpoints: { id: string }[] };
    for (const { id } of endpoints) await call('DELETE', `endpoints/${id}`);
    await call('DELETE', `regions/${name}`);
    const { services } = (await call('GET', `services?type=${SERVICE_TYPE}`)) as { services: { id: string }[] };
    for (const { id } of services) {
      const left = (await call('GET', `endpoints?service_id=${id}`)) as { endpoints: unknown[] };
      if (left.endpoints.length === 0) await call('DELETE', `services/${id}`);
    }
  };

  await remove();
  await call('POST', 'regions', { region: { id: name } });
  const { services } = (await call('GET', `services?type=${SERVICE_TYPE}`)) as { services: { id: string }[] };
  const service =
    services[0] ?? (await call('POST', 'services', { service: { type: SERVICE_TYPE, name: 'octavia' } })).service;
  for (const interface_ of ['public', 'internal', 'admin'])
    await call('POST', 'endpoints', {
      endpoint: { service_id: service.id, interface: interface_, region_id: name, url: endpoint },
    });
  return { name, remove };
}
