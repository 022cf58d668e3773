import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAmphoraStore } from '../../../src/adapters/storage/amphora-store.ts';
import { openDatabase } from '../../../src/adapters/storage/database.ts';
import { createFlavorStore } from '../../../src/adapters/storage/flavor-store.ts';
import { createHealthStore } from '../../../src/adapters/storage/health-store.ts';
import { createJournal } from '../../../src/adapters/storage/journal.ts';
import { createLoadBalancerStore } from '../../../src/adapters/storage/load-balancer-store.ts';
import { createReleaseStore } from '../../../src/adapters/storage/release-store.ts';
import type { KilnDatabase } from '../../../src/adapters/storage/schema.ts';
import { changeTally, tallyOf } from '../../../src/core/releases/tallies.ts';
import { KilnError } from '../../../src/model/errors.ts';
import type { LoadBalancer } from '../../../src/model/load-balancer.ts';
import type { NewOperation } from '../../../src/model/operation.ts';
import type { Target } from '../../../src/model/release.ts';
import type { LateQuestion } from '../../../src/model/release-view.ts';
import type { RowChange } from '../../../src/ports/load-balancer-store.ts';
import type { ReleaseChange, ReleaseStore, TargetChange } from '../../../src/ports/release-store.ts';
import { createFakeClock } from '../fakes/fake-clock.ts';
import { aRelease, aTarget } from '../releases.ts';
import {
  storedHealthMonitor,
  storedListener,
  storedLoadBalancer,
  storedMember,
  storedPool,
} from '../stored-resources.ts';
import { type DatabaseSubject, storedAmphora } from './amphora-store.ts';

const now = new Date('2026-11-23T12:10:00Z');
const nowMs = now.getTime();
const look = {
  now,
  nextLimit: 4,
  busyLimit: 10,
  silentBefore: '2026-11-23T12:09:00.000Z',
  beatAfter: '2026-11-23T12:09:00.000Z',
  late: null,
  defaultTag: 'amphora',
};

/** What ReleaseStore does, whatever engine is behind it. */
export function describeReleaseStoreContract(name: string, makeSubject: () => Promise<DatabaseSubject>): void {
  describe(`ReleaseStore: ${name}`, () => {
    let subject: DatabaseSubject;
    let database: KilnDatabase;
    let store: ReleaseStore;
    let statements = 0;
    const clock = createFakeClock({ start: now.toISOString(), autoAdvance: true });

    beforeEach(async () => {
      subject = await makeSubject();
      database = await openDatabase(subject.connection, clock, () => {
        statements++;
      });
      store = createReleaseStore(database, clock);
    });
    afterEach(async () => {
      await database.destroy();
      await subject.close();
    });

    const planned = { atMs: nowMs, actor: 'alice', kind: 'phase', loadBalancerId: null, reason: 'started', data: {} };
    async function hasRelease(targets: readonly Target[], id = 'r1'): Promise<void> {
      await store.create(aRelease(id, { targets: targets.length }, nowMs), targets, tallyOf(targets), planned);
    }
    const release = async (id = 'r1') => (await store.get(id)) ?? expect.unreachable();
    async function hasLoadBalancer(id: string, over: Partial<LoadBalancer> = {}): Promise<void> {
      const rows = [{ kind: 'loadbalancer' as const, put: storedLoadBalancer(id, over) }];
      const loadBalancers = createLoadBalancerStore(database, clock);
      await loadBalancers.apply({ loadBalancerId: id, mutableFrom: [], operation: null, rows });
    }
    async function hasFlavor(id: string, data: Record<string, string>): Promise<void> {
      const profile = { id: `of-${id}`, name: id, providerName: 'amphora', flavorData: JSON.stringify(data) };
      const flavors = createFlavorStore(database, clock);
      await flavors.insert('flavorProfile', profile);
      await flavors.insert('flavor', { id, name: id, description: '', enabled: true, flavorProfileId: profile.id });
    }
    const refusal = async (promise: Promise<unknown>) =>
      await promise.then(
        () => 'done',
        (error: unknown) => (error instanceof KilnError ? error.code : String(error)),
      );

    function operation(id: string, subjectId: string): NewOperation {
      const input = { loadBalancerId: subjectId, resourceId: subjectId, imageId: 'image-2', releaseId: 'r1' };
      return { id, flow: 'release-amphora', subject: subjectId, input, priority: 0 };
    }
    function move(before: Target, operationId: string): TargetChange {
      return {
        before,
        after: { ...before, state: 'moving', attempt: 1, operationId, stateSinceMs: nowMs, reason: 'its turn' },
        operation: { ...operation(operationId, before.loadBalancerId), mutableFrom: ['ACTIVE'] },
        event: { ...planned, kind: 'move', loadBalancerId: before.loadBalancerId, actor: 'kiln' },
      };
    }
    async function commit(over: Partial<ReleaseChange>, read = release()) {
      const { progress, tallies } = await read;
      const change: ReleaseChange = {
        progress,
        endedAtMs: null,
        targets: [],
        joined: [],
        probes: [],
        events: [],
        rejected: null,
        talliesAfter: (changed) => changed.reduce((sum, { before, after }) => changeTally(sum, before, after), tallies),
        ...over,
      };
      return await store.commit(await read, change, nowMs);
    }

    it('keeps releases, and has one of a tag at a time until it has ended', async () => {
      const target = aTarget('r1', 'a', { before: null, badness: 0.5, verdict: 'no data' });
      await hasRelease([target]);
      expect(await refusal(hasRelease([], 'r2'))).toBe('RESOURCE_CONFLICT');
      const { progress } = await release();
      expect(await store.active()).toMatchObject([{ spec: { id: 'r1' }, fence: 1, formerImageIds: ['image-1'] }]);
      expect(await store.targets('r1', { limit: 9 })).toEqual([target]);
      await commit({ progress: { ...progress, phase: 'aborted' }, endedAtMs: nowMs });
      await hasRelease([], 'r2');
      expect((await store.list(9)).map(({ spec }) => spec.id)).toEqual(['r2', 'r1']);
      expect((await store.active()).map(({ spec }) => spec.id)).toEqual(['r2']);
      expect(await release()).toMatchObject({ endedAtMs: nowMs, progress: { phase: 'aborted' } });
      expect(await store.get('r3')).toBeNull();
    });

    it('lists releases a page at a time, the newest first, and tells the end of their events', async () => {
      await hasRelease([]);
      const { progress } = await release();
      expect(await store.tail('r1', 0, 9)).toMatchObject({ events: [{ n: 1 }], hasEnded: false });
      await commit({ progress: { ...progress, phase: 'aborted' }, endedAtMs: nowMs });
      for (const id of ['r2', 'r3']) {
        await hasRelease([], id);
        await commit({ progress: { ...progress, phase: 'aborted' }, endedAtMs: nowMs }, release(id));
      }
      const seen: string[] = [];
      for (let page = await store.list(2); page.length > 0; page = await store.list(2, page.at(-1))) {
        seen.push(...page.map(({ spec }) => spec.id));
      }
      expect(seen.toSorted()).toEqual(['r1', 'r2', 'r3']);
      expect(seen).toEqual((await store.list(9)).map(({ spec }) => spec.id));
      expect(await store.tail('r1', 1, 9)).toEqual({ events: [], hasEnded: true });
      expect(await store.tail('nobody', 0, 9)).toBeNull();
    });

    it('counts what a way back would take where', async () => {
      await hasRelease([
        aTarget('r1', 'a', { state: 'moved' }),
        aTarget('r1', 'b', { state: 'watching', position: 1 }),
        aTarget('r1', 'c', { state: 'failed', position: 2, fromImageId: 'image-0' }),
        aTarget('r1', 'd', { position: 3 }),
        aTarget('r1', 'e', { state: 'reverted', position: 4 }),
      ]);
      expect(await store.waysBack('r1')).toEqual(
        new Map([
          ['image-1', 2],
          ['image-0', 1],
        ]),
      );
    });

    it('of two that decide from the same state one is refused, and nothing of it is written', async () => {
      const [a, b] = [aTarget('r1', 'a'), aTarget('r1', 'b', { position: 1 })];
      await hasRelease([a, b]);
      await hasLoadBalancer('a');
      await hasLoadBalancer('b');
      const read = release();
      expect((await commit({ targets: [move(a, 'op-a')] }, read)).map(({ id }) => id)).toEqual(['op-a']);
      expect(await refusal(commit({ targets: [move(b, 'op-b')] }, read))).toBe('FENCED');
      expect((await store.targets('r1', { limit: 9 })).map(({ state }) => state)).toEqual(['moving', 'pending']);
      expect(await createJournal(database, clock).get('op-b')).toBeNull();
      expect(await release()).toMatchObject({ fence: 2, tallies: { counts: { pending: 1, moving: 1 } } });
    });

    it('a word of the operator makes what was decided before it void', async () => {
      const a = aTarget('r1', 'a');
      await hasRelease([a]);
      await hasLoadBalancer('a');
      const read = release();
      const word = { want: 'pause', by: 'bob', atMs: nowMs, reason: 'lunch' } as const;
      expect(await store.instruct(await release(), word)).toMatchObject({ intent: { ...word, revision: 2 } });
      expect(await refusal(store.instruct(await read, word))).toBe('FENCED');
      expect(await refusal(commit({ targets: [move(a, 'op')] }, read))).toBe('FENCED');
      expect((await release()).intent).toEqual({ ...word, revision: 2 });
      expect(await store.events('r1', 1, 9)).toMatchObject([{ n: 2, kind: 'intent', actor: 'bob', reason: 'lunch' }]);
    });

    it('moves a load balancer only while nobody else changes it, and with its operation', async () => {
      const targets = ['a', 'b', 'c'].map((id, position) => aTarget('r1', id, { position }));
      await hasRelease(targets);
      await hasLoadBalancer('a');
      await hasLoadBalancer('b', { provisioningStatus: 'PENDING_UPDATE' });
      const changes = targets.map((target) => move(target, `op-${target.loadBalancerId}`));
      expect((await commit({ targets: changes, events: [planned] })).map(({ id }) => id)).toEqual(['op-a']);
      const view = (await store.look('r1', look)) ?? expect.unreachable();
      expect(view).toMatchObject({
        unendedOperations: 1,
        release: { tallies: { counts: { moving: 1, pending: 2 }, waves: { 0: { open: 3 } } } },
        busy: [
          {
            target: { loadBalancerId: 'a', state: 'moving', operationId: 'op-a' },
            loadBalancer: { provisioningStatus: 'PENDING_UPDATE', amphorae: [] },
            operation: { status: 'unended', error: null },
          },
        ],
        next: [{ target: { loadBalancerId: 'b' } }, { target: { loadBalancerId: 'c' }, loadBalancer: null }],
      });
      // Events have numbers without a gap.
      expect((await store.events('r1', 0, 9)).map(({ n, kind }) => [n, kind])).toEqual([
        [1, 'phase'],
        [2, 'move'],
        [3, 'phase'],
      ]);
    });

    it('finds load balancers of the tag that it does not know, by what they run and when they were made, and takes them in', async () => {
      await hasRelease([aTarget('r1', 'known')]);
      await hasFlavor('edge', { amp_image_tag: 'edge' });
      await hasFlavor('large', { compute_flavor: 'large' });
      const amphorae = createAmphoraStore(database, clock);
      const createdAt = '2026-11-23T12:05:00Z';
      const has = async (id: string, imageId: string | null, over: Partial<LoadBalancer> = {}) => {
        await hasLoadBalancer(id, { createdAt, ...over });
        const status = over.provisioningStatus === 'PENDING_CREATE' ? 'BOOTING' : 'ALLOCATED';
        await amphorae.insert(storedAmphora(`of-${id}`, { loadBalancerId: id, status, imageId }));
      };
      await has('known', 'image-1');
      await has('old', 'image-1');
      await has('making', 'image-1', { provisioningStatus: 'PENDING_CREATE', flavorId: 'large' });
      await has('new', 'image-2');
      await has('unknown', null);
      await has('broken', 'image-1', { provisioningStatus: 'ERROR' });
      await has('early', 'image-1', { createdAt: '2026-11-23T11:00:00Z' });
      await has('other', 'image-1', { flavorId: 'edge' });
      const asked = { createdAfterMs: nowMs - 600_000, createdBeforeMs: nowMs };
      const late = async (runs: LateQuestion['runs'], tag = 'amphora', more = {}) =>
        (await store.look('r1', { ...look, late: { tag, runs, ...asked, ...more } }))?.late;
      expect(await late({ otherThan: ['image-2', 'image-3'] })).toEqual([
        { loadBalancerId: 'making', topology: 'SINGLE', imageId: 'image-1' },
        { loadBalancerId: 'old', topology: 'SINGLE', imageId: 'image-1' },
      ]);
      expect(await late({ one: ['image-2'] })).toMatchObject([{ loadBalancerId: 'new' }]);
      expect(await late({ one: ['image-1'] }, 'edge')).toMatchObject([{ loadBalancerId: 'other' }]);
      expect(await late({ one: ['image-1'] }, 'nobody')).toEqual([]);
      expect(await late({ one: ['image-1'] }, 'amphora', { createdBeforeMs: nowMs - 500_000 })).toEqual([]);
      const joined = aTarget('r1', 'old', { wave: 2, position: 1, fromImageId: 'image-9' });
      const tallies = tallyOf([aTarget('r1', 'known'), joined]);
      await commit({ joined: [joined], talliesAfter: () => tallies });
      expect(await store.targets('r1', { limit: 9 })).toMatchObject([{ loadBalancerId: 'known' }, joined]);
      expect(await release()).toMatchObject({ formerImageIds: ['image-1', 'image-9'], tallies });
      expect(await late({ otherThan: ['image-2'] })).toMatchObject([{ loadBalancerId: 'making' }]);
    });

    it('a look has few targets and few statements, however many there are; those that wait are not among them', async () => {
      const targets = Array.from({ length: 600 }, (_none, n) =>
        aTarget('r1', `lb-${n}`, { position: n, notBeforeMs: n < 2 ? nowMs + 60_000 + n : 0, wave: n < 300 ? 0 : 1 }),
      );
      await hasRelease(targets);
      statements = 0;
      const view = (await store.look('r1', look)) ?? expect.unreachable();
      expect(statements).toBeLessThan(20);
      expect(view.next.map(({ target }) => target.loadBalancerId)).toEqual(['lb-2', 'lb-3', 'lb-4', 'lb-5']);
      expect(view.nextDueMs).toBe(nowMs + 60_000);
      expect(view.release.tallies.waves[1]).toEqual({ open: 300, pass: 0, fail: 0, noData: 0 });
      const after = { wave: 0, position: 298 };
      const page = await store.targets('r1', { limit: 2, after, states: ['pending'] });
      expect(page.map(({ loadBalancerId }) => loadBalancerId)).toEqual(['lb-299', 'lb-300']);
    });

    it('what failed and is worse than before comes first, and on the way back the worst', async () => {
      const targets = [
        aTarget('r1', 'good', { state: 'moved', verdict: 'pass', position: 0 }),
        aTarget('r1', 'bad', { state: 'moved', verdict: 'no data', position: 1, badness: 2 }),
        aTarget('r1', 'failed', { state: 'failed', verdict: 'fail', position: 2, badness: 1 }),
        aTarget('r1', 'unmoved', { state: 'failed', position: 3 }),
        aTarget('r1', 'pending', { position: 4 }),
      ];
      await hasRelease(targets);
      const next = async () =>
        (await store.look('r1', { ...look, nextLimit: 9 }))?.next.map(({ target }) => target.loadBalancerId);
      expect(await next()).toEqual(['failed', 'pending']);
      const { progress } = await release();
      await commit({ progress: { ...progress, phase: 'rolling-back' } });
      expect(await next()).toEqual(['bad', 'failed', 'good', 'unmoved']);
    });

    it('knows amphorae that serve, what is unwell, and how probes went', async () => {
      await hasRelease([aTarget('r1', 'a', { state: 'watching' })]);
      await hasLoadBalancer('a');
      await hasLoadBalancer('b', { provisioningStatus: 'ERROR' });
      const amphorae = createAmphoraStore(database, clock);
      const health = createHealthStore(database, clock);
      for (const [id, role, at] of [
        ['x', 'MASTER', '2026-11-23T12:09:30.000Z'],
        ['y', 'BACKUP', '2026-11-23T12:01:00.000Z'],
      ] as const) {
        await amphorae.insert(
          storedAmphora(id, { loadBalancerId: 'a', role, status: 'ALLOCATED', imageId: 'image-1' }),
        );
        await health.record([
          {
            amphoraId: id,
            receivedAt: at,
            beats: 1,
            restarts: 0,
            statistics: [],
            countersAreDeltas: true,
            operatingStatuses: [],
          },
        ]);
      }
      // What is left of one that 'x' has replaced is none of them.
      const left = { loadBalancerId: 'a', role: 'MASTER', status: 'ERROR', imageId: 'image-0' } as const;
      await amphorae.insert(storedAmphora('w', left));
      const probe: NewOperation = { ...operation('op-p', 'r1'), flow: 'probe-image' };
      const place = { flavorId: null, zone: 'z' };
      await commit({ probes: [{ place, attempt: 2, imageFaults: 1, operation: probe }] });
      const view = async () => (await store.look('r1', look)) ?? expect.unreachable();
      expect(await view()).toMatchObject({
        unwell: 2,
        busy: [
          {
            loadBalancer: {
              amphorae: [
                { id: 'x', isServing: true },
                { id: 'y', isServing: false },
              ],
            },
          },
        ],
        probes: [{ place, attempt: 2, imageFaults: 1, state: 'running', endedAtMs: null }],
      });
      const journal = createJournal(database, clock);
      const { operation: claimed } = (await journal.claim('op-p', 'w')) ?? expect.unreachable();
      const undone = { code: 'AGENT_UNREACHABLE', message: 'silent', advice: '' };
      await journal.finish('op-p', claimed.fence, { undone });
      expect((await view()).probes).toMatchObject([{ state: 'failed', error: { code: 'AGENT_UNREACHABLE' } }]);
      expect(await store.countLoadBalancers()).toBe(2);
    });

    it('knows who serves, what came through it, and whether its tenant has changed something', async () => {
      await hasLoadBalancer('a');
      const loadBalancers = createLoadBalancerStore(database, clock);
      const put = async (...rows: RowChange[]) =>
        await loadBalancers.apply({ loadBalancerId: 'a', mutableFrom: ['ACTIVE'], operation: null, rows });
      const member = { ...storedMember('me', 'po'), operatingStatus: 'ERROR' as const };
      await put(
        { kind: 'listener', put: storedListener('li', 'a') },
        { kind: 'pool', put: storedPool('po', 'a') },
        { kind: 'member', put: member },
      );
      const amphorae = createAmphoraStore(database, clock);
      const health = createHealthStore(database, clock);
      for (const [id, status] of [
        ['x', 'ALLOCATED'],
        ['y', 'PENDING_DELETE'],
      ] as const) {
        await amphorae.insert(storedAmphora(id, { loadBalancerId: 'a', status, imageId: 'image-1' }));
        const counted = { bytesIn: 0, bytesOut: 0, activeConnections: 1, totalConnections: 7, requestErrors: 2 };
        const statistics = [{ listenerId: 'li', ...counted }];
        const receivedAt = now.toISOString();
        await health.record([
          {
            amphoraId: id,
            receivedAt,
            beats: 3,
            restarts: 1,
            statistics,
            countersAreDeltas: true,
            operatingStatuses: [],
          },
        ]);
      }
      const view = async () => (await store.healthNow(['a'], nowMs))[0] ?? expect.unreachable();
      const before = await view();
      expect(before).toMatchObject({
        amphorae: [{ id: 'x', imageId: 'image-1', lastHeardMs: nowMs, beats: 3, restarts: 1 }],
        members: { me: 'ERROR' },
        counters: { li: { connections: 14, requestErrors: 4 } },
      });
      // What a move does to the load balancer and a heartbeat to its members is not its tenant's.
      await loadBalancers.apply({
        loadBalancerId: 'a',
        mutableFrom: ['ACTIVE'],
        operation: null,
        rows: [{ kind: 'loadbalancer', put: storedLoadBalancer('a', { updatedAt: '2026-11-23T12:20:00.000Z' }) }],
      });
      const operatingStatuses = [{ kind: 'member' as const, id: 'me', operatingStatus: 'ONLINE' as const }];
      await health.record([
        {
          amphoraId: 'x',
          receivedAt: null,
          beats: 1,
          restarts: 0,
          statistics: [],
          countersAreDeltas: true,
          operatingStatuses,
        },
      ]);
      expect(await view()).toMatchObject({ configuration: before.configuration, members: { me: 'ONLINE' } });
      const later = { updatedAt: '2026-11-23T12:30:00.000Z' };
      const changes: RowChange[] = [
        { kind: 'member', put: { ...member, ...later } },
        { kind: 'healthmonitor', put: storedHealthMonitor('hm', 'po') },
        { kind: 'listener', put: storedListener('li', 'a', later) },
        { kind: 'member', deleteId: 'me' },
      ];
      const seen = new Set([before.configuration]);
      for (const change of changes) {
        await put(change);
        seen.add((await view()).configuration);
      }
      expect(seen.size).toBe(1 + changes.length);
    });

    it('knows who moves next, who has moved and who moves last', async () => {
      const at = (id: string, wave: number, position: number, state: Target['state'] = 'pending') =>
        aTarget('r1', id, { wave, position, state });
      await hasRelease([
        at('m0', 0, 0, 'moved'),
        at('m1', 1, 1, 'moved'),
        at('f', 1, 2, 'failed'),
        at('p3', 1, 3),
        at('p4', 2, 4),
        at('p5', 2, 5),
      ]);
      const { coming, moved, control } = await store.sampleGroups('r1', { coming: 2, moved: 1, control: 2 });
      expect([coming, moved.map((one) => one.loadBalancerId), control]).toEqual([['p3', 'p4'], ['m1'], ['p5', 'p4']]);
    });

    it('knows the images that a release, or the way back of the last one, needs', async () => {
      const end = async (id: string, phase: 'completed' | 'rejected') =>
        await commit({ progress: { ...(await release(id)).progress, phase }, endedAtMs: nowMs }, release(id));
      const start = async (id: string, imageId: string, fromImageId: string, atMs: number) => {
        const image = { id: imageId, name: id, hashAlgo: null, hash: null, ownerId: 'o' };
        const targets = [aTarget(id, 'a', { fromImageId })];
        const started = aRelease(id, { image, baseline: { taggedImageIds: [fromImageId] } }, atMs);
        await store.create(started, targets, tallyOf(targets), planned);
      };
      const needs = async () =>
        (await store.neededImages()).map(({ releaseId, hasEnded, imageIds }) => [
          releaseId,
          hasEnded,
          [...new Set(imageIds)].sort(),
        ]);
      expect(await needs()).toEqual([]);
      await start('r1', 'i2', 'i1', 1);
      expect(await needs()).toEqual([['r1', false, ['i1', 'i2']]]);
      await end('r1', 'completed');
      await start('r2', 'i3', 'i2', 2);
      await end('r2', 'completed');
      await start('r3', 'bad', 'i3', 3);
      await end('r3', 'rejected');
      expect(await needs()).toEqual([['r2', true, ['i2']]]);
      await start('r4', 'i4', 'i3', 4);
      expect(await needs()).toEqual([
        ['r4', false, ['i3', 'i4']],
        ['r2', true, ['i2']],
      ]);
    });

    it('keeps what was seen of health until it is forgotten, and what was rejected', async () => {
      await hasRelease([]);
      await hasLoadBalancer('a');
      const rows = [{ kind: 'listener' as const, put: storedListener('li', 'a') }];
      await createLoadBalancerStore(database, clock).apply({
        loadBalancerId: 'a',
        mutableFrom: ['ACTIVE'],
        operation: null,
        rows,
      });
      const [seen] = await store.healthNow(['a', 'gone'], nowMs);
      const counters = { li: { connections: 0, requestErrors: 0 } };
      expect(seen).toMatchObject({ loadBalancerId: 'a', listeners: { li: 'ONLINE' }, counters, amphorae: [] });
      await store.keepSamples('r1', [seen ?? expect.unreachable()], 0);
      await store.keepSamples('r1', [seen ?? expect.unreachable()], 0);
      expect([...(await store.samples('r1', ['a', 'b']))]).toEqual([['a', [seen]]]);
      await store.keepSamples('r1', [], nowMs + 1);
      expect((await store.samples('r1', ['a'])).size).toBe(0);
      const rejected = { hashAlgo: 'sha512', hash: 'h2' };
      await commit({ rejected });
      await commit({ rejected });
      expect([await store.rejectedBy('sha512', 'h2'), await store.rejectedBy('sha512', 'h3')]).toEqual(['r1', null]);
    });
  });
}
