import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createAmphoraStore } from '../../src/adapters/storage/amphora-store.ts';
import { createCertificateRotations } from '../../src/adapters/storage/certificate-rotations.ts';
import { createFleetStore } from '../../src/adapters/storage/fleet-store.ts';
import { createJournal } from '../../src/adapters/storage/journal.ts';
import { createReleaseStore } from '../../src/adapters/storage/release-store.ts';
import { createSilenceStore } from '../../src/adapters/storage/silence-store.ts';
import { createPolicy } from '../../src/api/policy/policy.ts';
import { tallyOf } from '../../src/core/releases/tallies.ts';
import { keepOneAnswer } from '../../src/lib/keep-answer.ts';
import { KilnError } from '../../src/model/errors.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { createAttentionView } from '../../src/services/attention-view.ts';
import { createFleetView } from '../../src/services/fleet-view.ts';
import { shareReleaseReads } from '../../src/services/share-release-reads.ts';
import { openStoredApiHarness, otherProject, ownProject, type StoredApiHarness, subnetId } from '../kit/api.ts';
import { storedAmphora } from '../kit/contract/amphora-store.ts';
import { aRelease, aTarget } from '../kit/releases.ts';

/** What web pages that stay open cost the database, and that none is shown what another may see. */

const FLEET = 8_000;
const PAGES = 6;
const SECONDS = 15;
/** Of an open page: src/ui/polled.ts. */
const PAGE_EVERY_MS = 5_000;
/** Of kiln serve: src/main/roles/api-deps.ts. */
const SHARED_MS = 5_000;
const MOST_STATEMENTS_A_SECOND = 5;

let harness: StoredApiHarness;
const id = randomUUID();
beforeEach(async () => {
  harness = await openStoredApiHarness(
    { policy: createPolicy({}) },
    {
      around: (deps) => ({
        ...deps,
        releases: shareReleaseReads(deps.releases, deps.clock, SHARED_MS),
        fleet: shared(deps.clock, () => fleetOf(harness)()),
        attention: shared(deps.clock, () => attentionOf(harness)()),
      }),
    },
  );
  const release = aRelease(id, { targets: FLEET, lastWave: 3 });
  const targets = Array.from({ length: FLEET }, (_, position) =>
    aTarget(id, randomUUID(), { position, wave: Math.floor((position * 4) / FLEET) }),
  );
  const event = { atMs: 1, actor: 'alice', kind: 'created', loadBalancerId: null, reason: '', data: {} } as const;
  await createReleaseStore(harness.database, harness.deps.clock).create(release, targets, tallyOf(targets), event);
});
afterEach(() => harness.close());

/** As kiln serve shares overviews. */
const shared = <Answer>(clock: Clock, look: () => Promise<Answer>) =>
  keepOneAnswer(look, { keepMs: SHARED_MS, nowMs: () => clock.monotonicMs() });

const noImage = new KilnError('SERVICE_UNREACHABLE', 'there is no Glance here');
const fleetOf = ({ database, deps: { clock } }: StoredApiHarness) =>
  createFleetView({
    fleet: createFleetStore(database, clock),
    resolver: { resolve: () => Promise.reject(noImage) },
    images: null,
    clock,
    settings: () => ({ heartbeatTimeoutSeconds: 60, imageMaxAgeDays: null }),
  });

function attentionOf({ database, deps }: StoredApiHarness) {
  const { clock, overview, fleet } = deps;
  const silences = createSilenceStore(database, clock);
  const moment = {
    now: clock.now().toISOString(),
    silentBefore: new Date(clock.now().getTime() - 60_000).toISOString(),
  };
  return createAttentionView({
    ...{ clock, overview, fleet },
    journal: createJournal(database, clock),
    silence: {
      survey: () => silences.survey(moment, moment.silentBefore),
      list: (limit) => silences.list(moment, limit),
    },
    agentCertificates: createCertificateRotations(database, clock).troubled,
    ownCertificates: async () => [],
    releases: createReleaseStore(database, clock),
  });
}

/** What one look of the page at a release asks for. @returns how many load balancers it got. */
async function look(): Promise<number> {
  await harness.call('GET', '/v2/kiln/releases?limit=50', undefined, admin);
  await harness.call('GET', `/v2/kiln/releases/${id}`, undefined, admin);
  await harness.call('GET', `/v2/kiln/releases/${id}/events?limit=1000&after=0`, undefined, admin);
  let count = 0;
  for (let marker = ''; ; ) {
    const { body } = await harness.call('GET', `/v2/kiln/releases/${id}/targets?limit=1000${marker}`, undefined, admin);
    count += body.targets.length;
    const last = body.targets.at(-1);
    if (body.targets.length < 1000) return count;
    marker = `&marker=${last.wave}.${last.position}`;
  }
}

/** Pages that look at different moments, each as often as a page does. @returns statements a second. */
async function cost(lookOnce: () => Promise<unknown>): Promise<number> {
  const before = harness.statements();
  for (let step = 0; step < (SECONDS * 1000) / PAGE_EVERY_MS; step++) {
    for (let page = 0; page < PAGES; page++) {
      await harness.deps.clock.sleep(PAGE_EVERY_MS / PAGES);
      await lookOnce();
    }
  }
  const each = (harness.statements() - before) / SECONDS;
  expect(each).toBeGreaterThan(0);
  return each;
}

it('is no more than five statements a second at a release, however many they are', async () => {
  expect(await look()).toBe(FLEET);
  expect(await cost(look)).toBeLessThanOrEqual(MOST_STATEMENTS_A_SECOND);
});

const admin = { 'x-roles': 'admin', 'x-project-id': otherProject };
const tenant = { 'x-roles': 'member', 'x-project-id': ownProject };
const stranger = { 'x-roles': 'member', 'x-project-id': otherProject };
/** As a page asks: src/ui/api.ts. */
const oldOrNew = { 'cache-control': 'max-age=5' };
const now = { 'cache-control': 'no-cache' };

/** One with a listener, a pool and a member, an amphora and its operation. */
async function aLoadBalancer(): Promise<{ loadBalancerId: string; amphoraId: string; operationId: string }> {
  const member = { address: '192.0.2.1', protocol_port: 80 };
  const pool = { name: 'web', protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN', members: [member] };
  const listeners = [{ protocol: 'HTTP', protocol_port: 80, default_pool: pool }];
  const loadbalancer = { name: 'web', vip_subnet_id: subnetId, listeners };
  const { body } = await harness.call('POST', '/v2/lbaas/loadbalancers', { loadbalancer }, tenant);
  expect(body.faultstring).toBeUndefined();
  await harness.settleAll();
  const amphoraId = randomUUID();
  const loadBalancerId: string = body.loadbalancer.id;
  await createAmphoraStore(harness.database, harness.deps.clock).insert(
    storedAmphora(amphoraId, { loadBalancerId, status: 'ALLOCATED', role: 'STANDALONE' }),
  );
  return { loadBalancerId, amphoraId, operationId: harness.queued.at(-1) ?? '' };
}

/** View → what it asks for. The list of load balancers, which is asked for more seldom, is behind each drawer. */
const list = '/v2/lbaas/loadbalancers?limit=50&sort=name,id';
const tenantsViews: Readonly<Record<string, (ids: Awaited<ReturnType<typeof aLoadBalancer>>) => string[]>> = {
  'load balancers': () => [list],
  'a load balancer': ({ loadBalancerId: id }) => [
    list,
    `/v2/lbaas/loadbalancers/${id}`,
    `/v2/lbaas/loadbalancers/${id}/status`,
    `/v2/lbaas/listeners?loadbalancer_id=${id}&fields=id&fields=protocol&fields=protocol_port`,
    `/v2/kiln/loadbalancers/${id}/statistics?window=hour`,
  ],
};
const adminsViews: typeof tenantsViews = {
  ...tenantsViews,
  'a load balancer': (ids) => [
    ...(tenantsViews['a load balancer']?.(ids) ?? []),
    `/v2/kiln/amphorae/health?loadbalancer_id=${ids.loadBalancerId}`,
    `/v2/kiln/operations?loadbalancer_id=${ids.loadBalancerId}&limit=10`,
  ],
  attention: () => ['/v2/kiln/attention'],
  fleet: () => ['/v2/kiln/fleet', '/v2/kiln/images', '/v2/kiln/images/tag-history'],
  operations: () => ['/v2/kiln/operations?limit=50&ended=false'],
  'an operation': ({ operationId }) => ['/v2/kiln/operations?limit=50', `/v2/kiln/operations/${operationId}`],
  'an amphora': ({ amphoraId }) => [`/v2/kiln/amphorae/health?id=${amphoraId}`],
};
const cases = [
  ...Object.entries(tenantsViews).map(([view, pathsOf]) => ({ who: 'a tenant', headers: tenant, view, pathsOf })),
  ...Object.entries(adminsViews).map(([view, pathsOf]) => ({ who: 'an administrator', headers: admin, view, pathsOf })),
];

it.each(cases)('is no more than five statements a second for $view of $who', async ({ headers, pathsOf }) => {
  const paths = pathsOf(await aLoadBalancer());
  const lookOnce = async () => {
    for (const path of paths) {
      const { status, body } = await harness.call('GET', path, undefined, { ...headers, ...oldOrNew });
      expect(status, `${path} ${JSON.stringify(body)}`).toBe(200);
    }
  };
  expect(await cost(lookOnce)).toBeLessThanOrEqual(MOST_STATEMENTS_A_SECOND);
});

it('shows nobody what another may see', async () => {
  const ids = await aLoadBalancer();
  const ask = (path: string, headers: object) => harness.call('GET', path, undefined, { ...headers, ...oldOrNew });
  for (const paths of Object.values(adminsViews).map((pathsOf) => pathsOf(ids))) {
    for (const path of paths) expect((await ask(path, admin)).status, path).toBe(200);
    for (const path of paths) {
      const { status, body } = await ask(path, stranger);
      if (status === 200) expect(Object.values(body)[0], path).toEqual([]);
      else expect(status, path).toBe(403);
    }
  }
  // What the whole cloud has is a list of its own, and not the tenant's.
  expect((await ask(list, tenant)).body.loadbalancers).toHaveLength(1);
  expect((await ask(list, stranger)).body.loadbalancers).toHaveLength(0);
});

it('is as old as five seconds only for who asks for that', async () => {
  const { loadBalancerId: id } = await aLoadBalancer();
  const path = `/v2/lbaas/loadbalancers/${id}`;
  const nameFor = async (headers: object) =>
    (await harness.call('GET', path, undefined, { ...tenant, ...headers })).body.loadbalancer.name;
  const rename = async (name: string) => {
    await harness.database.updateTable('kiln_load_balancer').set({ name }).where('id', '=', id).execute();
  };
  expect(await nameFor(oldOrNew)).toBe('web');
  await rename('shop');
  expect(await nameFor(oldOrNew)).toBe('web');
  expect(await nameFor({ 'cache-control': 'max-age=4' })).toBe('shop');
  expect(await nameFor({})).toBe('shop');
  // Who has seen the new one never sees the old one again.
  expect(await nameFor(now)).toBe('shop');
  expect(await nameFor(oldOrNew)).toBe('shop');
  await rename('till');
  await harness.deps.clock.sleep(SHARED_MS);
  expect(await nameFor(oldOrNew)).toBe('till');
});

it('shows at once what came of a word', async () => {
  const { body } = await harness.call('GET', `/v2/kiln/releases/${id}`, undefined, admin);
  const { revision } = body.release.intent;
  await harness.call('PUT', `/v2/kiln/releases/${id}/intent`, { want: 'pause', reason: 'lunch', revision }, admin);
  const after = await harness.call('GET', `/v2/kiln/releases/${id}`, undefined, admin);
  expect(after.body.release.intent.want).toBe('pause');
});
