import { Type } from 'typebox';
import type { Server, ServerGroup, ServerInterface, ServerSpec } from '../../model/compute.ts';
import { noneIfGone, ServiceError } from '../../model/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ComputeService } from '../../ports/compute.ts';
import type { Log } from '../../ports/log.ts';
import { readerOf } from './answers.ts';
import type { Http } from './http.ts';
import type { OpenStackSession } from './keystone.ts';
import { lookForLost } from './look-for-lost.ts';
import {
  interfaceOf,
  readFlavor,
  readInterfaces,
  readServer,
  readServerGroup,
  readServerGroups,
  readServers,
  serverGroupOf,
  serverOf,
} from './nova-answers.ts';
import { createServiceClient, type ServiceClient, type ServiceSession, segment } from './service-client.ts';

/**
 * The microversion of every call but one, pinned so that answers have one shape on all clouds: 2.15 (Mitaka, 2016) is
 * what Octavia speaks. It knows soft-anti-affinity groups, and it still takes personality files, which 2.57 refuses.
 */
const pinned = '2.15';
/** Flavors carry their extra specs from here on (Rocky, 2018). Older clouds answer 406 and are asked separately. */
const withExtraSpecs = '2.61';

/** How long a server is looked for after the answer to its creation was lost. */
const defaultLookupSeconds = 30;

const microversion = (version: string) => ({ 'openstack-api-version': `compute ${version}` });
export const computeHeaders = microversion(pinned);

/** Nova's API 2.1, with `computeHeaders`. */
export const createComputeClient = (options: { session: ServiceSession; http: Http }): ServiceClient =>
  createServiceClient({ serviceType: 'compute', session: options.session, http: options.http, base });

/**
 * Nova.
 * @param options.createLookupSeconds how long to look for a server whose create got no proper answer: Nova may still be
 * at it when the connection is cut.
 */
export function createNova(options: {
  session: OpenStackSession;
  http: Http;
  clock: Clock;
  log: Log;
  createLookupSeconds?: number;
}): ComputeService {
  const { clock, log, createLookupSeconds = defaultLookupSeconds } = options;
  const client = createComputeClient(options);
  const headers = computeHeaders;
  const pathOf = (serverId: string) => `/servers/${segment('The server ID', serverId)}`;

  async function findServersByName(name: string, signal?: AbortSignal): Promise<Server[]> {
    // Nova takes the name as a regular expression, and some databases compare without case: exact again on this side.
    const pattern = `^${name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`;
    const { servers } = await client.call(
      { method: 'GET', path: '/servers/detail', query: [['name', pattern]], headers, signal },
      readServers,
    );
    return servers.map(serverOf).filter((server) => server.name === name);
  }

  async function listInterfaces(serverId: string, signal?: AbortSignal): Promise<ServerInterface[]> {
    const request = { method: 'GET', path: `${pathOf(serverId)}/os-interface`, headers, signal } as const;
    return (await client.call(request, readInterfaces)).interfaceAttachments.map(interfaceOf);
  }

  async function listAvailabilityZones(): Promise<string[]> {
    const { availabilityZoneInfo } = await client.call(
      { method: 'GET', path: '/os-availability-zone', headers },
      readZones,
    );
    return availabilityZoneInfo.filter((zone) => zone.zoneState.available).map((zone) => zone.zoneName);
  }

  /** False also when that is unknown: the error that led to the question says more. */
  async function hasPort(serverId: string, portId: string): Promise<boolean> {
    const interfaces = await listInterfaces(serverId).catch(() => []);
    return interfaces.some((one) => one.portId === portId);
  }

  /** Only one server may have this name. */
  async function ofThisName(name: string, signal?: AbortSignal): Promise<Server | null> {
    const found = (await findServersByName(name, signal)).sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
    const [oldest, ...others] = found;
    if (others.length > 0) {
      const serverIds = found.map((server) => server.id);
      log.error({ name, serverIds }, 'Several servers have the name that only one may have; the oldest is used');
    }
    return oldest ?? null;
  }

  /** What to do about a create that failed: adopt the server if it was made all the same, else throw. */
  async function afterFailedCreate(spec: ServerSpec, error: unknown, signal?: AbortSignal): Promise<{ id: string }> {
    if (!(error instanceof ServiceError)) throw error;
    if (isAboutImage(error)) {
      throw new ServiceError(
        'IMAGE_GONE',
        `Nova can't boot image ${spec.imageId}: ${error.call.serviceMessage}`,
        error.call,
        {
          cause: error,
        },
      );
    }
    if (!error.call.outcomeUnknown || signal?.aborted) throw error;
    log.warn(
      { name: spec.name, error: error.message },
      'The answer to a server creation was lost; looking for the server',
    );
    const look = (limit: AbortSignal) => ofThisName(spec.name, limit);
    const found = await lookForLost(clock, createLookupSeconds, look, signal).catch((lookupError: Error) => {
      log.warn({ name: spec.name, error: lookupError.message }, 'Looking for the server failed');
      return null;
    });
    if (found) {
      log.info({ name: spec.name, serverId: found.id }, 'Nova had made the server; it is used');
      return { id: found.id };
    }
    throw error;
  }

  return {
    async createServer(spec, signal) {
      try {
        const json = serverRequest(spec);
        const { server } = await client.call({ method: 'POST', path: '/servers', headers, json, signal }, readCreated);
        return { id: server.id };
      } catch (error) {
        return afterFailedCreate(spec, error, signal);
      }
    },

    async getServer(serverId, signal) {
      const { server } = await client.call({ method: 'GET', path: pathOf(serverId), headers, signal }, readServer);
      return serverOf(server);
    },

    async getConsoleOutput(serverId, lines, signal) {
      const json = { 'os-getConsoleOutput': { length: lines } };
      const request = { method: 'POST', path: `${pathOf(serverId)}/action`, headers, json, signal } as const;
      return (await client.call(request, readConsoleOutput)).output ?? '';
    },

    findServersByName: (name) => findServersByName(name),

    async deleteServer(serverId) {
      await client.send({ method: 'DELETE', path: pathOf(serverId), headers }).catch(noneIfGone);
    },

    listInterfaces,

    async attachPort(serverId, portId) {
      const request = { method: 'POST', path: `${pathOf(serverId)}/os-interface`, headers } as const;
      const json = { interfaceAttachment: { port_id: portId } };
      try {
        await client.send({ ...request, json });
      } catch (error) {
        // "Port … is still in use" is also what Nova says of one that is in this very server.
        const maybeDone =
          error instanceof ServiceError && (error.code === 'SERVICE_CONFLICT' || error.call.outcomeUnknown);
        if (!maybeDone || !(await hasPort(serverId, portId))) throw error;
        log.info({ serverId, portId }, 'The port was plugged into the server already');
      }
    },

    async detachPort(serverId, portId) {
      const path = `${pathOf(serverId)}/os-interface/${segment('The port ID', portId)}`;
      await client.send({ method: 'DELETE', path, headers }).catch(noneIfGone);
    },

    async createServerGroup({ name, policy }) {
      const json = { server_group: { name, policies: [policy] } };
      const request = { method: 'POST', path: '/os-server-groups', headers, json } as const;
      return serverGroupOf((await client.call(request, readServerGroup)).server_group);
    },

    async findServerGroupsByName(name) {
      const found: ServerGroup[] = [];
      // Nova filters by nothing, and gives out as many at a time as its operator allows.
      for (let offset = 0; ; ) {
        const query: [string, string][] = [['offset', `${offset}`]];
        const request = { method: 'GET', path: '/os-server-groups', query, headers } as const;
        const { server_groups: page } = await client.call(request, readServerGroups);
        if (page.length === 0) return found;
        found.push(...page.filter((group) => group.name === name).map(serverGroupOf));
        offset += page.length;
      }
    },

    async deleteServerGroup(groupId) {
      const path = `/os-server-groups/${segment('The server group ID', groupId)}`;
      await client.send({ method: 'DELETE', path, headers }).catch(noneIfGone);
    },

    async getFlavor(flavorId, signal) {
      const path = `/flavors/${segment('The flavor ID', flavorId)}`;
      const ask = async (version: string) =>
        (await client.call({ method: 'GET', path, headers: microversion(version), signal }, readFlavor)).flavor;
      const { extra_specs: included, ...flavor } = await ask(withExtraSpecs).catch((error: unknown) => {
        if (error instanceof ServiceError && error.call.status === 406) return ask(pinned);
        throw error;
      });
      const extraSpecs =
        included ??
        (await client.call({ method: 'GET', path: `${path}/os-extra_specs`, headers, signal }, readExtraSpecs))
          .extra_specs;
      return {
        id: flavor.id,
        name: flavor.name,
        vcpus: flavor.vcpus,
        ramMiB: flavor.ram,
        diskGiB: flavor.disk,
        extraSpecs,
      };
    },

    async hasKeypair(name) {
      const path = `/os-keypairs/${segment('The key name', name)}`;
      const found = await client.send({ method: 'GET', path, headers }).then(() => true, noneIfGone);
      return found ?? false;
    },

    listAvailabilityZones,
    hasAvailabilityZone: async (name) => (await listAvailabilityZones()).includes(name),

    maxMicroversion: async () => (await client.call({ method: 'GET', path: '/' }, readVersion)).version.version,
  };
}

const readConsoleOutput = readerOf(Type.Object({ output: Type.Union([Type.String(), Type.Null()]) }));
const readCreated = readerOf(Type.Object({ server: Type.Object({ id: Type.String({ minLength: 1 }) }) }));
const readExtraSpecs = readerOf(Type.Object({ extra_specs: Type.Record(Type.String(), Type.String()) }));
const readZones = readerOf(
  Type.Object({
    availabilityZoneInfo: Type.Array(
      Type.Object({ zoneName: Type.String(), zoneState: Type.Object({ available: Type.Boolean() }) }),
    ),
  }),
);
const readVersion = readerOf(
  Type.Object({ version: Type.Object({ version: Type.String({ pattern: '^\\d+\\.\\d+$' }) }) }),
);

/** Catalogs have `…/v2.1`, `…/v2.1/PROJECT`, the old `…/v2/PROJECT`, or no version: all mean the API 2.1. */
function base(endpoint: string): string {
  return `${endpoint.replace(/\/v2(\.1)?(\/[^/]+)?$/, '')}/v2.1`;
}

function serverRequest(spec: ServerSpec): object {
  const files = Object.entries(spec.files);
  const base64 = (text: string) => Buffer.from(text, 'utf8').toString('base64');
  return {
    server: {
      name: spec.name,
      imageRef: spec.imageId,
      flavorRef: spec.flavorId,
      networks: [...spec.networkIds.map((uuid) => ({ uuid })), ...spec.portIds.map((port) => ({ port }))],
      // Nova takes the ID of a security group as its name.
      security_groups: spec.securityGroupIds.map((name) => ({ name })),
      config_drive: true,
      ...(spec.keyName === null ? {} : { key_name: spec.keyName }),
      ...(spec.availabilityZone === null ? {} : { availability_zone: spec.availabilityZone }),
      ...(files.length === 0 ? {} : { personality: files.map(([path, text]) => ({ path, contents: base64(text) })) }),
      ...(spec.userData === null ? {} : { user_data: base64(spec.userData) }),
    },
    ...(spec.serverGroupId === null ? {} : { 'os:scheduler_hints': { group: spec.serverGroupId } }),
  };
}

/** Nova answers 400 to an image that is not there, not to be seen, or not active; only its words tell. */
function isAboutImage(error: ServiceError): boolean {
  const said = error.call.serviceMessage ?? '';
  return (
    error.call.status === 400 &&
    /can ?not find requested image|image \S+ (is not active|could not be found)/i.test(said)
  );
}
