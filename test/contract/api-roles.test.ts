/**
 * Every operation of the OpenAPI document, asked for by everybody that Octavia's default policies tell apart: who may not is
 * answered 403 before anything is looked up or written, who may gets past the policy. An operation that is not in the table
 * fails here.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createJournal } from '../../src/adapters/storage/journal.ts';
import { createReleaseStore } from '../../src/adapters/storage/release-store.ts';
import { createPolicy } from '../../src/api/policy/policy.ts';
import { tallyOf } from '../../src/core/releases/tallies.ts';
import { KilnError } from '../../src/model/errors.ts';
import type { AmphoraStore } from '../../src/ports/amphora-store.ts';
import type { Change } from '../../src/ports/load-balancer-store.ts';
import {
  createFakeReferences,
  createFakeVips,
  openStoredApiHarness,
  otherProject,
  ownProject,
  type StoredApiHarness,
  securityGroupId,
  subnetId,
} from '../kit/api.ts';
import { storedAmphora } from '../kit/contract/amphora-store.ts';
import { operationsOf } from '../kit/openapi.ts';
import { aRelease } from '../kit/releases.ts';

/** Who asks, about what the first project owns. */
const callers = {
  nobody: { 'x-roles': '' },
  stranger: { 'x-roles': 'swift_operator' },
  reader: { 'x-roles': 'reader' },
  member: { 'x-roles': 'member' },
  observer: { 'x-roles': 'load-balancer_observer' },
  oldMember: { 'x-roles': 'load-balancer_member' },
  quotaAdmin: { 'x-roles': 'load-balancer_quota_admin', 'x-project-id': otherProject },
  globalObserver: { 'x-roles': 'load-balancer_global_observer', 'x-project-id': otherProject },
  oldAdmin: { 'x-roles': 'load-balancer_admin', 'x-project-id': otherProject },
  admin: { 'x-roles': 'admin', 'x-project-id': otherProject },
  service: { 'x-roles': 'service', 'x-project-id': otherProject },
  otherReader: { 'x-roles': 'reader', 'x-project-id': otherProject },
  otherMember: { 'x-roles': 'member,load-balancer_member,load-balancer_observer', 'x-project-id': otherProject },
  systemReader: { 'x-roles': 'reader,member', 'x-project-id': '', 'openstack-system-scope': 'all' },
  systemAdmin: { 'x-roles': 'admin,member,reader', 'x-project-id': '', 'openstack-system-scope': 'all' },
} as const;
type Who = keyof typeof callers;

const admins: readonly Who[] = ['oldAdmin', 'admin', 'systemAdmin'];
const writers: readonly Who[] = ['member', 'oldMember', ...admins];
const readers: readonly Who[] = ['reader', 'observer', 'globalObserver', ...writers];
const quotaReaders: readonly Who[] = ['quotaAdmin', ...readers];
const everybodyInAProject: readonly Who[] = ['otherReader', 'otherMember', ...readers];
const all = Object.keys(callers) as Who[];

/** By what Octavia's policies call them (octavia/policies/*.py). */
const operations: Readonly<Record<string, readonly Who[]>> = {
  'GET /': all,
  'GET /healthcheck': all,
  'GET /metrics': all,
  // What belongs to the cloud.
  ...forAll(['availabilityzones', 'flavors'], (path) => ({
    [`GET /v2/lbaas/${path}`]: everybodyInAProject,
    [`POST /v2/lbaas/${path}`]: admins,
    [`GET /v2/lbaas/${path}/{key}`]: everybodyInAProject,
    [`PUT /v2/lbaas/${path}/{key}`]: admins,
    [`DELETE /v2/lbaas/${path}/{key}`]: admins,
  })),
  ...forAll(['availabilityzoneprofiles', 'flavorprofiles'], (path) => ({
    [`GET /v2/lbaas/${path}`]: admins,
    [`POST /v2/lbaas/${path}`]: admins,
    [`GET /v2/lbaas/${path}/{key}`]: admins,
    [`PUT /v2/lbaas/${path}/{key}`]: admins,
    [`DELETE /v2/lbaas/${path}/{key}`]: admins,
  })),
  'GET /v2/lbaas/providers': everybodyInAProject,
  'GET /v2/lbaas/providers/{provider}/availability_zone_capabilities': admins,
  'GET /v2/lbaas/providers/{provider}/flavor_capabilities': admins,
  'GET /v2/kiln/fleet': admins,
  'GET /v2/kiln/attention': admins,
  'GET /v2/kiln/images': ['globalObserver', ...admins],
  'GET /v2/kiln/images/tag-history': admins,
  'GET /v2/kiln/amphorae/health': admins,
  'GET /v2/kiln/events': admins,
  'GET /v2/kiln/operations': admins,
  'GET /v2/kiln/operations/{id}': admins,
  'POST /v2/kiln/operations/{id}/abort': admins,
  'GET /v2/kiln/permissions': all,
  ...forAll(['', '/{id}', '/{id}/events', '/{id}/targets', '/{id}/way-back'], (path) => ({
    [`GET /v2/kiln/releases${path}`]: ['globalObserver', ...admins],
  })),
  'POST /v2/kiln/releases/plan': ['globalObserver', ...admins],
  'POST /v2/kiln/releases': admins,
  'PUT /v2/kiln/releases/{id}/intent': admins,
  'GET /v2/octavia/amphorae': admins,
  'GET /v2/octavia/amphorae/{id}': admins,
  'GET /v2/octavia/amphorae/{id}/stats': admins,
  'DELETE /v2/octavia/amphorae/{id}': admins,
  'PUT /v2/octavia/amphorae/{id}/config': admins,
  'PUT /v2/octavia/amphorae/{id}/failover': admins,
  'PUT /v2/kiln/loadbalancers/{id}/flavor': admins,
  'GET /v2/kiln/loadbalancers/{id}/statistics': readers,
  // What belongs to a project.
  ...forAll(['healthmonitors', 'l7policies', 'listeners', 'loadbalancers', 'pools'], (path) => ({
    // Of the project that asks; the next test says of which.
    [`GET /v2/lbaas/${path}`]: everybodyInAProject,
    [`POST /v2/lbaas/${path}`]: writers,
    [`GET /v2/lbaas/${path}/{id}`]: readers,
    [`PUT /v2/lbaas/${path}/{id}`]: writers,
    [`DELETE /v2/lbaas/${path}/{id}`]: writers,
  })),
  'GET /v2/lbaas/listeners/{id}/stats': readers,
  'GET /v2/lbaas/loadbalancers/{id}/stats': readers,
  'GET /v2/lbaas/loadbalancers/{id}/status': readers,
  'GET /v2/lbaas/loadbalancers/{id}/statuses': readers,
  'PUT /v2/lbaas/loadbalancers/{id}/failover': admins,
  ...forAll(['l7policies/{parentId}/rules', 'pools/{parentId}/members'], (path) => ({
    [`GET /v2/lbaas/${path}`]: path.endsWith('members') ? ['service', ...readers] : readers,
    [`POST /v2/lbaas/${path}`]: writers,
    [`GET /v2/lbaas/${path}/{id}`]: readers,
    [`PUT /v2/lbaas/${path}/{id}`]: writers,
    [`DELETE /v2/lbaas/${path}/{id}`]: writers,
  })),
  'PUT /v2/lbaas/pools/{parentId}/members': writers,
  'GET /v2/lbaas/quotas': ['otherReader', 'otherMember', ...quotaReaders],
  'GET /v2/lbaas/quotas/defaults': ['quotaAdmin', 'globalObserver', ...admins],
  'GET /v2/lbaas/quotas/{projectId}': quotaReaders,
  'GET /v2/lbaas/quotas/{projectId}/default': quotaReaders,
  'PUT /v2/lbaas/quotas/{projectId}': ['quotaAdmin', ...admins],
  'DELETE /v2/lbaas/quotas/{projectId}': ['quotaAdmin', ...admins],
};

function forAll(paths: readonly string[], of: (path: string) => Record<string, readonly Who[]>) {
  return Object.assign({}, ...paths.map(of)) as Record<string, readonly Who[]>;
}

let harness: StoredApiHarness;
const ids: Record<string, string> = {};
/** What requests did outside of reading the database: lookups in the network, changes. */
let deeds: string[] = [];
const applied: Change[] = [];

/** Says what was about to be done, and does not do it: what is there stays for the next caller. */
function noting<Part extends object>(part: Part, methods: readonly (keyof Part & string)[]): Part {
  return new Proxy(part, {
    get(target, name) {
      if (!methods.includes(name as never)) return Reflect.get(target, name);
      return async () => {
        deeds.push(String(name));
        throw new KilnError('IMMUTABLE', 'the test keeps what is there');
      };
    },
  });
}

beforeAll(async () => {
  const seed = await openStoredApiHarness();
  harness = seed;
  const make = async (path: string, body: object) => {
    const answer = await seed.call('POST', `/v2/lbaas/${path}`, body);
    expect(answer.status, JSON.stringify(answer.body)).toBe(201);
    return answer.body;
  };
  const pool = { name: 'web', protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN' };
  const { loadbalancer } = await make('loadbalancers', {
    loadbalancer: {
      vip_subnet_id: subnetId,
      listeners: [
        {
          protocol: 'HTTP',
          protocol_port: 80,
          l7policies: [{ action: 'REJECT', rules: [{ type: 'PATH', compare_type: 'EQUAL_TO', value: '/' }] }],
        },
      ],
      pools: [
        {
          ...pool,
          members: [{ address: '192.0.2.1', protocol_port: 80 }],
          healthmonitor: { type: 'HTTP', delay: 5, timeout: 3, max_retries: 2 },
        },
        { ...pool, name: 'unmonitored' },
      ],
    },
  });
  const whole = loadbalancer.pools.find(({ name }: { name: string }) => name === 'web');
  const [listener] = loadbalancer.listeners;
  Object.assign(ids, {
    loadbalancers: loadbalancer.id,
    listeners: listener.id,
    l7policies: listener.l7policies[0].id,
    rules: listener.l7policies[0].rules[0].id,
    pools: whole.id,
    members: whole.members[0].id,
    healthmonitors: whole.healthmonitor.id,
    unmonitored: loadbalancer.pools.find(({ name }: { name: string }) => name === 'unmonitored').id,
  });
  const flavorprofile = { name: 'p', provider_name: 'amphora', flavor_data: '{}' };
  ids.flavorprofiles = (await make('flavorprofiles', { flavorprofile })).flavorprofile.id;
  const flavor = { name: 'f', flavor_profile_id: ids.flavorprofiles };
  ids.flavors = (await make('flavors', { flavor })).flavor.id;
  const zoneProfile = { name: 'p', provider_name: 'amphora', availability_zone_data: '{}' };
  const madeProfile = await make('availabilityzoneprofiles', { availability_zone_profile: zoneProfile });
  ids.availabilityzoneprofiles = madeProfile.availability_zone_profile.id;
  const zone = { name: 'z', availability_zone_profile_id: ids.availabilityzoneprofiles };
  ids.availabilityzones = (await make('availabilityzones', { availability_zone: zone })).availability_zone.name;
  await (seed.deps.amphorae as unknown as AmphoraStore).insert(
    storedAmphora('a', { loadBalancerId: loadbalancer.id, status: 'ALLOCATED' }),
  );
  ids.amphorae = 'a';
  const [operation] = await createJournal(seed.database, seed.deps.clock).list({ limit: 1 });
  ids.operations = operation?.id ?? expect.unreachable();
  ids.releases = 'r';
  const started = { atMs: 0, actor: 'alice', kind: 'intent', loadBalancerId: null, reason: '', data: {} };
  await createReleaseStore(seed.database, seed.deps.clock).create(aRelease('r'), [], tallyOf([]), started);
  await seed.settleAll();
  await seed.call('PUT', `/v2/lbaas/quotas/${ownProject}`, { quota: { pool: 7 } });

  const counters = { bytesIn: 1, bytesOut: 2, activeConnections: 3, totalConnections: 4, requestErrors: 5 };
  const { deps } = seed;
  const guarded = await openStoredApiHarness({
    ...deps,
    policy: createPolicy({}),
    healthStore: {
      ...deps.healthStore,
      statisticsOfAmphora: async (amphoraId: string) => [{ amphoraId, listenerId: ids.listeners ?? '', ...counters }],
    },
    store: {
      ...deps.store,
      async apply(change) {
        deeds.push('apply');
        applied.push(change);
        throw new KilnError('IMMUTABLE', 'the test keeps what is there');
      },
    },
    flavors: noting(deps.flavors, ['insert', 'update', 'delete']),
    quotas: noting(deps.quotas, ['put', 'delete']),
    amphorae: noting(deps.amphorae, ['requestDeletion']),
    vips: noting(createFakeVips(), ['allocate']),
    abortOperation: noting({ abortOperation: deps.abortOperation }, ['abortOperation']).abortOperation,
    releases: noting(deps.releases, ['plan', 'start', 'instruct']),
    reservations: noting(deps.reservations, ['reserve']),
    networkReferences: {
      async check(ids) {
        if (Object.values(ids).some(({ length }) => length > 0)) deeds.push('check');
        await createFakeReferences().check(ids);
      },
    },
  });
  harness = { ...guarded, close: async () => void (await Promise.all([seed.close(), guarded.close()])) };
});
afterAll(() => harness?.close());

const network = { address: '192.0.2.9', protocol_port: 99, subnet_id: subnetId };
/** What a request of an operation says: all of it can be looked up, and would be let in. */
function bodyOf(operation: string): object | undefined {
  const member = operation.endsWith('members') ? { members: [network] } : { member: { weight: 3 } };
  const bodies: Record<string, object> = {
    'POST loadbalancers': {
      loadbalancer: { vip_subnet_id: subnetId, vip_sg_ids: [securityGroupId], project_id: ownProject },
    },
    'PUT loadbalancers': { loadbalancer: { vip_sg_ids: [securityGroupId] } },
    'POST listeners': { listener: { loadbalancer_id: ids.loadbalancers, protocol: 'HTTP', protocol_port: 81 } },
    'PUT listeners': { listener: { default_pool_id: ids.pools } },
    'POST pools': {
      pool: { loadbalancer_id: ids.loadbalancers, protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN', members: [network] },
    },
    'PUT pools': { pool: { name: 'n' } },
    'POST members': { member: network },
    'PUT members': member,
    'POST healthmonitors': {
      healthmonitor: { pool_id: ids.unmonitored, type: 'TCP', delay: 5, timeout: 3, max_retries: 2 },
    },
    'PUT healthmonitors': { healthmonitor: { delay: 9 } },
    'POST l7policies': {
      l7policy: { listener_id: ids.listeners, action: 'REDIRECT_TO_POOL', redirect_pool_id: ids.pools },
    },
    'PUT l7policies': { l7policy: { description: 'd' } },
    'POST rules': { rule: { type: 'PATH', compare_type: 'EQUAL_TO', value: '/new' } },
    'PUT rules': { rule: { value: '/new' } },
    'POST flavors': { flavor: { name: 'g', flavor_profile_id: ids.flavorprofiles } },
    'PUT flavor': { flavor_id: ids.flavors },
    'PUT flavors': { flavor: { description: 'd' } },
    'POST flavorprofiles': { flavorprofile: { name: 'q', provider_name: 'amphora', flavor_data: '{}' } },
    'PUT flavorprofiles': { flavorprofile: { name: 'r' } },
    'POST availabilityzones': {
      availability_zone: { name: 'y', availability_zone_profile_id: ids.availabilityzoneprofiles },
    },
    'PUT availabilityzones': { availability_zone: { description: 'd' } },
    'POST availabilityzoneprofiles': {
      availability_zone_profile: { name: 'q', provider_name: 'amphora', availability_zone_data: '{}' },
    },
    'PUT availabilityzoneprofiles': { availability_zone_profile: { name: 'r' } },
    'PUT quotas': { quota: { pool: 3 } },
  };
  const [method, path = ''] = operation.split(' ');
  if (path.endsWith('/flavor')) return bodies['PUT flavor'];
  if (path.endsWith('/plan')) return { tag: 'amphora' };
  if (path.endsWith('/abort')) return { reason: 'because' };
  if (path.endsWith('/intent')) return { want: 'pause', reason: 'lunch', revision: 1 };
  if (path.endsWith('/releases')) return { plan_digest: '00000000-00000000-00000000-00000000' };
  const nouns = path.split('/').filter((part) => part in ids || part === 'quotas');
  return path.endsWith('/failover') || path.endsWith('/config') ? undefined : bodies[`${method} ${nouns.at(-1)}`];
}

/** The path of an operation with what it is about: `/pools/{parentId}/members/{id}`. */
const placed = (path: string) =>
  path
    .replace('{provider}', 'amphora')
    .replace('{projectId}', ownProject)
    .replace(/(\w+)\/\{\w+\}/g, (_whole, noun: string) => `${noun}/${ids[noun]}`);

it('lets through whom Octavia’s policies let through, in every operation', async () => {
  await harness.app.ready();
  const document = harness.app.openApi();
  const there = operationsOf(document).map(({ method, path }) => `${method} ${path}`);
  expect(there.toSorted()).toEqual(Object.keys(operations).toSorted());

  for (const [operation, allowed] of Object.entries(operations)) {
    const [method = '', path = ''] = operation.split(' ');
    for (const who of all) {
      deeds = [];
      const at = `${placed(path)}${method === 'DELETE' && path.includes('loadbalancers') ? '?cascade=true' : ''}`;
      const { status, body } = await harness.call(method as 'GET', at, bodyOf(operation), callers[who]);
      const what = `${who}: ${operation}: ${status} ${JSON.stringify(body)}`;
      if (!allowed.includes(who)) {
        expect([status, deeds], what).toEqual([403, []]);
      } else if (method === 'GET') {
        expect(status, what).toBe(200);
      } else {
        expect(status, what).not.toBe(403);
        expect(deeds.length, what).toBeGreaterThan(0);
      }
    }
  }
});

it('shows lists of what is one’s own, and of another project to nobody but those who see all', async () => {
  const everything: readonly Who[] = ['globalObserver', ...admins];
  for (const kind of ['loadbalancers', 'listeners', 'pools', 'healthmonitors', 'l7policies', 'quotas']) {
    const seesAll = kind === 'quotas' ? [...everything, 'quotaAdmin'] : everything;
    for (const who of all) {
      const own = (kind === 'quotas' ? quotaReaders : readers).includes(who);
      for (const query of [`?project_id=${ownProject}`, `?tenant_id=${ownProject}`]) {
        const named = await harness.call('GET', `/v2/lbaas/${kind}${query}`, undefined, callers[who]);
        expect([named.status, named.body[kind]?.length > 0], `${who}: ${kind}${query}`).toEqual(
          own ? [200, true] : [403, false],
        );
      }
      const plain = await harness.call('GET', `/v2/lbaas/${kind}`, undefined, callers[who]);
      const isOurs = own && !(callers[who] as { 'x-project-id'?: string })['x-project-id'];
      const shown = plain.status === 200 && plain.body[kind].length > 0;
      expect(shown, `${who}: ${kind}`).toBe(seesAll.includes(who) || isOurs);
      if (seesAll.includes(who)) continue;
      const foreign = await harness.call(
        'GET',
        `/v2/lbaas/${kind}?project_id=${otherProject}`,
        undefined,
        callers[who],
      );
      expect([200, 403], `${who}: ${kind}`).toContain(foreign.status);
      if (foreign.status === 200) expect(foreign.body[kind], `${who}: ${kind}`).toEqual([]);
    }
  }
});

it('takes a project of a body as the one that the policy is asked about, and never writes into another one', async () => {
  const kinds = {
    listener: () => bodyOf('POST /v2/lbaas/listeners'),
    pool: () => bodyOf('POST /v2/lbaas/pools'),
    member: () => bodyOf('POST /v2/lbaas/pools/{parentId}/members'),
    healthmonitor: () => bodyOf('POST /v2/lbaas/healthmonitors'),
    l7policy: () => bodyOf('POST /v2/lbaas/l7policies'),
    rule: () => bodyOf('POST /v2/lbaas/l7policies/{parentId}/rules'),
  };
  const paths = { rule: `l7policies/${ids.l7policies}/rules`, member: `pools/${ids.pools}/members` };
  const many = { listener: 'listeners', pool: 'pools', healthmonitor: 'healthmonitors', l7policy: 'l7policies' };
  for (const field of ['project_id', 'tenant_id']) {
    for (const [key, make] of Object.entries(kinds)) {
      deeds = [];
      const path = { ...many, ...paths }[key as keyof typeof kinds];
      const [[noun, fields]] = Object.entries(make() ?? {}) as [[string, object]];
      const body = { [noun]: { ...fields, [field]: otherProject } };
      const { status } = await harness.call('POST', `/v2/lbaas/${path}`, body, callers.otherMember);
      expect([status, deeds], `${path} ${field}`).toEqual([403, []]);
      // What has a parent is of the parent's project, whatever the body says.
      applied.length = 0;
      await harness.call('POST', `/v2/lbaas/${path}`, body, callers.member);
      const projects = applied.flatMap(({ rows }) => rows.map((row) => ('put' in row ? row.put.projectId : null)));
      expect(new Set(projects), `${path} ${field}`).toEqual(new Set([ownProject]));
    }
    deeds = [];
    const loadbalancer = { vip_subnet_id: subnetId, [field]: ownProject };
    const foreign = await harness.call('POST', '/v2/lbaas/loadbalancers', { loadbalancer }, callers.otherMember);
    expect([foreign.status, deeds]).toEqual([403, []]);
  }
});
