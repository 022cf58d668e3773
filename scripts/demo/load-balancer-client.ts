import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

interface Amphora {
  id: string;
  image_id: string;
  compute_id: string;
  role: string;
}

interface LoadBalancer {
  id: string;
  vip_address: string;
  provisioning_status: string;
  operating_status: string;
}

/** What the demo asks of the load-balancer API, and of the embedded cloud to look behind it. */
export interface LoadBalancerClient {
  /** Where Kiln's web page is. */
  pageUrl: string;
  /** A flavor with a profile of its own. @returns its ID. */
  createFlavor(flavorData: FlavorData): Promise<string>;
  /** With one HTTP listener on port 8080 and these members. */
  create(
    name: string,
    members: readonly { port: number }[],
    options?: { flavorId?: string; isMonitored?: boolean },
  ): Promise<LoadBalancer>;
  /** Waits until its provisioning status is ACTIVE or ERROR. */
  untilSettled(id: string): Promise<LoadBalancer>;
  /** Waits until Nova builds the server of its amphora. */
  untilServerIsBuilt(id: string): Promise<string>;
  /** Waits until its operating status is ERROR. */
  untilInError(id: string): Promise<string>;
  failOver(id: string): Promise<LoadBalancer>;
  /** Waits until another amphora has taken this one's place. */
  untilReplaced(id: string, amphoraId: string): Promise<LoadBalancer>;
  /** Deletes it with everything in it, and waits until it is gone. */
  remove(id: string): Promise<void>;
  amphoraOf(loadBalancerId: string): Promise<Amphora>;
  /** Those that serve, or stand by. */
  amphoraeOf(loadBalancerId: string): Promise<Amphora[]>;
  serversNamed(name: string): Promise<number>;
  /** In Glance. */
  deleteImage(id: string): Promise<void>;
  /** Ports of Kiln's in Neutron. */
  portsLeft(): Promise<number>;
}

/** What a flavor profile says; a flavor is made of it. */
export type FlavorData = Partial<Record<'loadbalancer_topology' | 'amp_image_tag', string>>;

/** Who signs in, by the name in the clouds.yaml of `kiln dev`. */
export type CloudName = 'kiln-dev' | 'kiln-dev-demo';

const pollMs = 100;
const patienceMs = 120_000;

interface Account {
  auth_url: string;
  username: string;
  password: string;
  project_name: string;
}

/** What `kiln dev` wrote into its folder. */
export function readAccount(folder: string, cloudName: CloudName): Account {
  return parse(readFileSync(join(folder, 'clouds.yaml'), 'utf8')).clouds[cloudName].auth;
}

/** Signs in, as the administrator if nobody else is named. */
export async function createLoadBalancerClient(
  folder: string,
  cloudName: CloudName = 'kiln-dev',
): Promise<LoadBalancerClient> {
  const { auth_url: authUrl, username, password, project_name: project } = readAccount(folder, cloudName);
  const domain = { name: 'Default' };
  const login = await fetch(`${authUrl}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      auth: {
        identity: { methods: ['password'], password: { user: { name: username, domain, password } } },
        scope: { project: { name: project, domain } },
      },
    }),
  });
  const token = login.headers.get('x-subject-token') ?? '';
  const { catalog } = ((await login.json()) as { token: { catalog: { type: string; endpoints: { url: string }[] }[] } })
    .token;
  const urlOf = (type: string) => catalog.find((service) => service.type === type)?.endpoints[0]?.url ?? '';
  const api = `${urlOf('load-balancer')}/v2`;

  // biome-ignore lint/suspicious/noExplicitAny: a wrong guess about an answer fails a claim.
  async function call(method: string, url: string, body?: object): Promise<any> {
    const answer = await fetch(url, {
      method,
      headers: { 'x-auth-token': token, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await answer.text();
    if (answer.status === 404) return null;
    if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  }
  const show = async (id: string): Promise<LoadBalancer | null> =>
    (await call('GET', `${api}/lbaas/loadbalancers/${id}`))?.loadbalancer ?? null;

  async function until<Answer>(what: string, look: () => Promise<Answer | null>): Promise<Answer> {
    const endMs = performance.now() + patienceMs;
    while (performance.now() < endMs) {
      // A Kiln that is just being started again does not answer yet.
      const answer = await look().catch(() => null);
      if (answer !== null) return answer;
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
    throw new Error(`${what} did not happen within ${patienceMs / 1000} s`);
  }

  const { subnets } = await call('GET', `${urlOf('network')}/v2.0/subnets?name=lb-vip-subnet`);
  const client: LoadBalancerClient = {
    pageUrl: `${urlOf('load-balancer')}/ui/`,
    async createFlavor(flavorData: FlavorData): Promise<string> {
      const name = Object.values(flavorData).join(' ');
      const flavorprofile = { name, provider_name: 'amphora', flavor_data: JSON.stringify(flavorData) };
      const profile = await call('POST', `${api}/lbaas/flavorprofiles`, { flavorprofile });
      const flavor = { name, flavor_profile_id: profile.flavorprofile.id, enabled: true };
      return (await call('POST', `${api}/lbaas/flavors`, { flavor })).flavor.id;
    },
    async create(name, members, { flavorId, isMonitored = false } = {}) {
      const pool = {
        name: `${name}-pool`,
        protocol: 'HTTP',
        lb_algorithm: 'ROUND_ROBIN',
        members: members.map(({ port }) => ({ address: '127.0.0.1', protocol_port: port })),
        ...(isMonitored && {
          healthmonitor: { type: 'HTTP', delay: 1, timeout: 1, max_retries: 1, max_retries_down: 1 },
        }),
      };
      const listener = { name: `${name}-http`, protocol: 'HTTP', protocol_port: 8080, default_pool: pool };
      const loadbalancer = {
        ...{ name, vip_subnet_id: subnets[0].id, listeners: [listener] },
        ...(flavorId && { flavor_id: flavorId }),
      };
      return (await call('POST', `${api}/lbaas/loadbalancers`, { loadbalancer })).loadbalancer;
    },
    untilSettled: (id) =>
      until(`ACTIVE of ${id}`, async () => {
        const found = await show(id);
        return found && !found.provisioning_status.startsWith('PENDING_') ? found : null;
      }),
    untilServerIsBuilt: (id) =>
      until(`the server of ${id}`, async () => {
        const { amphorae } = await call('GET', `${api}/octavia/amphorae?loadbalancer_id=${id}`);
        return (amphorae as Amphora[]).find((one) => one.compute_id)?.compute_id ?? null;
      }),
    untilInError: (id) =>
      until(`ERROR of ${id}`, async () => {
        const status = (await show(id))?.operating_status;
        return status === 'ERROR' ? status : null;
      }),
    async failOver(id) {
      await call('PUT', `${api}/lbaas/loadbalancers/${id}/failover`);
      return await client.untilSettled(id);
    },
    untilReplaced: (id, amphoraId) =>
      until(`a new amphora of ${id}`, async () => {
        const [found, serving] = [await show(id), await client.amphoraeOf(id)];
        const isGone = serving.length > 0 && serving.every((one) => one.id !== amphoraId);
        return found?.provisioning_status === 'ACTIVE' && isGone ? found : null;
      }),
    async remove(id) {
      await call('DELETE', `${api}/lbaas/loadbalancers/${id}?cascade=true`);
      await until(`the end of ${id}`, async () => ((await show(id)) === null ? true : null));
    },
    async amphoraOf(id) {
      const [first] = await client.amphoraeOf(id);
      return first ?? ({} as Amphora);
    },
    async amphoraeOf(id) {
      return (await call('GET', `${api}/octavia/amphorae?loadbalancer_id=${id}&status=ALLOCATED`)).amphorae;
    },
    async serversNamed(name) {
      return (await call('GET', `${urlOf('compute')}/servers?name=${name}`)).servers.length;
    },
    async deleteImage(id) {
      await call('DELETE', `${urlOf('image')}/v2/images/${id}`);
    },
    async portsLeft() {
      const { ports } = await call('GET', `${urlOf('network')}/v2.0/ports`);
      return (ports as { name: string }[]).filter(({ name }) => name.startsWith('octavia-')).length;
    },
  };
  return client;
}
