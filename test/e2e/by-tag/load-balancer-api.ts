import { type Patience, until } from './until.ts';

export interface LoadBalancer {
  id: string;
  provisioning_status: string;
  vip_address: string;
  /** Why its last operation was undone (docs/decisions/0008-reason-on-show.md). */
  provisioning_reason?: { code: string; message: string; advice: string };
}

/** Octavia's API, version 2, of one process of Kiln's. */
export interface LoadBalancerApi {
  url: string;
  /** Its ID; nothing is built yet. */
  create(fields: { name: string; vip_subnet_id: string; flavor_id?: string }): Promise<string>;
  list(): Promise<LoadBalancer[]>;
  show(id: string): Promise<LoadBalancer | null>;
  /** Waits until nothing is under way on it. */
  settled(id: string): Promise<LoadBalancer>;
  failOver(id: string): Promise<LoadBalancer>;
  /** With everything in it; does not wait. One that is gone is success. */
  startRemoving(id: string): Promise<void>;
  untilGone(id: string): Promise<void>;
  amphorae(loadBalancerId?: string): Promise<{ id: string; image_id: string; compute_id: string; status: string }[]>;
  /** A flavor with that profile; its ID. */
  makeFlavor(name: string, data: object): Promise<string>;
}

export function createLoadBalancerApi(
  url: string,
  user: { token(): Promise<string> },
  patience: Patience,
): LoadBalancerApi {
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape; a wrong guess fails a case.
  async function call(method: string, path: string, body?: object): Promise<any> {
    const answer = await fetch(`${url}/v2${path}`, {
      method,
      headers: { 'x-auth-token': await user.token(), ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await answer.text();
    if (answer.status === 404) return null;
    if (!answer.ok) throw new Error(`Kiln: ${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  }
  const pathOf = (id: string) => `/lbaas/loadbalancers/${id}`;
  const show = async (id: string): Promise<LoadBalancer | null> =>
    (await call('GET', pathOf(id)))?.loadbalancer ?? null;

  const api: LoadBalancerApi = {
    url,
    create: async (fields) => (await call('POST', '/lbaas/loadbalancers', { loadbalancer: fields })).loadbalancer.id,
    list: async () => (await call('GET', '/lbaas/loadbalancers')).loadbalancers,
    show,
    settled: (id) =>
      until(`load balancer ${id} to be built or given up`, patience, async () => {
        const found = await show(id);
        if (!found) throw new Error(`load balancer ${id} is gone`);
        return found.provisioning_status.startsWith('PENDING_') ? null : found;
      }),
    async failOver(id) {
      await call('PUT', `${pathOf(id)}/failover`);
      return await api.settled(id);
    },
    async startRemoving(id) {
      await call('DELETE', `${pathOf(id)}?cascade=true`);
    },
    untilGone: (id) =>
      until(`the end of load balancer ${id}`, patience, async () => {
        const found = await show(id);
        if (found?.provisioning_status === 'ERROR') {
          throw new Error(`load balancer ${id} could not be deleted: ${found.provisioning_reason?.message}`);
        }
        return found === null ? true : null;
      }).then(() => {}),
    async amphorae(id) {
      return (await call('GET', `/octavia/amphorae${id ? `?loadbalancer_id=${id}` : ''}`)).amphorae;
    },
    async makeFlavor(name, data) {
      const profile = { name, provider_name: 'amphora', flavor_data: JSON.stringify(data) };
      const { flavorprofile } = await call('POST', '/lbaas/flavorprofiles', { flavorprofile: profile });
      const flavor = { name, enabled: true, flavor_profile_id: flavorprofile.id };
      return (await call('POST', '/lbaas/flavors', { flavor })).flavor.id;
    },
  };
  return api;
}
