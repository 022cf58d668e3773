import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createReleaseStore } from '../../src/adapters/storage/release-store.ts';
import { createPolicy } from '../../src/api/policy/policy.ts';
import type { ReleaseProgress } from '../../src/model/release.ts';
import { otherProject } from '../kit/api.ts';
import { newImageId, oldImageId, openReleaseHarness, type ReleaseHarness } from '../kit/release-harness.ts';

/** Releases started, looked at and steered through the API, over a real database; two operators at once among them. */

let harness: ReleaseHarness;
const alice = { 'x-roles': 'admin', 'x-user-id': 'alice' };
const bob = { 'x-roles': 'load-balancer_admin', 'x-user-id': 'bob' };
const observer = { 'x-roles': 'load-balancer_global_observer', 'x-user-id': 'olga', 'x-project-id': otherProject };
const tenant = { 'x-roles': 'member,reader', 'x-user-id': 'tom' };
const root = '/v2/kiln/releases';

beforeEach(async () => {
  harness = await openReleaseHarness({ policy: createPolicy({}) });
});
afterEach(() => harness.close());

const get = (path: string, headers = alice as Record<string, string>) =>
  harness.call('GET', `${root}${path}`, undefined, headers);
const post = (body: object, headers = alice as Record<string, string>) => harness.call('POST', root, body, headers);
const say = (id: string, body: object, headers = alice as Record<string, string>) =>
  harness.call('PUT', `${root}/${id}/intent`, body, headers);
const store = () => createReleaseStore(harness.database, harness.deps.clock);

async function hasLoadBalancers(count: number): Promise<string[]> {
  const ids: string[] = [];
  const headers = { 'x-roles': 'admin' };
  for (let n = 0; n < count; n++) ids.push(await harness.hasLoadBalancer({}, {}, headers));
  return ids;
}

async function digestOf(request: object = {}): Promise<string> {
  const { body } = await harness.call('POST', `${root}/plan`, { image_id: newImageId, ...request }, alice);
  return body.plan.digest;
}

async function start(request: object = {}, reason = 'CVE-2026-1'): Promise<string> {
  const digest = await digestOf(request);
  const { status, body } = await post({ image_id: newImageId, ...request, plan_digest: digest, reason });
  expect([status, body.faultstring]).toEqual([201, undefined]);
  return body.release.id;
}

/** As the controller would. */
async function advance(id: string, over: Partial<ReleaseProgress>, events = 1, endedAtMs: number | null = null) {
  const release = (await store().get(id)) ?? expect.unreachable();
  const event = { atMs: 0, actor: 'kiln', kind: 'phase', loadBalancerId: null, reason: 'so it is', data: {} };
  await store().commit(
    release,
    {
      progress: { ...release.progress, ...over },
      endedAtMs,
      targets: [],
      joined: [],
      probes: [],
      events: Array.from({ length: events }, () => event),
      rejected: null,
      talliesAfter: () => release.tallies,
    },
    0,
  );
}
const end = (id: string, events = 1) => advance(id, { phase: 'completed', holds: [] }, events, 1);

describe('start', () => {
  it('takes a plan’s digest and keeps who started it, and why', async () => {
    const ids = await hasLoadBalancers(4);
    const policy = { canary: 1, gates_after_waves: [0] };
    const id = await start({ policy });
    const { body } = await get(`/${id}`, observer);
    expect(body.release).toMatchObject({
      id,
      tag: 'amphora',
      image: { id: newImageId },
      phase: 'planned',
      has_ended: false,
      started_by: 'alice',
      start_reason: 'CVE-2026-1',
      intent: { want: 'run', by: 'alice', reason: 'CVE-2026-1', revision: 1 },
      holds: [],
      load_balancers: 4,
      counts: { pending: 4, moved: 0 },
      waves: [
        { wave: 0, open: 1 },
        { wave: 1, open: 3 },
      ],
      last_wave: 1,
      error_comparison: null,
      policy,
      tagged_image_ids: [oldImageId],
      events: 1,
      ended_at: null,
    });
    const { targets } = (await get(`/${id}/targets?limit=3`)).body;
    expect(targets.map((target: { load_balancer_id: string }) => target.load_balancer_id)).toEqual(
      ids.toSorted().slice(0, 3),
    );
    expect(targets[0]).toMatchObject({ wave: 0, position: 0, state: 'pending', from_image_id: oldImageId });
  });

  it.each([
    ['the policy', async () => ({ policy: { canary: 2 } })],
    [
      'the load balancers that would be moved, or what they run',
      async () => void (await harness.hasLoadBalancer({}, {}, alice)),
    ],
    [
      'which images carry the tag',
      async () => void harness.images.put({ ...(await harness.images.get(newImageId)), tags: ['amphora'] }),
    ],
    ['the image', async () => ({ image_id: oldImageId })],
  ])('is 409 when something has changed since the plan, and says what: %s', async (what, change) => {
    await hasLoadBalancers(2);
    const digest = await digestOf();
    const more = (await change()) ?? {};
    const { status, body } = await post({ image_id: newImageId, plan_digest: digest, ...more });
    expect([status, body.faultstring]).toEqual([409, expect.stringContaining(`the plan is out of date: ${what}`)]);
    expect((await get('')).body.releases).toEqual([]);
  });

  it('is 409 while one of the tag is active, and names it; of two at once one is refused', async () => {
    await hasLoadBalancers(2);
    const digest = await digestOf();
    const both = await Promise.all(
      [alice, bob].map((who) => post({ image_id: newImageId, plan_digest: digest, reason: '' }, who)),
    );
    expect(both.map(({ status }) => status).toSorted()).toEqual([201, 409]);
    const [{ id, intent }] = (await get('')).body.releases;
    const refused = both.find(({ status }) => status === 409) ?? expect.unreachable();
    expect(refused.body.faultstring).toContain(`release ${id} of tag amphora to image amphora-2 has not ended`);
    expect(refused.body.faultstring).toContain(`${intent.by} wants it to run`);
    await end(id);
    expect((await post({ image_id: newImageId, plan_digest: digest })).status).toBe(201);
  });

  it('is 409 where nothing would be moved, and 400 for what is no digest or no field', async () => {
    const digest = await digestOf();
    const nothing = await post({ image_id: newImageId, plan_digest: digest });
    expect([nothing.status, nothing.body.faultstring]).toEqual([409, expect.stringContaining('nothing to release')]);
    for (const body of [
      {},
      { plan_digest: 'x' },
      { plan_digest: digest, force: true },
      { plan_digest: digest, reason: 'x'.repeat(1001) },
    ]) {
      expect((await post({ image_id: newImageId, ...body })).status).toBe(400);
    }
  });
});

describe('lists', () => {
  it('releases newest first, a page at a time', async () => {
    await hasLoadBalancers(1);
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) {
      ids.unshift(await start());
      await end(ids[0] ?? '');
      await harness.deps.clock.sleep(1000);
    }
    const seen: string[] = [];
    let at: string | undefined = `${root}?limit=2`;
    while (at) {
      const { status, body } = await harness.call('GET', at, undefined, observer);
      expect(status).toBe(200);
      expect(body.releases.length).toBeLessThanOrEqual(2);
      seen.push(...body.releases.map(({ id }: { id: string }) => id));
      at =
        body.releases_links[0] &&
        new URL(body.releases_links[0].href).pathname + new URL(body.releases_links[0].href).search;
    }
    expect(seen).toEqual(ids);
  });

  it('targets a page at a time, by state', async () => {
    const ids = await hasLoadBalancers(5);
    const id = await start();
    await harness.database
      .updateTable('kiln_release_target')
      .set({ state: 'moved' })
      .where('load_balancer_id', 'in', ids.slice(0, 3))
      .execute();
    const seen: string[] = [];
    let at: string | undefined = `${root}/${id}/targets?state=moved&state=failed&limit=2`;
    while (at) {
      const { body } = await harness.call('GET', at, undefined, alice);
      seen.push(...body.targets.map((target: { load_balancer_id: string }) => target.load_balancer_id));
      const [next] = body.targets_links;
      at = next && new URL(next.href).pathname + new URL(next.href).search;
    }
    expect(seen.toSorted()).toEqual(ids.slice(0, 3).toSorted());
    for (const query of [
      'state=away',
      'limit=0',
      'limit=1001',
      'limit=x',
      'marker=x',
      'sate=moved',
      'limit=1&limit=2',
    ]) {
      expect([query, (await get(`/${id}/targets?${query}`)).status]).toEqual([query, 400]);
    }
  });
});

describe('intent', () => {
  it('is written once, however often it is sent; one that has not seen the newest is 409', async () => {
    await hasLoadBalancers(2);
    const id = await start();
    const pause = { want: 'pause', reason: 'lunch', revision: 1 };
    const first = await say(id, pause, bob);
    expect([first.status, first.body.release.intent]).toMatchObject([
      200,
      { want: 'pause', by: 'bob', reason: 'lunch', revision: 2 },
    ]);
    const again = await say(id, pause, bob);
    expect([again.status, again.body.release.intent.revision, again.body.release.events]).toEqual([200, 2, 2]);
    // The same word, by who has seen it, is no news either.
    expect((await say(id, { ...pause, revision: 2 }, alice)).body.release.intent).toMatchObject({
      by: 'bob',
      revision: 2,
    });
    const stale = await say(id, { want: 'rollback', reason: 'no', revision: 1 }, alice);
    expect([stale.status, stale.body.faultstring]).toEqual([
      409,
      `revision is 1, and the release's intent is at 2 by now: bob said pause (lunch). Look at it, and send it again with revision 2`,
    ]);
    expect((await say(id, { want: 'rollback', reason: 'no', revision: 9 }, alice)).status).toBe(409);
    expect((await say(id, { want: 'run', reason: 'fed', revision: 2 }, alice)).body.release.intent).toMatchObject({
      want: 'run',
      by: 'alice',
      revision: 3,
    });
  });

  it('of two operators at once is one’s, and the other gets to know whose', async () => {
    await hasLoadBalancers(1);
    const id = await start();
    const both = await Promise.all([
      say(id, { want: 'pause', reason: 'a', revision: 1 }, alice),
      say(id, { want: 'abort', reason: 'b', revision: 1 }, bob),
    ]);
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 409]);
    const { intent } = (await get(`/${id}`)).body.release;
    const refused = both.find(({ status }) => status === 409) ?? expect.unreachable();
    expect(refused.body.faultstring).toContain(`${intent.by} said ${intent.want}`);
  });

  it('is not lost to a controller that writes at the same moment', async () => {
    await hasLoadBalancers(1);
    const id = await start();
    const writes = Array.from({ length: 5 }, () => advance(id, {}).catch(() => {}));
    const [said] = await Promise.all([say(id, { want: 'pause', reason: 'a', revision: 1 }), ...writes]);
    expect([said.status, (await get(`/${id}`)).body.release.intent.want]).toEqual([200, 'pause']);
  });

  it('"run" again is a word of its own while the release waits for one', async () => {
    await hasLoadBalancers(1);
    const id = await start();
    expect((await say(id, { want: 'run', reason: '', revision: 1 }, bob)).body.release.intent.revision).toBe(1);
    const hold = { code: 'GATE', message: 'm', advice: 'a', sinceMs: 0, clears: 'operator' } as const;
    await advance(id, { holds: [hold] });
    const shown = (await get(`/${id}`)).body.release;
    expect(shown.holds).toEqual([
      { code: 'GATE', message: 'm', advice: 'a', since: '1970-01-01T00:00:00.000Z', clears: 'operator' },
    ]);
    expect((await say(id, { want: 'run', reason: 'ok', revision: 1 }, bob)).body.release.intent).toMatchObject({
      by: 'bob',
      revision: 2,
    });
  });

  it('is refused once the release has ended, with what to do', async () => {
    await hasLoadBalancers(1);
    const id = await start();
    await end(id);
    const late = await say(id, { want: 'rollback', reason: 'oh', revision: 1 });
    expect([late.status, late.body.faultstring]).toEqual([409, expect.stringContaining('has ended (completed)')]);
    expect(late.body.faultstring).toContain('plan and start another one');
  });

  it.each([
    [{ want: 'stop', reason: '', revision: 1 }, 'Value should be one of: run, pause, abort, rollback'],
    [{ want: 'pause', revision: 1 }, 'reason'],
    [{ want: 'pause', reason: '' }, 'revision'],
    [{ want: 'pause', reason: '', revision: 0 }, 'revision'],
  ])('of %j is 400', async (body, why) => {
    await hasLoadBalancers(1);
    const { status, body: answer } = await say(await start(), body);
    expect([status, answer.faultstring]).toEqual([400, expect.stringContaining(why)]);
  });
});

describe('the way back', () => {
  it('says before it is taken which former images can’t be booted, and for how many', async () => {
    const ids = await hasLoadBalancers(3);
    const id = await start();
    const way = async () => (await get(`/${id}/way-back`, observer)).body.way_back;
    expect(await way()).toEqual({ load_balancers: 0, images: [], tagged_image_ids: [oldImageId] });
    const states = harness.database.updateTable('kiln_release_target');
    await states.set({ state: 'moved' }).where('load_balancer_id', 'in', ids.slice(0, 2)).execute();
    expect(await way()).toMatchObject({ images: [{ image_id: oldImageId, load_balancers: 2, problem: null }] });
    harness.images.put({ ...(await harness.images.get(oldImageId)), status: 'deactivated' });
    expect(await way()).toMatchObject({
      load_balancers: 2,
      images: [{ problem: expect.stringContaining('deactivated') }],
    });
  });
});

describe('events', () => {
  const lines = (body: string) =>
    body
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { n: number; kind: string; actor: string });

  it('come as lines, from where the client has been', async () => {
    await hasLoadBalancers(1);
    const id = await start();
    await advance(id, {}, 3);
    const { status, headers, body } = await get(`/${id}/events`, observer);
    expect([status, headers['content-type']]).toEqual([200, expect.stringContaining('application/x-ndjson')]);
    expect(lines(body)[0]).toMatchObject({ n: 1, actor: 'alice', kind: 'intent', reason: 'CVE-2026-1' });
    expect(lines((await get(`/${id}/events?after=1&limit=2`)).body).map(({ n }) => n)).toEqual([2, 3]);
    expect(lines((await get(`/${id}/events?after=4`)).body)).toEqual([]);
    const asLines = { ...alice, accept: 'application/x-ndjson' };
    expect((await get(`/${id}/events`, asLines)).status).toBe(200);
    for (const query of ['after=-1', 'after=x', 'follow=maybe', 'limit=0', 'from=1']) {
      expect([query, (await get(`/${id}/events?${query}`)).status]).toEqual([query, 400]);
    }
  });

  it('are followed until the release has ended', async () => {
    await hasLoadBalancers(1);
    const id = await start();
    const following = get(`/${id}/events?after=0&follow=true`);
    await advance(id, {}, 2);
    await end(id, 1200);
    expect(lines((await following).body).map(({ n }) => n)).toEqual(Array.from({ length: 1203 }, (_none, n) => n + 1));
    expect(lines((await get(`/${id}/events?after=1200&follow=true`)).body).map(({ n }) => n)).toEqual([
      1201, 1202, 1203,
    ]);
  });
});

it('a stream ends with its client, and with the server', { timeout: 60_000 }, async () => {
  await hasLoadBalancers(1);
  const id = await start();
  await harness.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = harness.app.server.address() as AddressInfo;
  const follow = (after: number) =>
    request(`http://127.0.0.1:${port}${root}/${id}/events?follow=true&after=${after}`, { headers: alice });
  const firstLine = async ({ body }: Awaited<ReturnType<typeof follow>>) => {
    for await (const chunk of body) return JSON.parse(String(chunk).split('\n')[0] ?? '') as { n: number };
    return expect.unreachable();
  };
  // Leaving the loop destroys the answer, as a client does that goes.
  expect(await firstLine(await follow(0))).toMatchObject({ n: 1 });
  const { statusCode, body } = await follow(0);
  const lines: string[] = [];
  body.on('data', (chunk) => lines.push(String(chunk)));
  const ended = once(body, 'close');
  await expect.poll(() => lines.join(''), { timeout: 30_000 }).toContain('"n":1');
  await Promise.all([harness.app.close(), ended.catch(() => {})]);
  expect(statusCode).toBe(200);
});

it('tenants are refused everything, observers every write; what is not there is 404', async () => {
  await hasLoadBalancers(1);
  const id = await start();
  const word = { want: 'pause', reason: '', revision: 1 };
  const paths = ['', `/${id}`, `/${id}/targets`, `/${id}/events`, `/${id}/events?follow=true`, `/${id}/way-back`];
  for (const path of paths) expect([path, (await get(path, tenant)).status]).toEqual([path, 403]);
  for (const who of [tenant, observer]) {
    expect((await say(id, word, who)).status).toBe(403);
    expect((await post({ plan_digest: await digestOf() }, who)).status).toBe(403);
  }
  for (const path of ['', '/targets', '/events', '/events?follow=true', '/way-back']) {
    const { status, body } = await get(`/nobody${path}`);
    expect([path, status, body.faultstring]).toEqual([path, 404, 'Release nobody not found.']);
  }
  expect((await say('nobody', word)).status).toBe(404);
  expect((await get('?marker=nobody')).status).toBe(400);
});
