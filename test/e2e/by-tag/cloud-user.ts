import { createSystemClock } from '../../../src/adapters/clock/system-clock.ts';
import { createGlance } from '../../../src/adapters/openstack/glance.ts';
import { createHttp } from '../../../src/adapters/openstack/http.ts';
import { createKeystone } from '../../../src/adapters/openstack/keystone.ts';
import { createNeutron } from '../../../src/adapters/openstack/neutron.ts';
import { createNova } from '../../../src/adapters/openstack/nova.ts';
import type { Configuration } from '../../../src/config/options/index.ts';
import { findAccess, type ServiceType } from '../../../src/main/cloud-access.ts';
import { ServiceError } from '../../../src/model/errors.ts';
import type { ComputeService } from '../../../src/ports/compute.ts';
import type { ImageService } from '../../../src/ports/images.ts';
import type { NetworkService } from '../../../src/ports/network.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Somebody in a cloud: a cloud of clouds.yaml is a user in a project. */
export interface CloudUser {
  /** Of the cloud in clouds.yaml. */
  cloudName: string;
  projectId: string;
  projectName: string;
  roles: readonly string[];
  images: ImageService;
  compute: ComputeService;
  network: NetworkService;
  /** A secret. */
  token(): Promise<string>;
  endpoint(type: ServiceType): Promise<string>;
  /**
   * A call that the ports have no method for. Rejects with ServiceError unless the answer is 2xx.
   * @param path below the version, beginning with a slash.
   */
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape; a wrong guess fails a case.
  call(type: ServiceType, method: Method, path: string, body?: unknown, headers?: Record<string, string>): Promise<any>;
  /** All pages of a list. */
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  list(type: ServiceType, path: string, key: string): Promise<any[]>;
  close(): Promise<void>;
}

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** Catalogs name a version or none; Nova's may have the project behind it. */
const bases: Record<ServiceType, (endpoint: string) => string> = {
  image: (endpoint) => `${endpoint.replace(/\/(v2\/?)?$/, '')}/v2`,
  compute: (endpoint) => `${endpoint.replace(/\/v2(\.1)?(\/[^/]*)?$/, '')}/v2.1`,
  network: (endpoint) => `${endpoint.replace(/\/(v2\.0\/?)?$/, '')}/v2.0`,
  'load-balancer': (endpoint) => endpoint.replace(/\/v2(\.\d+)?$/, ''),
};

/** Logs in. Rejects with a KilnError that says what to do when there is no such cloud or it lets nobody in. */
export async function openCloudUser(cloudName: string, config: Configuration): Promise<CloudUser> {
  const access = findAccess(config, cloudName, process.env);
  const clock = createSystemClock();
  const http = createHttp({ settings: access.identity.transport, clock, log: quiet });
  const { image, compute, network } = access.services;
  const endpoints = { image: image.endpoint, compute: compute.endpoint, network: network.endpoint };
  const session = createKeystone({ auth: access.identity.auth, endpoints, http, clock, log: quiet });
  const parts = { session, http, clock, log: quiet };
  const { projectId, projectName, roles } = await session.authenticatedAs();

  const user: CloudUser = {
    ...{ cloudName, projectId, projectName, roles },
    images: createGlance(parts),
    compute: createNova(parts),
    network: createNeutron(parts),
    token: () => session.token(),
    endpoint: async (type) => bases[type](await session.endpoint(type)),
    async call(type, method, path, body, headers = {}) {
      const answer = await http.request({
        ...{ service: type, method, url: `${await user.endpoint(type)}${path}` },
        headers: { ...headers, 'x-auth-token': await session.token() },
        ...(body === undefined ? {} : { json: body }),
      });
      return answer.text === '' ? null : JSON.parse(answer.text);
    },
    async list(type, path, key) {
      const rows: { id: string }[] = [];
      for (;;) {
        const marker = rows.at(-1)?.id;
        const page = await user.call(
          type,
          'GET',
          marker ? `${path}${path.includes('?') ? '&' : '?'}marker=${marker}` : path,
        );
        const links: { rel: string }[] = page[`${key}_links`] ?? [];
        rows.push(...page[key]);
        if (page[key].length === 0 || !(page.next || links.some(({ rel }) => rel === 'next'))) return rows;
      }
    },
    close: () => http.close(),
  };
  return user;
}

/** The status that a service refused with; null when it was something else that went wrong. */
export function refusalOf(error: unknown): number | null {
  return error instanceof ServiceError ? (error.call.status ?? null) : null;
}
