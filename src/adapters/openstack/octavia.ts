import { type Static, type TSchema, Type } from 'typebox';
import { noneIfGone } from '../../model/errors.ts';
import type {
  OctaviaAmphora,
  OctaviaFlavor,
  OctaviaFlavorProfile,
  OctaviaLoadBalancer,
  OctaviaStatusTree,
} from '../../model/octavia.ts';
import type { OctaviaService } from '../../ports/octavia.ts';
import { type Reader, readerOf } from './answers.ts';
import { invalidAnswer } from './failures.ts';
import type { Http, HttpAnswer } from './http.ts';
import { createServiceClient, type ServiceRequest, type ServiceSession, segment } from './service-client.ts';

/** Of one page; Octavia may have smaller ones, and says by a link that there is more. */
const PAGE_SIZE = 1_000;
/** An address that nobody has (TEST-NET-1), for the member of a load balancer that nobody uses. */
const NOBODY = '192.0.2.1';
const LISTENER_PORT = 8080;

const id = Type.String({ minLength: 1 });
const text = Type.Optional(Type.Union([Type.String(), Type.Null()]));
const loadBalancer = Type.Object({
  id,
  name: text,
  project_id: text,
  provider: text,
  provisioning_status: Type.String(),
  operating_status: Type.String(),
  flavor_id: text,
  availability_zone: text,
});
const amphora = Type.Object({
  id,
  loadbalancer_id: text,
  compute_id: text,
  role: text,
  status: Type.String(),
  image_id: text,
});
const flavor = Type.Object({ id, name: text, flavor_profile_id: id });
const profile = Type.Object({ id, name: text, provider_name: Type.String(), flavor_data: Type.String() });
const readLoadBalancer = readerOf(Type.Object({ loadbalancer: loadBalancer }));
const readFlavor = readerOf(Type.Object({ flavor }));
const readProfile = readerOf(Type.Object({ flavorprofile: profile }));
const counter = Type.Integer({ minimum: 0 });
const readStatistics = readerOf(
  Type.Object({ stats: Type.Object({ total_connections: counter, request_errors: counter }) }),
);
const statusNode = Type.Object({ id, operating_status: Type.String() });
const statusPool = Type.Object({ members: Type.Optional(Type.Array(statusNode)) });
const readStatusTree = readerOf(
  Type.Object({
    statuses: Type.Object({
      loadbalancer: Type.Object({
        provisioning_status: Type.String(),
        operating_status: Type.String(),
        listeners: Type.Optional(
          Type.Array(
            Type.Object({ id, operating_status: Type.String(), pools: Type.Optional(Type.Array(statusPool)) }),
          ),
        ),
      }),
    }),
  }),
);

interface Page<Entry> {
  entries: Entry[];
  hasNext: boolean;
  answer: HttpAnswer;
}

function pageReader<Schema extends TSchema>(key: string, entry: Schema): Reader<Page<Static<Schema>>> {
  const links = Type.Optional(Type.Array(Type.Object({ rel: Type.String() })));
  const read = readerOf(Type.Object({ [key]: Type.Array(entry), [`${key}_links`]: links }));
  return (answer) => {
    const page = read(answer) as Record<string, unknown>;
    const next = (page[`${key}_links`] ?? []) as { rel: string }[];
    return { entries: page[key] as Static<Schema>[], hasNext: next.some(({ rel }) => rel === 'next'), answer };
  };
}

const readLoadBalancers = pageReader('loadbalancers', loadBalancer);
const readAmphorae = pageReader('amphorae', amphora);
const readFlavors = pageReader('flavors', flavor);
const readProfiles = pageReader('flavorprofiles', profile);

/** Octavia v2, for administrators. */
export function createOctavia(options: { session: ServiceSession; http: Http }): OctaviaService {
  const client = createServiceClient({
    serviceType: 'load-balancer',
    session: options.session,
    http: options.http,
    base: (endpoint) => endpoint.replace(/\/v2(\.\d+)?(\/lbaas)?$/, ''),
  });
  const lbaas = (kind: string, one?: string) =>
    `/v2/lbaas/${kind}${one === undefined ? '' : `/${segment('The ID', one)}`}`;

  async function readAll<Entry extends { id: string }>(
    request: ServiceRequest,
    read: Reader<Page<Entry>>,
  ): Promise<Entry[]> {
    const found = new Map<string, Entry>();
    let marker: string | null = null;
    while (true) {
      const query: [string, string][] = [
        ['limit', String(PAGE_SIZE)],
        ...(marker ? [['marker', marker] as const] : []),
      ] as [string, string][];
      const page: Page<Entry> = await client.call({ ...request, query: [...(request.query ?? []), ...query] }, read);
      const before = found.size;
      for (const one of page.entries) found.set(one.id, one);
      const last = page.entries.at(-1);
      if (!last || !page.hasNext) return [...found.values()];
      // A page that is shorter than the limit may have a link all the same: the next one is empty then.
      if (found.size === before)
        throw invalidAnswer(page.answer.call, 'a page of its list has nothing but what came before');
      marker = last.id;
    }
  }

  async function remove(request: Omit<ServiceRequest, 'method'>): Promise<void> {
    await client.send({ method: 'DELETE', ...request }).catch(noneIfGone);
  }
  // Sent once: a second failover would replace the amphora that the first one has just made.
  const failover = (path: string) => client.send({ method: 'PUT', path, repeatable: false });

  return {
    async listLoadBalancers({ provisioningStatus, name } = {}, signal) {
      const query: [string, string][] = [
        ...(provisioningStatus === undefined ? [] : [['provisioning_status', provisioningStatus] as [string, string]]),
        ...(name === undefined ? [] : [['name', name] as [string, string]]),
      ];
      const all = await readAll({ method: 'GET', path: lbaas('loadbalancers'), query, signal }, readLoadBalancers);
      return all.map(loadBalancerOf);
    },
    getLoadBalancer: async (one) =>
      loadBalancerOf(
        (await client.call({ method: 'GET', path: lbaas('loadbalancers', one) }, readLoadBalancer)).loadbalancer,
      ),
    async listAmphorae({ loadBalancerId } = {}, signal) {
      const query: [string, string][] = loadBalancerId === undefined ? [] : [['loadbalancer_id', loadBalancerId]];
      const all = await readAll({ method: 'GET', path: '/v2/octavia/amphorae', query, signal }, readAmphorae);
      return all.map(amphoraOf).filter(({ status }) => status !== 'DELETED');
    },
    getStatusTree: async (one) =>
      treeOf(await client.call({ method: 'GET', path: `${lbaas('loadbalancers', one)}/status` }, readStatusTree)),
    async getStatistics(one) {
      const { stats } = await client.call(
        { method: 'GET', path: `${lbaas('loadbalancers', one)}/stats` },
        readStatistics,
      );
      return { connections: stats.total_connections, requestErrors: stats.request_errors };
    },
    failoverLoadBalancer: (one) => failover(`${lbaas('loadbalancers', one)}/failover`),
    failoverAmphora: (one) => failover(`/v2/octavia/amphorae/${segment('The ID', one)}/failover`),

    listFlavors: async () => (await readAll({ method: 'GET', path: lbaas('flavors') }, readFlavors)).map(flavorOf),
    listFlavorProfiles: async () =>
      (await readAll({ method: 'GET', path: lbaas('flavorprofiles') }, readProfiles)).map(profileOf),
    async createFlavorProfile({ name, provider, data }) {
      const json = { flavorprofile: { name, provider_name: provider, flavor_data: JSON.stringify(data) } };
      return profileOf(
        (await client.call({ method: 'POST', path: lbaas('flavorprofiles'), json }, readProfile)).flavorprofile,
      );
    },
    async createFlavor({ name, profileId }) {
      const json = { flavor: { name, flavor_profile_id: profileId, enabled: true } };
      return flavorOf((await client.call({ method: 'POST', path: lbaas('flavors'), json }, readFlavor)).flavor);
    },
    deleteFlavor: (one) => remove({ path: lbaas('flavors', one) }),
    deleteFlavorProfile: (one) => remove({ path: lbaas('flavorprofiles', one) }),
    async createLoadBalancer({ name, subnetId, provider, flavorId, zone }) {
      const member = { address: NOBODY, protocol_port: LISTENER_PORT };
      const pool = { name, protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN', members: [member] };
      const listener = { name, protocol: 'HTTP', protocol_port: LISTENER_PORT, default_pool: pool };
      const json = {
        loadbalancer: {
          name,
          vip_subnet_id: subnetId,
          provider,
          flavor_id: flavorId,
          ...(zone === null ? {} : { availability_zone: zone }),
          listeners: [listener],
        },
      };
      return loadBalancerOf(
        (await client.call({ method: 'POST', path: lbaas('loadbalancers'), json }, readLoadBalancer)).loadbalancer,
      );
    },
    deleteLoadBalancer: (one) => remove({ path: lbaas('loadbalancers', one), query: [['cascade', 'true']] }),
  };
}

const loadBalancerOf = (one: Static<typeof loadBalancer>): OctaviaLoadBalancer => ({
  id: one.id,
  name: one.name ?? '',
  projectId: one.project_id ?? '',
  provider: one.provider ?? '',
  provisioningStatus: one.provisioning_status,
  operatingStatus: one.operating_status,
  flavorId: one.flavor_id || null,
  zone: one.availability_zone || null,
});

const amphoraOf = (one: Static<typeof amphora>): OctaviaAmphora => ({
  id: one.id,
  loadBalancerId: one.loadbalancer_id || null,
  serverId: one.compute_id || null,
  role: one.role || null,
  status: one.status,
  imageId: one.image_id || null,
});

const flavorOf = (one: Static<typeof flavor>): OctaviaFlavor => ({
  id: one.id,
  name: one.name ?? '',
  profileId: one.flavor_profile_id,
});

function profileOf(one: Static<typeof profile>): OctaviaFlavorProfile {
  return { id: one.id, name: one.name ?? '', provider: one.provider_name, data: dataOf(one.flavor_data) };
}

/** What is no JSON has no capability that could be read. */
function dataOf(json: string): Record<string, unknown> {
  try {
    const data: unknown = JSON.parse(json);
    return typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function treeOf({ statuses: { loadbalancer } }: ReturnType<typeof readStatusTree>): OctaviaStatusTree {
  const byId = (nodes: readonly Static<typeof statusNode>[]) =>
    Object.fromEntries(nodes.map((node) => [node.id, node.operating_status]));
  const listeners = loadbalancer.listeners ?? [];
  return {
    provisioningStatus: loadbalancer.provisioning_status,
    operatingStatus: loadbalancer.operating_status,
    listeners: byId(listeners),
    members: byId(listeners.flatMap(({ pools }) => (pools ?? []).flatMap(({ members }) => members ?? []))),
  };
}
