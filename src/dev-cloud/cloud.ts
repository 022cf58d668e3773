import { chmodSync, mkdirSync } from 'node:fs';
import { isIP } from 'node:net';
import { join, resolve } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { limitedFastify } from '../http/limited-fastify.ts';
import { connectionLimits } from '../http/limited-server.ts';
import { KilnError } from '../model/errors.ts';
import { ensureAuthorities } from './authorities.ts';
import { computeService, seedCompute } from './compute/index.ts';
import type { CloudContext } from './context.ts';
import { type CloudAccount, type ConfigurationFacts, kilnHost, writeClientFiles } from './files.ts';
import { findFreePort } from './free-port.ts';
import { createHypervisor, type Hypervisor } from './hypervisor/index.ts';
import { type IdentityTables, identityTables } from './identity/rows.ts';
import { identityService } from './identity/service.ts';
import { createTokenStore } from './identity/tokens.ts';
import { imageService } from './image/service.ts';
import { createNetworkFacade, networkService, seedNetwork } from './network/index.ts';
import type { SeededUser } from './seed.ts';
import { announceLoadBalancers, newPassword, seededUsers, seedIdentity } from './seed.ts';
import { CloudState } from './state.ts';

export type { CloudAccount } from './files.ts';

export interface CloudOptions {
  /** Everything the cloud remembers lies here; made if missing, for its owner alone. */
  stateDirectory: string;
  /** A loopback address. Default 127.0.0.1. */
  host?: string;
  /** Default: the port of the last time, so that the URL stays; the first time any that is free. */
  port?: number;
  /** How long a token lives. Default 3600. */
  tokenLifetimeSeconds?: number;
  /** What runs its servers; default: each is a process. It is closed with the cloud. */
  createHypervisor?: (options: { stateDirectory: string }) => Promise<Hypervisor>;
}

export interface Cloud {
  /** Root of all endpoints, without a trailing slash. */
  url: string;
  stateDirectory: string;
  accounts: Record<SeededUser, CloudAccount>;
  /** clouds.yaml with the clouds kiln-dev, kiln-dev-admin and kiln-dev-demo. */
  cloudsFile: string;
  /** octavia.conf for Kiln. */
  configurationFile: string;
  /** Where the load-balancer API is, by the catalog: `kiln serve` with octavia.conf serves it, not the cloud. */
  apiUrl: string;
  /** What people should know of this start, one sentence each. Often none. */
  notices: string[];
  /** Ends every server and stops listening. The state stays. */
  close(): Promise<void>;
}

interface Settings {
  id: 'cloud';
  port: number | null;
  passwords: Record<SeededUser, string>;
  caKeyPassphrase: string;
  heartbeatKey: string;
  /** Of Kiln's API and of its heartbeats. Missing in clouds from before load balancers. */
  apiPort?: number;
  heartbeatPort?: number;
}

/**
 * Starts the embedded cloud: Keystone v3 at /identity, Glance v2 at /image, Nova 2.1 at /compute and Neutron v2.0 at
 * /network, on one loopback port, with its state in one folder. The same folder gives the same cloud again: tokens are
 * still good, servers run again.
 * USAGE for an address that is not loopback or a port that is taken; STATE_UNUSABLE for a folder it can't write to.
 */
export async function startCloud(options: CloudOptions): Promise<Cloud> {
  const host = options.host ?? '127.0.0.1';
  if (!isLoopback(host)) {
    throw new KilnError('USAGE', `The embedded cloud listens on loopback addresses only, not on ${host}.`, {
      advice: 'Give an address in 127.0.0.0/8, ::1 or localhost.',
    });
  }
  const stateDirectory = resolve(options.stateDirectory);
  const state = openState(stateDirectory);
  let app: FastifyInstance | undefined;
  try {
    const settingsTable = state.table<Settings>('settings');
    const known = settingsTable.get('cloud');
    const given = known ?? newSettings();
    const apiPort = given.apiPort ?? (await findFreePort('tcp', kilnHost));
    const heartbeatPort = given.heartbeatPort ?? (await findFreePort('udp', kilnHost));
    const settings = { ...given, apiPort, heartbeatPort };
    const tables = identityTables(state);
    state.atomically(() => {
      seedIdentity(tables, settings.passwords);
      settingsTable.put(settings);
    });

    const tokens = createTokenStore(tables, options.tokenLifetimeSeconds ?? 3600);
    let url = '';
    const context: CloudContext = {
      state,
      stateDirectory,
      baseUrl: () => url,
      authenticate(token) {
        const row = tokens.find(token);
        return row && tokens.cloudUser(row);
      },
      findImage: () => null,
    };
    const userId = (name: SeededUser) => tables.users.all().find((row) => row.name === name)?.id ?? '';
    seedNetwork(context, { service: projectId(tables, 'kiln'), tenant: projectId(tables, 'demo') });
    const { keyName } = seedCompute(context, userId('kiln'));

    app = newServer();
    await app.register(identityService(tables, tokens, context.baseUrl), { prefix: '/identity' });
    await app.register(imageService(context), { prefix: '/image' });
    const hypervisor = await (options.createHypervisor ?? createHypervisor)({ stateDirectory });
    // From here on the hypervisor's servers are ended by closing this one.
    await app.register(computeService(context, hypervisor, createNetworkFacade(context)), { prefix: '/compute' });
    await app.register(networkService(context, hypervisor.addresses), { prefix: '/network' });

    const port = await listen(app, host, options.port || settings.port || 0, stateDirectory);
    url = `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
    settingsTable.put({ ...settings, port });

    const logins = accounts(url, settings.passwords, tables);
    const { caKeyPassphrase, heartbeatKey } = settings;
    const isNewCloud = known === undefined;
    const authorities = await ensureAuthorities(join(stateDirectory, 'certificates'), caKeyPassphrase, isNewCloud);
    const facts = { ...namedResources(state), keyName, stateDirectory, account: logins.kiln, authorities };
    const kiln = { caKeyPassphrase, heartbeatKey, apiPort, heartbeatPort };
    const files = writeClientFiles(url, logins, { ...facts, ...kiln }, isNewCloud);
    announceLoadBalancers(tables, files.apiUrl);

    const running = app;
    return {
      url,
      stateDirectory,
      accounts: logins,
      ...files,
      async close() {
        await running.close();
        state.close();
      },
    };
  } catch (error) {
    await app?.close();
    state.close();
    throw error;
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function openState(directory: string): CloudState {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const file = join(directory, 'cloud.sqlite');
    const state = new CloudState(file);
    chmodSync(file, 0o600);
    return state;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'SQLITE_BUSY') {
      throw new KilnError('STATE_UNUSABLE', `Another process runs the embedded cloud in ${directory}.`, {
        advice: 'End it first (perhaps it is another `kiln dev`), or give another state folder.',
        cause: error,
      });
    }
    throw new KilnError('STATE_UNUSABLE', `The embedded cloud can't keep its state in ${directory}: ${error}`, {
      advice: 'Give a folder that you may write to.',
      cause: error,
    });
  }
}

function newSettings(): Settings {
  return {
    id: 'cloud',
    port: null,
    passwords: { kiln: newPassword(), admin: newPassword(), demo: newPassword() },
    caKeyPassphrase: newPassword(),
    heartbeatKey: newPassword(),
  };
}

/** An image may come as slowly as a download that is piped into it, but not in silence. */
const cloudLimits = { ...connectionLimits, requestSeconds: 3600, silenceSeconds: 300 };

function newServer(): FastifyInstance {
  const app = limitedFastify(
    {
      // Tags have up to 255 characters, each up to 9 in a path; Glance itself refuses longer request lines with 414.
      routerOptions: { maxParamLength: 4096 },
      // Bodies: personality files and pool definitions; images are streamed and have no limit.
      bodyLimit: 16 * 1024 * 1024,
      forceCloseConnections: true,
    },
    { limits: cloudLimits, server: { maxHeaderSize: 128 * 1024 } },
  );
  // Clients announce JSON on requests that have no body.
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, async (_request: unknown, text: string) => {
    if (text === '') return undefined;
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      throw Object.assign(new Error('The request body is not valid JSON.', { cause: error }), { statusCode: 400 });
    }
  });
  // OpenStack's services name no charset where they send JSON.
  app.addHook('onSend', async (_request, reply) => {
    if (reply.getHeader('Content-Type') === 'application/json; charset=utf-8') {
      reply.header('Content-Type', 'application/json');
    }
  });
  return app;
}

async function listen(app: FastifyInstance, host: string, port: number, stateDirectory: string): Promise<number> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new KilnError('USAGE', `Port ${port} of ${host}, where the cloud in ${stateDirectory} lives, is taken.`, {
      advice: 'End the program that listens there or give another --port.',
      cause: error,
    });
  }
  const address = app.server.address();
  return typeof address === 'object' && address ? address.port : port;
}

function accounts(
  url: string,
  passwords: Record<SeededUser, string>,
  tables: IdentityTables,
): Record<SeededUser, CloudAccount> {
  const account = (userName: SeededUser): CloudAccount => {
    return {
      authUrl: `${url}/identity/v3`,
      userName,
      password: passwords[userName],
      projectName: seededUsers[userName].project,
      projectId: projectId(tables, userName),
      domainName: 'Default',
    };
  };
  return { kiln: account('kiln'), admin: account('admin'), demo: account('demo') };
}

function projectId(tables: IdentityTables, user: SeededUser): string {
  return tables.projects.all().find((row) => row.name === seededUsers[user].project)?.id ?? '';
}

/** What compute and network put into a new cloud for amphorae, by the names they give it. */
function namedResources(state: CloudState): Pick<ConfigurationFacts, 'flavorId' | 'networkIds' | 'securityGroupIds'> {
  type Named = { id: string; name: string };
  const ids = (kind: string, name: string) =>
    state
      .table<Named>(kind)
      .all()
      .filter((row) => row.name === name)
      .map((row) => row.id);
  return {
    flavorId: state.table<Named>('flavors').get('65')?.id ?? null,
    networkIds: ids('networks', 'lb-mgmt-net'),
    securityGroupIds: ids('security-groups', 'lb-mgmt-sec-grp'),
  };
}
