import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { sql } from 'kysely';
import { createUnsupportedSecretStore } from '../../src/adapters/secrets/unsupported-secret-store.ts';
import { createAmphoraStore } from '../../src/adapters/storage/amphora-store.ts';
import { openDatabase } from '../../src/adapters/storage/database.ts';
import { createEventStore } from '../../src/adapters/storage/event-store.ts';
import { createFlavorStore } from '../../src/adapters/storage/flavor-store.ts';
import { createJournal } from '../../src/adapters/storage/journal.ts';
import { createLoadBalancerStore } from '../../src/adapters/storage/load-balancer-store.ts';
import { createOverviewStore } from '../../src/adapters/storage/overview-store.ts';
import { createQuotaStore } from '../../src/adapters/storage/quota-store.ts';
import { createReleaseStore } from '../../src/adapters/storage/release-store.ts';
import { resourceKinds, tableOf } from '../../src/adapters/storage/resource-tables.ts';
import type { KilnDatabase } from '../../src/adapters/storage/schema.ts';
import { createTrafficSamples } from '../../src/adapters/storage/traffic-samples.ts';
import { createPolicy } from '../../src/api/policy/policy.ts';
import type { ApiDeps } from '../../src/api/v2/deps.ts';
import { createApi } from '../../src/api/v2/server.ts';
import { KilnError } from '../../src/model/errors.ts';
import type { Fleet } from '../../src/model/fleet.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { NetworkReferenceChecker } from '../../src/ports/network-references.ts';
import type { VipAllocator } from '../../src/ports/vip-allocator.ts';
import type { VipReservations } from '../../src/ports/vip-reservations.ts';
import { createEventFeed } from '../../src/services/event-feed.ts';
import { defaultApiSettings } from './api-settings.ts';
import type { DatabaseSubject } from './contract/amphora-store.ts';
import { createFakeClock } from './fakes/fake-clock.ts';
import { createFakeLoadBalancerStore, type FakeLoadBalancerStore } from './fakes/fake-load-balancer-store.ts';
import { releasesOver } from './releases.ts';
import { newSqlite, sqliteIn } from './sqlite.ts';

export const ownProject = '11111111111111111111111111111111';
export const otherProject = '22222222222222222222222222222222';
export const subnetId = 'b5a1d6f0-0000-4000-8000-000000000001';
export const securityGroupId = 'b5a1d6f0-0000-4000-8000-000000000002';
export const qosPolicyId = 'b5a1d6f0-0000-4000-8000-000000000003';

export interface ApiAnswer {
  status: number;
  headers: Readonly<Record<string, unknown>>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  body: any;
}

/** The API over a store in memory, with `auth_strategy = noauth` unless a test says otherwise. */
export interface ApiHarness {
  app: FastifyInstance;
  store: FakeLoadBalancerStore;
  queued: string[];
  call(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<ApiAnswer>;
}

export function openApiHarness(overrides: Partial<ApiDeps> = {}): ApiHarness {
  const store = createFakeLoadBalancerStore();
  const queued: string[] = [];
  const clock = createFakeClock({ autoAdvance: true });
  const database = temporaryDatabase(clock);
  const deps: ApiDeps = {
    ...partsFor(clock, queued),
    store,
    flavors: lazily(async () => createFlavorStore(await database(), clock)),
    quotas: lazily(async () => createQuotaStore(await database(), clock)),
    amphorae: lazily(async () => createAmphoraStore(await database(), clock)),
    overview: lazily(async () => createOverviewStore(await database(), clock)),
    trafficSamples: lazily(async () => createTrafficSamples(await database(), clock)),
    journal: lazily(async () => createJournal(await database(), clock)),
    releases: releasesOver(
      lazily(async () => createReleaseStore(await database(), clock)),
      clock,
    ),
    events: createEventFeed(
      lazily(async () => createEventStore(await database(), clock)),
      clock,
    ),
    ...overrides,
  };
  return { store, queued, ...apiOf(deps) };
}

/** The API over a database in a file of its own. */
export interface StoredApiHarness extends Pick<ApiHarness, 'app' | 'call' | 'queued'> {
  database: KilnDatabase;
  deps: ApiDeps;
  /** Statements so far. */
  statements(): number;
  /** Everything that is on its way arrives, as when flows end: what is PENDING_DELETE goes, all else is ACTIVE. */
  settleAll(): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param options.connection a database that others use, too; absent: a SQLite file of its own.
 * @param options.clock absent: one whose sleeps take no time, so that who waits for another process would ask in vain.
 * @param options.around what is put around the parts, so that a test sees what the API asks of them.
 */
export async function openStoredApiHarness(
  overrides: Partial<ApiDeps> = {},
  options: { connection?: string; clock?: Clock; around?: (deps: ApiDeps) => ApiDeps } = {},
): Promise<StoredApiHarness> {
  const queued: string[] = [];
  const clock = options.clock ?? createFakeClock({ autoAdvance: true });
  let statements = 0;
  const folder = mkdtempSync(join(tmpdir(), 'kiln-api-'));
  const connection = options.connection ?? (await sqliteIn(folder));
  const database = await openDatabase(connection, clock, () => {
    statements++;
  });
  const own: ApiDeps = {
    ...partsFor(clock, queued),
    store: createLoadBalancerStore(database, clock),
    flavors: createFlavorStore(database, clock),
    quotas: createQuotaStore(database, clock),
    amphorae: createAmphoraStore(database, clock),
    overview: createOverviewStore(database, clock),
    trafficSamples: createTrafficSamples(database, clock),
    journal: createJournal(database, clock),
    releases: releasesOver(createReleaseStore(database, clock), clock),
    events: createEventFeed(createEventStore(database, clock), clock),
    ...overrides,
  };
  const deps = options.around?.(own) ?? own;
  const { app, call } = apiOf(deps);
  return {
    app,
    call,
    deps,
    queued,
    database,
    statements: () => statements,
    async settleAll() {
      for (const kind of resourceKinds) {
        const table = tableOf(kind).table as 'kiln_listener';
        await database.deleteFrom(table).where('provisioning_status', '=', 'PENDING_DELETE').execute();
        await database.updateTable(table).set({ provisioning_status: 'ACTIVE' }).execute();
      }
      await database.updateTable('kiln_load_balancer').set({ revision: sql`revision + 1` }).execute();
    },
    async close() {
      await app.close();
      await database.destroy();
      rmSync(folder, { recursive: true });
    },
  };
}

const emptyFleet: Fleet = {
  at: '2026-11-23T12:00:00.000Z',
  tags: [],
  images: [],
  totals: { loadBalancers: 0, pairs: 0, mixedPairs: 0, amphorae: 0, behind: 0, inError: 0, silent: 0, imageGone: 0 },
  warnings: [],
};

function partsFor(clock: Clock, queued: string[]) {
  const nothing = { bytesIn: 0, bytesOut: 0, activeConnections: 0, totalConnections: 0, requestErrors: 0 };
  return {
    healthStore: {
      statisticsOfLoadBalancer: async () => nothing,
      statisticsOfListener: async () => nothing,
      statisticsOfAmphora: async () => [],
    },
    vips: createFakeVips(),
    networkReferences: createFakeReferences(),
    profileChecker: { check: async () => {} },
    attention: async () => ({ at: emptyFleet.at, groups: [] }),
    abortOperation: async () => {
      throw new KilnError('OPERATION_NOT_FOUND', 'there is no operation here');
    },
    heartbeatTimeoutSeconds: () => 60,
    fleet: async () => emptyFleet,
    releasableImages: async () => [],
    tagHistory: async () => [],
    reservations: createFakeReservations(),
    secrets: createUnsupportedSecretStore('barbican_cert_manager'),
    policy: createPolicy({ everybodyIsAdmin: true }),
    authentication: { strategy: 'noauth' },
    clock,
    settings: () => defaultApiSettings,
    paging: { maximum: 1000, baseUri: null },
    operationQueued: ({ id }) => queued.push(id),
    ui: null,
    health: { problems: async () => [], detailed: false },
  } satisfies Omit<
    ApiDeps,
    'store' | 'flavors' | 'quotas' | 'amphorae' | 'overview' | 'trafficSamples' | 'journal' | 'releases' | 'events'
  >;
}

const temporary = new Set<DatabaseSubject>();
process.once('exit', () => {
  for (const { close } of temporary) void close();
});

/** A database that is made when somebody first asks for it, and gone with the process. */
function temporaryDatabase(clock: Clock): () => Promise<KilnDatabase> {
  let opened: Promise<KilnDatabase> | null = null;
  return () => {
    if (!opened) {
      opened = newSqlite().then((subject) => {
        temporary.add(subject);
        return openDatabase(subject.connection, clock);
      });
    }
    return opened;
  };
}

/** A store all of whose methods wait until it is there. */
function lazily<Store extends object>(open: () => Promise<Store>): Store {
  const call =
    (name: string) =>
    async (...given: unknown[]) =>
      ((await open()) as Record<string, (...given: unknown[]) => unknown>)[name]?.(...given);
  return new Proxy({} as Store, { get: (_target, name) => call(String(name)) });
}

function apiOf(deps: ApiDeps): Pick<ApiHarness, 'app' | 'call'> {
  const app = createApi(deps);
  return {
    app,
    async call(method, path, body, headers = {}) {
      const answer = await app.inject({
        method,
        url: /^\/(lbaas|octavia)\//.test(path) ? `/v2.0${path}` : path,
        headers: {
          'x-project-id': ownProject,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const json = /\bjson\b/.test(String(answer.headers['content-type'] ?? ''));
      return { status: answer.statusCode, headers: answer.headers, body: json ? answer.json() : answer.body };
    },
  };
}

function createFakeReservations(): VipReservations {
  const reserved = new Set<string>();
  return {
    reserve: async (id) => void reserved.add(id),
    giveUp: async (id) => reserved.has(id),
    findOlderThan: async () => [],
    giveUpOlderThan: async () => [],
    forget: async (id) => void reserved.delete(id),
  };
}

/** The subnet above, a group and a policy are all there is. */
export function createFakeReferences(): NetworkReferenceChecker {
  const authorize = (title: string, known: string, ids: readonly string[] = []) => {
    const unknown = ids.find((id) => id !== known);
    if (unknown !== undefined) throw new KilnError('REQUEST_INVALID', `${title} ${unknown} not found.`);
  };
  return {
    async check({ qosPolicyIds, securityGroupIds, subnetIds }) {
      authorize('qos_policy', qosPolicyId, qosPolicyIds);
      authorize('Security Group', securityGroupId, securityGroupIds);
      authorize('Subnet', subnetId, subnetIds);
    },
  };
}

/** Counts up from 198.51.100.1; the subnet above is the only one. */
export function createFakeVips(): VipAllocator & { released: number } {
  let next = 1;
  const references = createFakeReferences();
  return {
    released: 0,
    async allocate(request) {
      if (request.subnetId !== null) await references.check({ subnetIds: [request.subnetId] });
      const networkId = request.networkId ?? '0553e883-70c9-47be-98c2-462bacb5ff6e';
      if (request.allowedNetworkIds.length > 0 && !request.allowedNetworkIds.includes(networkId)) {
        throw new KilnError('REQUEST_INVALID', `network ${networkId} is not allowed`);
      }
      const vip = {
        address: request.address ?? `198.51.100.${next++}`,
        networkId,
        subnetId: request.subnetId ?? subnetId,
        portId: request.portId ?? crypto.randomUUID(),
        octaviaOwned: request.portId === null,
      };
      return { vip, additionalVips: [], qosPolicyId: request.qosPolicyId };
    },
    async release() {
      this.released++;
    },
  };
}
