import { randomUUID } from 'node:crypto';
import axe from 'axe-core';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { expect, vi } from 'vitest';
import { tallyOf } from '../../src/core/releases/tallies.ts';
import type { JournalEntry } from '../../src/model/operation.ts';
import { launchBrowser } from '../kit/browser.ts';
import { anImage } from '../kit/builders.ts';
import { storedAmphora } from '../kit/contract/amphora-store.ts';
import { startKiln } from '../kit/kiln-process.ts';
import { madeUpFlow } from '../kit/made-up-flow.ts';
import { aRelease, aTarget } from '../kit/releases.ts';
import { openServingCloud, type ServingCloud } from '../kit/serving-cloud.ts';

/** What every field that somebody can fill has in it here: if any of it is taken for markup, `planted` is set. */
export const hostile = '"><img src=x onerror="globalThis.planted=1"><script>globalThis.planted=1</script>\u202Eevil';

/** An embedded cloud with its `kiln serve`, and a browser. */
export interface BareStand {
  cloud: ServingCloud;
  /** Where the page is. */
  url: string;
  /** The API, as a tenant. */
  demo: Awaited<ReturnType<typeof tenant>>;
  open(options?: BrowserContextOptions): Promise<OpenPage>;
  restart(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** With two load balancers of a tenant that work, and a fleet of rows. */
export interface UiStand extends BareStand {
  /** The tenant's, with hostile names. */
  hostileId: string;
  workingId: string;
  /** An operation that no worker knows, on a load balancer of its own. */
  stuck: { operationId: string; loadBalancerId: string };
  /** Paused in its second wave. */
  releaseId: string;
}

export interface OpenPage {
  page: Page;
  context: BrowserContext;
  /** What the browser complained of: errors of scripts, breaches of the security policy. */
  complaints: string[];
  /** Every host that it asked for anything. */
  hosts: Set<string>;
}

const usual = {
  OS_KEYSTONE_AUTHTOKEN__TOKEN_CACHE_TIME: '1',
};

/** @param more environment of `kiln serve`, beside the cloud's. */
export async function openBareStand(more: Record<string, string> = {}): Promise<BareStand> {
  const settings = { ...usual, ...more };
  const cloud = await openServingCloud(settings);
  const { dev } = cloud;
  const endpoint = new URL(dev.cloud.apiUrl).origin;
  const browser = await launchBrowser();
  const url = `${endpoint}/ui/`;
  let serve = cloud.serve;
  return {
    cloud,
    url,
    demo: await tenant(endpoint, dev.cloud.accounts.demo),
    open: (options) => openPage(browser, url, options),
    async restart() {
      await serve.stop();
      return async () => {
        serve = startKiln(['serve'], { ...dev.environment, ...settings });
        await serve.line(/"serving"/);
      };
    },
    async close() {
      await browser.close();
      await serve.stop();
      await cloud.close();
    },
  };
}

export async function openUiStand(): Promise<UiStand> {
  const stand = await openBareStand();
  const { cloud, demo } = stand;
  const subnet = { vip_subnet_id: cloud.harness.vipSubnetId };
  const parts = (name: string, port: number) => ({
    listeners: [
      {
        name,
        protocol: 'HTTP',
        protocol_port: port,
        default_pool: {
          name,
          protocol: 'HTTP',
          lb_algorithm: 'ROUND_ROBIN',
          members: [{ name, address: '127.0.0.1', protocol_port: cloud.memberPort }],
        },
      },
    ],
  });
  const workingId = await demo.create({
    ...subnet,
    name: 'web',
    description: 'the shop window',
    ...parts('web', 8080),
  });
  const hostileId = await demo.create({ ...subnet, name: hostile, description: hostile, ...parts(hostile, 8081) });
  for (const id of [workingId, hostileId]) await demo.active(id);
  const { releaseId, ...stuck } = await seed(cloud, workingId);
  await seedTraffic(cloud, workingId);
  return { ...stand, hostileId, workingId, stuck, releaseId };
}

async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    timezoneId: 'Asia/Tokyo',
    ...options,
  });
  // On a machine that does much else.
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  const hosts = new Set<string>();
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    // The browser's own note of every answer that is no success is no complaint.
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) complaints.push(message.text());
  });
  page.on('request', (request) => hosts.add(new URL(request.url()).origin));
  await page.goto(url);
  return { page, context, complaints, hosts };
}

const HOUR = 60;

/** An hour that has passed: busier in its middle, with some errors. */
async function seedTraffic({ harness }: ServingCloud, loadBalancerId: string): Promise<void> {
  const { database } = harness.state;
  const { id } = await database
    .selectFrom('kiln_listener')
    .select('id')
    .where('load_balancer_id', '=', loadBalancerId)
    .executeTakeFirstOrThrow();
  const sum = { bytes_in: 1e6, bytes_out: 2e7, total_connections: 5000, request_errors: 40 };
  const rows = Array.from({ length: HOUR }, (_, minute) => {
    const load = 1200 + 900 * Math.sin(minute / 9) + 150 * Math.sin(minute * 2.1);
    sum.total_connections += Math.round(load);
    sum.bytes_in += Math.round(load * 420);
    sum.bytes_out += Math.round(load * 9_300);
    sum.request_errors += minute > 38 && minute < 44 ? minute : 0;
    const at = Date.now() - (HOUR - minute) * 60_000;
    return {
      ...{ load_balancer_id: loadBalancerId, listener_id: id, slot: Math.floor(at / 60_000) % 64, at_ms: at },
      ...{ ...sum, active_connections: Math.round(load / 40) },
    };
  });
  // What runs by itself has written some already.
  await database.deleteFrom('kiln_traffic_sample').where('load_balancer_id', '=', loadBalancerId).execute();
  await database.insertInto('kiln_traffic_sample').values(rows).execute();
}

type Account = ServingCloud['dev']['cloud']['accounts']['demo'];

/** Fills the form as a person would. */
export async function signIn(page: Page, { userName, password }: Account): Promise<void> {
  await page.getByLabel('User', { exact: true }).fill(userName);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
}

/** Whatever was done, the browser found nothing to complain of and asked no other host, and nothing planted ran. */
export async function expectInnocent({ page, complaints, hosts }: OpenPage, url: string): Promise<void> {
  expect(complaints.splice(0)).toEqual([]);
  expect([...hosts]).toEqual([new URL(url).origin]);
  expect(await page.evaluate('globalThis.planted ?? null')).toBeNull();
}

/** As if the token had ended. */
export async function revoke({ dev }: ServingCloud, token: string): Promise<void> {
  const revoked = await fetch(`${dev.cloud.url}/identity/v3/auth/tokens`, {
    method: 'DELETE',
    headers: { 'x-auth-token': token, 'x-subject-token': token },
  });
  expect(revoked.status).toBe(204);
}

/** Nothing that axe-core finds: names, roles, contrast, order. */
export async function expectAccessible(page: Page, what: string): Promise<void> {
  // What fades in has its colours when it is there.
  await page.evaluate('Promise.allSettled(document.getAnimations().map(({ finished }) => finished))');
  await page.evaluate(axe.source);
  const found = (await page.evaluate('axe.run()')) as {
    violations: { id: string; nodes: { html: string; failureSummary?: string }[] }[];
  };
  const reported = found.violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary ?? ''}`).join('\n')}`,
  );
  expect(reported, what).toEqual([]);
}

async function tenant(endpoint: string, account: Account) {
  const signedIn = await fetch(`${endpoint}/ui/sign-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      method: 'password',
      user_name: account.userName,
      user_domain: 'Default',
      password: account.password,
    }),
  });
  const { token } = (await signedIn.json()) as { token: string };
  const call = async (method: string, path: string, body?: object) => {
    const answer = await fetch(`${endpoint}/v2/lbaas${path}`, {
      method,
      headers: { 'x-auth-token': token, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as { loadbalancer: { id: string; provisioning_status: string } };
  };
  return {
    create: async (loadbalancer: object) => (await call('POST', '/loadbalancers', { loadbalancer })).loadbalancer.id,
    active: (id: string) =>
      vi.waitFor(
        async () => {
          const { loadbalancer } = await call('GET', `/loadbalancers/${id}`);
          expect(loadbalancer.provisioning_status).toBe('ACTIVE');
        },
        { timeout: 200_000, interval: 250 },
      ),
  };
}

const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();

/** Makes rows of load balancers like one that is there, of another project than the tenant's. */
async function copier({ harness, dev }: ServingCloud, templateId: string) {
  const { database, amphorae } = harness.state;
  const template = await database
    .selectFrom('kiln_load_balancer')
    .selectAll()
    .where('id', '=', templateId)
    .executeTakeFirstOrThrow();
  return async function copy(name: string, index: number, fields: object = {}, images: string[] = []): Promise<string> {
    const id = randomUUID();
    const row = {
      ...template,
      // Of another project than the tenant's.
      project_id: dev.cloud.accounts.admin.projectId,
      id,
      name,
      description: '',
      vip_address: `198.51.100.${index}`,
      vip_port_id: randomUUID(),
      created_at: ago(9_000 - index),
    };
    await database
      .insertInto('kiln_load_balancer')
      .values({ ...row, updated_at: ago(600), ...fields })
      .execute();
    for (const [at, imageId] of images.entries()) {
      const role = images.length > 1 ? (['MASTER', 'BACKUP'] as const)[at === 0 ? 0 : 1] : 'STANDALONE';
      await amphorae.insert(
        storedAmphora(randomUUID(), { loadBalancerId: id, status: 'ALLOCATED', role, imageId, certExpiration: null }),
      );
    }
    return id;
  };
}

/** A fleet of rows, with all that can be wrong: what runs is real, these are to be looked at. */
async function seed(cloud: ServingCloud, templateId: string) {
  const { harness, dev } = cloud;
  const { database, amphorae, journal } = harness.state;
  const older = ['11110000-0000-4000-8000-000000000001', '11110000-0000-4000-8000-000000000002'];
  await database
    .insertInto('kiln_amphora_image')
    .values(
      older.map((id, index) => ({
        id,
        name: `amphora-2026.${10 - index}`,
        created_at: ago(60 * 24 * (40 + 60 * index)),
        first_used_at: ago(60 * 24 * 30),
      })),
    )
    .execute();

  const copy = await copier(cloud, templateId);
  const shops: string[] = [];
  for (let index = 1; index <= 60; index++) {
    const imageId = index <= 34 ? dev.imageId : (older[index <= 54 ? 0 : 1] ?? '');
    shops.push(await copy(`shop-${String(index).padStart(2, '0')}`, index, {}, [imageId]));
  }
  await copy('checkout', 61, { provisioning_status: 'ERROR', operating_status: 'ERROR', updated_at: ago(42) });
  await copy('search', 62, { topology: 'ACTIVE_STANDBY' }, [dev.imageId, older[0] ?? '']);
  // Being changed, so that nobody fails it over.
  const sick = await copy('mail', 63, { provisioning_status: 'PENDING_UPDATE', updated_at: ago(25) }, [dev.imageId]);
  const [silent] = await amphorae.list({ loadBalancerId: sick });
  await database
    .insertInto('kiln_amphora_health')
    .values({ amphora_id: silent?.id ?? '', last_heard: ago(26) })
    .execute();

  // Its agent's certificate has ended.
  const late = shops.at(-1) ?? '';
  await database
    .updateTable('kiln_amphora')
    .set({ cert_expiration: ago(90) })
    .where('load_balancer_id', '=', late)
    .execute();

  const operationId = randomUUID();
  await journal.enqueue({
    id: operationId,
    flow: madeUpFlow('flow-of-a-newer-version'),
    subject: sick,
    input: { loadBalancerId: sick },
    priority: 0,
  });
  await database
    .updateTable('kiln_operation')
    .set({ created_at: ago(25), updated_at: ago(24) })
    .where('id', '=', operationId)
    .execute();
  const releaseId = await seedRelease(cloud, older[0] ?? '', shops);
  return { operationId, loadBalancerId: sick, releaseId };
}

/** Hostile text wherever somebody can put some. @returns what is to be looked at. */
export async function plant({ cloud, workingId }: UiStand) {
  const { state } = cloud.harness;
  const imageId = await hostileImage(cloud);
  const copy = await copier(cloud, workingId);
  // Being changed for long: that is among what needs attention.
  const fields = { provisioning_status: 'PENDING_UPDATE', updated_at: ago(30), description: hostile };
  const loadBalancerId = await copy(hostile, 64, fields);
  return {
    releaseId: await hostileRelease(state, imageId, loadBalancerId),
    operationId: await hostileOperation(state),
    amphoraId: await hostileAmphora(state, imageId, loadBalancerId),
  };
}

type State = ServingCloud['harness']['state'];

/** In Glance, and in what Kiln has written down of images and tags. */
async function hostileImage({ dev, harness }: ServingCloud): Promise<string> {
  const { images } = dev.openstack;
  const format = { diskFormat: 'raw', containerFormat: 'bare' };
  const { id } = await images.create({ ...format, name: hostile, tags: [hostile] });
  const data = Buffer.from('none');
  await images.upload(
    id,
    (async function* () {
      yield data;
    })(),
    data.length,
  );
  const { database } = harness.state;
  await database
    .insertInto('kiln_amphora_image')
    .values({ id, name: hostile, created_at: ago(60), first_used_at: ago(50) })
    .execute();
  const carried = { tag: hostile, image_name: hostile, was_there: 0 };
  await database
    .insertInto('kiln_tagged_image')
    .values([
      { ...carried, image_id: id, seen_at: ago(50), gone_at: null },
      { ...carried, image_id: randomUUID(), seen_at: ago(90), gone_at: ago(50) },
    ])
    .execute();
  return id;
}

const hostileReason = { code: 'PLANTED', message: hostile, advice: hostile };

async function hostileAmphora({ amphorae }: State, imageId: string, loadBalancerId: string): Promise<string> {
  const id = randomUUID();
  const image = anImage({ id: imageId, name: hostile });
  await amphorae.insert(
    storedAmphora(id, {
      loadBalancerId,
      status: 'ERROR',
      role: 'STANDALONE',
      imageId,
      imageChoice: {
        imageId,
        rule: 'only-candidate',
        tag: hostile,
        tagSource: 'configuration',
        ownerRequired: 'any',
        image,
        candidates: [],
        chosenAt: ago(40),
      },
      cachedZone: hostile,
      certExpiration: null,
      reason: hostileReason,
    }),
  );
  return id;
}

async function hostileOperation({ database, journal }: State): Promise<string> {
  const id = randomUUID();
  await journal.enqueue({ id, flow: madeUpFlow('flow-that-failed'), subject: id, input: {}, priority: 0 });
  const entries: JournalEntry[] = [
    { kind: 'started', step: hostile },
    { kind: 'note', step: 'wait', message: hostile },
    { kind: 'failed', step: 'wait', reason: hostileReason },
    { kind: 'left', step: 'wait', reason: hostileReason, leftovers: [{ kind: 'server', id: null, name: hostile }] },
  ];
  const ended = { status: 'undone', updated_at: ago(1), reason: JSON.stringify(hostileReason) };
  await database
    .updateTable('kiln_operation')
    .set({ ...ended, entry_count: entries.length })
    .where('id', '=', id)
    .execute();
  await database
    .insertInto('kiln_journal_entry')
    .values(entries.map((entry, index) => ({ operation_id: id, position: index + 1, entry: JSON.stringify(entry) })))
    .execute();
  return id;
}

/** One that has ended, so that nothing of it is decided anew. */
async function hostileRelease({ database, releases }: State, imageId: string, loadBalancerId: string): Promise<string> {
  const id = randomUUID();
  const atMs = Date.now() - 60 * 60_000;
  const base = aRelease(id, {
    tag: hostile,
    image: { id: imageId, name: hostile, hashAlgo: 'sha512', hash: 'x', ownerId: hostile },
    targets: 1,
  });
  const targets = [aTarget(id, loadBalancerId, { state: 'failed', verdict: 'fail', reason: hostile })];
  const hold = { code: 'FAILURES', message: hostile, advice: hostile, sinceMs: atMs, clears: 'operator' } as const;
  await releases.create(
    {
      ...base,
      progress: { ...base.progress, phase: 'aborted', holds: [hold] },
      intent: { want: 'abort', by: hostile, atMs, reason: hostile, revision: 2 },
      createdAtMs: atMs,
      updatedAtMs: atMs,
    },
    targets,
    tallyOf(targets),
    { atMs, actor: hostile, kind: 'intent', loadBalancerId, reason: hostile, data: { want: hostile } },
  );
  await database.updateTable('kiln_release').set({ active_tag: null, ended_ms: atMs }).where('id', '=', id).execute();
  return id;
}

/** How it was judged: from some time on, what has moved is worse. */
const judgements = Array.from({ length: 20 }, (_, index) => ({
  atMs: Date.now() - (80 - 2 * index) * 60_000,
  wave: index < 5 ? 0 : 1,
  moved: { seconds: 60, connections: 5000, errors: 14 + (index % 5) + (index > 12 ? 30 : 0) },
  notMoved: { seconds: 60, connections: 5000, errors: 12 + (index % 4) },
  chance: index > 12 ? 0.0002 : 0.6,
}));

/** A release that an operator has paused: what is shown of it stays as it is until somebody says more. */
async function seedRelease(
  { harness, dev }: ServingCloud,
  formerId: string,
  loadBalancerIds: readonly string[],
): Promise<string> {
  const id = randomUUID();
  const { database, releases } = harness.state;
  const atMs = Date.now() - 90 * 60_000;
  // As Glance has it: another one would hold the release.
  const image = await dev.openstack.images.get(dev.imageId);
  if (!image) throw new Error('the cloud has lost its image');
  const { hashAlgorithm: hashAlgo, hashValue: hash } = image;
  const base = aRelease(id, {
    image: { id: image.id, name: 'amphora-1', hashAlgo, hash, ownerId: image.owner ?? '' },
    baseline: { taggedImageIds: [formerId] },
    targets: loadBalancerIds.length,
    lastWave: 2,
  });
  const targets = loadBalancerIds.map((loadBalancerId, position) =>
    aTarget(id, loadBalancerId, {
      wave: position < 5 ? 0 : position < 25 ? 1 : 2,
      position,
      fromImageId: formerId,
      state: position === 17 ? 'failed' : position < 34 ? 'moved' : 'pending',
      verdict: position === 17 ? 'fail' : position < 34 ? 'pass' : null,
      reason: position === 17 ? 'two members answer no more' : '',
    }),
  );
  await releases.create(
    {
      ...base,
      progress: {
        ...base.progress,
        phase: 'rolling',
        wave: 2,
        failures: 1,
        intentRevision: 1,
        comparison: judgements.at(-1) ?? null,
      },
      intent: { want: 'pause', by: 'alice', atMs, reason: 'half of the shops, then lunch', revision: 1 },
      createdAtMs: atMs,
      updatedAtMs: atMs,
    },
    targets,
    tallyOf(targets),
    { atMs, actor: 'alice', kind: 'created', loadBalancerId: null, reason: 'patch', data: {} },
  );
  const common = { release_id: id, actor: 'kiln', kind: 'judge', load_balancer_id: null, reason: 'as well as before' };
  await database
    .insertInto('kiln_release_event')
    .values(
      judgements.map((comparison, index) => ({
        ...{ ...common, n: index + 2, at_ms: comparison.atMs, data: JSON.stringify({ comparison }) },
      })),
    )
    .execute();
  await database
    .updateTable('kiln_release')
    .set({ event_count: judgements.length + 1 })
    .where('id', '=', id)
    .execute();
  return id;
}
