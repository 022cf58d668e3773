import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createMemoryFile,
  createOctaviaWorld,
  Killed,
  newImageId,
  type OctaviaWorld,
  oldImageId,
  serviceError,
} from '../../test/kit/octavia-world.ts';
import { makePlan } from '../core/releases/make-plan.ts';
import type { OctaviaReleaseStart } from '../model/octavia-release.ts';
import type { ReleasePolicy } from '../model/release.ts';
import { octaviaPolicy } from './plan.ts';
import { membersOf, readFleet } from './read-fleet.ts';
import { runRelease } from './run-release.ts';

const never = new AbortController().signal;
const report = { records: () => {}, trouble: () => {} };
const policy: ReleasePolicy = {
  ...octaviaPolicy,
  canary: 1,
  wavePercents: [50, 100],
  canaryBakeSeconds: 60,
  waveBakeSeconds: 0,
};

async function startOf({ deps }: OctaviaWorld, more: Partial<OctaviaReleaseStart> = {}): Promise<OctaviaReleaseStart> {
  const image = { id: newImageId, name: 'new', hashAlgo: null, hash: null, ownerId: 'service' };
  const members = membersOf(await readFleet(deps.octavia), 'amphora');
  const plan = makePlan({
    ...{ tag: 'amphora', image, policy, members },
    taggedImageIds: [oldImageId],
    hashes: new Map(),
    moveSeconds: null,
    bakesLastWave: false,
    measuresAhead: false,
    nowMs: 0,
  });
  return {
    version: 1,
    releaseId: '12345678-0000-4000-8000-000000000000',
    tag: 'amphora',
    image,
    formerImageIds: [oldImageId],
    policy,
    planDigest: plan.digest,
    targets: plan.targets,
    probes: [{ name: 'kiln-probe-12345678-0', provider: 'amphora', flavorData: {}, zone: null, subnetId: 's' }],
    ...more,
  };
}

async function begin(world: OctaviaWorld, more: Partial<OctaviaReleaseStart> = {}) {
  const file = createMemoryFile(world.clock);
  await file.open().append({ kind: 'start', ...(await startOf(world, more)) });
  const run = (onAppend?: Parameters<typeof file.open>[0]) =>
    runRelease(world.deps, file.open(onAppend), null, report, never);
  const say = (want: 'run' | 'pause' | 'abort' | 'rollback') =>
    file.open().append({ kind: 'intent', want, by: 'me', reason: '' });
  return { file, run, say, statesOf: async () => (await run()).targets };
}

const forwards = ({ world }: OctaviaWorld) =>
  world.failovers.filter(({ loadBalancerId, imageId }) => imageId === newImageId && loadBalancerId.startsWith('lb-'));
const ofFleet = ({ loadBalancers }: OctaviaWorld) => [...loadBalancers.keys()].filter((id) => id.startsWith('lb-'));

function expectAllOn(world: OctaviaWorld, imageId: string): void {
  for (const id of ofFleet(world)) expect(new Set(world.imagesOf(id))).toEqual(new Set([imageId]));
  expect(world.tagged()).toEqual([imageId]);
}

/** Nothing of the probe and no mark is left. */
function expectNothingLeft(world: OctaviaWorld): void {
  expect(world.loadBalancers.size).toBe(ofFleet(world).length);
  expect([world.flavors.size, world.profiles.size, world.marks.size]).toEqual([0, 0, 0]);
  for (const { tags } of world.images.values()) expect(tags.filter((tag) => tag !== 'amphora')).toEqual([]);
  expect(world.world.untagged).toBe(0);
}

describe('a release over an Octavia', () => {
  it('probes, moves the tag, and moves all: two at a time, pairs BACKUP first', async () => {
    const world = createOctaviaWorld({ singles: 6, pairs: 2 });
    const roles: (string | null | undefined)[] = [];
    world.world.fault = (call, when) => {
      if (call !== 'failover' || when !== 'after') return;
      const { amphoraId, loadBalancerId } = world.world.failovers.at(-1) ?? {};
      const amphorae = world.loadBalancers.get(loadBalancerId ?? '')?.amphorae;
      roles.push(amphorae?.find(({ id }) => id === amphoraId)?.role);
    };
    const { run } = await begin(world);
    expect(await run()).toMatchObject({ phase: 'completed' });
    expectAllOn(world, newImageId);
    expectNothingLeft(world);
    expect(forwards(world)).toHaveLength(10);
    expect(world.world.mostPending).toBe(2);
    const ofPairs = roles.filter((role) => role === 'MASTER' || role === 'BACKUP');
    expect(ofPairs.filter((role) => role === 'BACKUP')).toHaveLength(2);
    expect(ofPairs[0]).toBe('BACKUP');
  });

  it('killed at any line, before it is written and after, the next run goes on to the same end', async () => {
    const whole = createOctaviaWorld({ singles: 3, pairs: 1 });
    const first = await begin(whole);
    await first.run();
    const lines = first.file.records.length;
    expect(lines).toBeGreaterThan(40);
    for (let killedAt = 1; killedAt < lines; killedAt++) {
      for (const when of ['before', 'after'] as const) {
        const world = createOctaviaWorld({ singles: 3, pairs: 1 });
        const { run } = await begin(world);
        const killed = run((index, at) => {
          if (index === killedAt && at === when) throw new Killed();
        });
        await expect(killed, `line ${killedAt}, ${when}`).rejects.toThrow(Killed);
        expect(await run(), `line ${killedAt}, ${when}`).toMatchObject({ phase: 'completed' });
        expectAllOn(world, newImageId);
        expectNothingLeft(world);
        // Nothing was failed over twice, whatever was killed.
        expect(forwards(world), `line ${killedAt}, ${when}`).toHaveLength(5);
      }
    }
  });

  it('an image that fails its probe moves nothing', async () => {
    const world = createOctaviaWorld({ singles: 2, pairs: 0 });
    world.world.broken.add(newImageId);
    const { run } = await begin(world);
    expect(await run()).toMatchObject({ phase: 'rejected', phaseReason: expect.stringContaining('is in ERROR') });
    expectAllOn(world, oldImageId);
    expectNothingLeft(world);
    expect(forwards(world)).toEqual([]);
  });

  it('an image that fails its probe once, as by a bad host, is tried once more', async () => {
    const world = createOctaviaWorld({ singles: 2, pairs: 0 });
    world.world.broken.add(newImageId);
    world.world.fault = (call, when) => {
      if (call === 'deleteLoadBalancer' && when === 'after') world.world.broken.delete(newImageId);
    };
    const { run, file } = await begin(world);
    expect(await run()).toMatchObject({ phase: 'completed' });
    const again = file.records.filter((record) => record.kind === 'probe' && record.step.includes('tried once more'));
    expect(again).toHaveLength(1);
    expectAllOn(world, newImageId);
    expectNothingLeft(world);
  });

  it.each([
    ['is killed', () => new Killed()],
    ['has no answer', () => serviceError('SERVICE_TIMEOUT', null, true)],
  ])(
    'makes no second load balancer for a probe where the request for the first one %s and is carried out later',
    async (_, fault) => {
      const world = createOctaviaWorld({ singles: 2, pairs: 0 });
      let made = 0;
      let late: { one: ReturnType<typeof world.loadBalancers.get>; atMs: number } | null = null;
      world.world.fault = (call, when) => {
        if (late?.one && world.clock.now().getTime() >= late.atMs) {
          world.loadBalancers.set(late.one.id, late.one);
          late = null;
        }
        if (call !== 'createLoadBalancer' || when !== 'after' || ++made > 1) return;
        const [id = '', one] = [...world.loadBalancers].at(-1) ?? [];
        world.loadBalancers.delete(id);
        late = { one, atMs: world.clock.now().getTime() + 8_000 };
        throw fault();
      };
      const { run } = await begin(world);
      const first = await run().catch((error: unknown) => error);
      expect(first instanceof Killed ? await run() : first).toMatchObject({ phase: 'completed' });
      expect(made).toBe(1);
      expectNothingLeft(world);
    },
  );

  it('killed while it tries the second flavor, it does not try the first one again', async () => {
    const world = createOctaviaWorld({ singles: 2, pairs: 0 });
    const made: string[] = [];
    world.world.fault = (call, when) => {
      if (call !== 'createLoadBalancer' || when !== 'after') return;
      made.push([...world.loadBalancers.values()].at(-1)?.name ?? '');
      if (made.length === 2) throw new Killed();
    };
    const probe = { provider: 'amphora', flavorData: {}, zone: null, subnetId: 's' };
    const names = ['kiln-probe-12345678-0', 'kiln-probe-12345678-1'];
    const { run } = await begin(world, { probes: names.map((name) => ({ ...probe, name })) });
    await expect(run()).rejects.toThrow(Killed);
    expect(await run()).toMatchObject({ phase: 'completed' });
    expect(made).toEqual(names);
    expectNothingLeft(world);
  });

  it('of two load balancers of one probe one is tried, and none is left', async () => {
    const world = createOctaviaWorld({ singles: 2, pairs: 0 });
    world.world.fault = (call, when) => {
      if (call !== 'createLoadBalancer' || when !== 'after') return;
      const [id = '', one] = [...world.loadBalancers].at(-1) ?? [];
      if (!one || id.includes('twin')) return;
      // Octavia lists it first.
      world.loadBalancers.delete(id);
      world.loadBalancers.set(`${id}-twin`, { ...one, id: `${id}-twin`, status: 'ACTIVE', pending: null });
      world.loadBalancers.set(id, one);
    };
    const { run, file } = await begin(world);
    expect(await run()).toMatchObject({ phase: 'completed' });
    expect(file.records.some((record) => record.kind === 'probe' && record.step.includes('tried once more'))).toBe(
      false,
    );
    expectNothingLeft(world);
  });

  it('an image whose listener does not come up fails its probe, though its load balancer is ONLINE', async () => {
    const world = createOctaviaWorld({ singles: 2, pairs: 0 });
    world.world.mute.add(newImageId);
    const { run } = await begin(world);
    expect(await run()).toMatchObject({
      phase: 'rejected',
      phaseReason: expect.stringContaining(
        'ACTIVE and ONLINE 600 s after its failover: it has to be ACTIVE, and ONLINE with its listener',
      ),
    });
    expectNothingLeft(world);
    expect(forwards(world)).toEqual([]);
  });

  it.each([
    ['goes to ERROR', 'broken', /ACTIVE to ERROR/],
    ['loses a member', 'blind', /1 of 2 members/],
  ] as const)(
    'one that %s stops it: tag back, that one failed over again, and a hold; then the way back',
    async (_what, fault, why) => {
      const world = createOctaviaWorld({ singles: 8, pairs: 1 });
      // The canary is well: the fault comes with the wave.
      const { run, say, file } = await begin(world, { probes: [] });
      world.world.fault = (call, when) => {
        if (call === 'failover' && when === 'before' && forwards(world).length === 2)
          world.world[fault].add(newImageId);
      };
      const held = await run();
      expect(held.holds).toMatchObject([{ code: 'FAILURES', message: expect.stringMatching(why) }]);
      expect(world.tagged()).toEqual([oldImageId]);
      const states = [...held.targets.values()].map(({ state }) => state);
      expect(states).toContain('reverted');
      expect(states.filter((state) => state === 'pending').length).toBeGreaterThan(0);
      // No more than were moved and not judged yet.
      expect(file.records.filter(({ kind }) => kind === 'failed').length).toBeLessThanOrEqual(4 * policy.maxParallel);
      await say('rollback');
      expect(await run()).toMatchObject({ phase: 'rolled-back', holds: [] });
      expectAllOn(world, oldImageId);
      expectNothingLeft(world);
    },
  );

  it('asked to go back at a gate, waits for no word at it any more', async () => {
    const world = createOctaviaWorld({ singles: 3, pairs: 0 });
    const start = await startOf(world);
    const { run, say } = await begin(world, { probes: [], policy: { ...start.policy, gatesAfterWaves: [0] } });
    expect((await run()).holds).toMatchObject([{ code: 'GATE' }]);
    await say('rollback');
    expect(await run()).toMatchObject({ phase: 'rolled-back', holds: [] });
    expectAllOn(world, oldImageId);
  });

  it('goes on without the one that failed, when an operator says so', async () => {
    const world = createOctaviaWorld({ singles: 4, pairs: 0 });
    const { run, say } = await begin(world, { probes: [] });
    world.world.fault = (call, when) => {
      if (call !== 'failover' || when !== 'before') return;
      world.world.broken.clear();
      if (world.world.failovers.length === 0) world.world.broken.add(newImageId);
    };
    expect((await run()).holds).toMatchObject([{ code: 'FAILURES' }]);
    await say('run');
    const ended = await run();
    expect(ended.phase).toBe('completed');
    expect([...ended.targets.values()].map(({ state }) => state).sort()).toEqual([
      'moved',
      'moved',
      'moved',
      'reverted',
    ]);
    expect(world.tagged()).toEqual([newImageId]);
  });

  it('an Octavia that does not use the tag is found out by the first one', async () => {
    const world = createOctaviaWorld({ singles: 4, pairs: 0 });
    const { run, say } = await begin(world, { probes: [] });
    world.world.ignoresTags = true;
    expect((await run()).holds).toMatchObject([{ message: expect.stringContaining('does not use the tag amphora') }]);
    expect(world.world.failovers.length).toBeLessThanOrEqual(2);
    expect(world.tagged()).toEqual([oldImageId]);
    await say('abort');
    expect(await run()).toMatchObject({ phase: 'aborted' });
  });

  it('is busy (409): later; the answer is lost, before or after it was carried out: never twice', async () => {
    for (const lost of ['busy', 'before', 'after'] as const) {
      const world = createOctaviaWorld({ singles: 3, pairs: 1 });
      const { run, file } = await begin(world, { probes: [] });
      let count = 0;
      world.world.fault = (call, when) => {
        if (call !== 'failover' || when !== (lost === 'after' ? 'after' : 'before') || ++count % 2 === 0) return;
        throw lost === 'busy' ? serviceError('SERVICE_CONFLICT', 409) : serviceError('SERVICE_TIMEOUT', null, true);
      };
      expect(await run(), lost).toMatchObject({ phase: 'completed' });
      expectAllOn(world, newImageId);
      expect(forwards(world), lost).toHaveLength(5);
      expect(file.records.some(({ kind }) => kind === 'later')).toBe(lost !== 'after');
    }
  });

  it('a second operator is refused, and changes nothing', async () => {
    const world = createOctaviaWorld({ singles: 2, pairs: 0 });
    const first = await begin(world);
    await first.say('run');
    const second = await begin(world, { releaseId: 'another' });
    await expect(
      first.run((index) => {
        if (index === 6) throw new Killed();
      }),
    ).rejects.toThrow(Killed);
    await expect(second.run()).rejects.toThrow(/release 12345678.* is at image/);
    expect(await second.run()).toMatchObject({ phase: 'aborted' });
    expect([...new Set(world.marks.values())]).toEqual(['12345678-0000-4000-8000-000000000000']);
    expect(await first.run()).toMatchObject({ phase: 'completed' });
    expectNothingLeft(world);
  });

  it('a tag that somebody moves, and a mark that somebody takes, hold it until that is put right', async () => {
    const world = createOctaviaWorld({ singles: 5, pairs: 0 });
    const { run, say } = await begin(world, { probes: [] });
    let isDone = false;
    world.world.fault = (call, when) => {
      if (isDone || call !== 'failover' || when !== 'after') return;
      isDone = true;
      world.images.set('third', {
        ...(world.images.get(newImageId) ?? expect.unreachable()),
        id: 'third',
        tags: ['amphora'],
      });
    };
    expect((await run()).holds).toMatchObject([{ code: 'TAG_MOVED' }]);
    const moved = world.world.failovers.length;
    await say('run');
    expect((await run()).holds).toMatchObject([{ code: 'TAG_MOVED' }]);
    world.images.delete('third');
    world.marks.set(newImageId, 'another');
    await say('run');
    expect((await run()).holds).toMatchObject([{ code: 'LOCK_TAKEN' }]);
    expect(world.world.failovers.length).toBe(moved);
    world.marks.set(newImageId, '12345678-0000-4000-8000-000000000000');
    await say('run');
    expect(await run()).toMatchObject({ phase: 'completed' });
  });

  it('PENDING for 15 minutes is a hold that ends by itself; nothing else is begun meanwhile', async () => {
    const world = createOctaviaWorld({ singles: 5, pairs: 0 });
    const { run, file } = await begin(world, { probes: [] });
    world.world.fault = (call, when) => {
      const [only] = world.world.failovers;
      const stuck = world.loadBalancers.get(only?.loadBalancerId ?? '');
      if (call === 'failover' && when === 'after' && world.world.failovers.length === 1 && stuck?.pending) {
        stuck.pending.untilMs += 3_600_000;
      }
    };
    expect(await run()).toMatchObject({ phase: 'completed', holds: [] });
    const [held, cleared] = file.records.filter(({ kind }) => kind === 'hold' || kind === 'cleared');
    expect(held).toMatchObject({ code: 'PENDING_LONG', advice: expect.stringContaining('Never set the status') });
    const between = file.records.slice(file.records.indexOf(held as never), file.records.indexOf(cleared as never));
    expect(between.filter(({ kind }) => kind === 'move')).toEqual([]);
  });

  it('a former image that is gone is no way back, and is said', async () => {
    const world = createOctaviaWorld({ singles: 3, pairs: 0 });
    const { run, say } = await begin(world, { probes: [] });
    world.world.fault = (call, when) => {
      if (call === 'failover' && when === 'before') {
        world.world.broken.add(newImageId);
        world.images.delete(oldImageId);
      }
    };
    const held = await run();
    expect(held.holds.map(({ code }) => code)).toContain('NO_WAY_BACK');
    expect(world.tagged()).toEqual([newImageId]);
    await say('abort');
    expect(await run()).toMatchObject({ phase: 'aborted' });
  });

  it.each(['deleted', 'deactivated', 'hidden'])(
    'an image that is %s on the way is no other operator, and goes back',
    async (how) => {
      const world = createOctaviaWorld({ singles: 4, pairs: 1 });
      const { run, say } = await begin(world, { probes: [] });
      let isDone = false;
      world.world.fault = (call, when) => {
        if (isDone || call !== 'failover' || when !== 'after') return;
        isDone = true;
        const image = world.images.get(newImageId) ?? expect.unreachable();
        if (how === 'deleted') world.images.delete(newImageId);
        if (how === 'deactivated') world.images.set(newImageId, { ...image, status: 'deactivated' });
        if (how === 'hidden') world.images.set(newImageId, { ...image, osHidden: true });
      };
      const held = await run();
      expect(held.holds.map(({ code }) => code)).toContain('IMAGE_UNUSABLE');
      expect(held.holds.filter(({ code }) => code === 'LOCK_TAKEN' || code === 'TAG_MOVED')).toEqual([]);
      const moved = world.world.failovers.length;
      await say('run');
      await run();
      expect(world.world.failovers.filter(({ imageId }) => imageId === newImageId).length).toBeLessThanOrEqual(moved);
      await say('rollback');
      expect(await run()).toMatchObject({ phase: 'rolled-back' });
      for (const id of ofFleet(world)) expect(new Set(world.imagesOf(id))).toEqual(new Set([oldImageId]));
      expect(world.tagged()).toEqual([oldImageId]);
    },
  );

  it('an image that is deleted while it is tried is rejected, and nothing of the probe is left', async () => {
    const world = createOctaviaWorld({ singles: 2, pairs: 0 });
    const { run } = await begin(world);
    world.world.fault = (call, when) => {
      if (call === 'createLoadBalancer' && when === 'after') world.images.delete(newImageId);
    };
    const ended = await run();
    expect(ended).toMatchObject({ phase: 'rejected' });
    expectAllOn(world, oldImageId);
    expect([world.flavors.size, world.profiles.size, world.marks.has(oldImageId)]).toEqual([0, 0, false]);
  });

  it('leaves out what is deleted or in ERROR meanwhile', async () => {
    const world = createOctaviaWorld({ singles: 5, pairs: 0 });
    const { run } = await begin(world, { probes: [] });
    world.world.fault = (call, when) => {
      if (call !== 'failover' || when !== 'after' || world.world.failovers.length !== 1) return;
      const [gone, bad] = ofFleet(world).filter((id) => id !== world.world.failovers[0]?.loadBalancerId);
      world.loadBalancers.delete(gone ?? '');
      const broken = world.loadBalancers.get(bad ?? '');
      if (broken) broken.status = 'ERROR';
    };
    const ended = await run();
    expect(ended.phase).toBe('completed');
    const skipped = [...ended.targets.values()].filter(({ state }) => state === 'skipped');
    expect(skipped.map(({ reason }) => reason).sort()).toEqual(['is in ERROR: fail it over first', 'was deleted']);
  });

  it('pauses, goes on and ends when it is asked to', async () => {
    const world = createOctaviaWorld({ singles: 5, pairs: 0 });
    const { run, say } = await begin(world, { probes: [] });
    const after = (count: number, want: 'pause' | 'abort') => {
      let isSaid = false;
      world.world.fault = (call, when) => {
        if (isSaid || call !== 'failover' || when !== 'after' || world.world.failovers.length < count) return;
        isSaid = true;
        void say(want);
      };
    };
    after(1, 'pause');
    expect(await run()).toMatchObject({ phase: 'canary', intent: { want: 'pause' } });
    expect(world.world.failovers).toHaveLength(1);
    await say('run');
    after(3, 'abort');
    expect(await run()).toMatchObject({ phase: 'aborted' });
    expect(world.world.failovers.length).toBeLessThanOrEqual(4);
    expectNothingLeft(world);
  });

  it('whatever fails and whoever is killed: it ends, within its limits, and the tag is always on an image', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          singles: fc.integer({ min: 1, max: 5 }),
          pairs: fc.integer({ min: 0, max: 2 }),
          kills: fc.array(fc.nat(60), { maxLength: 4 }),
          faults: fc.array(fc.tuple(fc.nat(400), fc.constantFrom('lost', 'down', 'busy')), { maxLength: 12 }),
          brokenFrom: fc.option(fc.nat(8)),
          rollback: fc.boolean(),
        }),
        async ({ singles, pairs, kills, faults, brokenFrom, rollback }) => {
          const world = createOctaviaWorld({ singles, pairs });
          const { run, say, file } = await begin(world);
          let calls = 0;
          const due = new Map(faults);
          world.world.fault = (call, when) => {
            if (call === 'failover' && brokenFrom !== null && forwards(world).length >= brokenFrom) {
              world.world.broken.add(newImageId);
            }
            const fault = due.get(++calls);
            if (fault === 'busy' && call === 'failover' && when === 'before')
              throw serviceError('SERVICE_CONFLICT', 409);
            if (fault === 'down' && when === 'before') throw serviceError('SERVICE_FAILED', 503, true);
            if (fault === 'lost' && when === 'after') throw serviceError('SERVICE_TIMEOUT', null, true);
          };
          const again = async () => {
            for (const kill of [...kills, null]) {
              const until = file.records.length + (kill ?? 0);
              try {
                return await run((index, when) => {
                  if (kill !== null && index >= until && when === 'after') throw new Killed();
                });
              } catch (error) {
                if (!(error instanceof Killed)) throw error;
              }
            }
            throw new Error('unreachable');
          };
          let ended = await again();
          if (ended.holds.length > 0 || rollback) {
            if (ended.phase === 'canary' || ended.phase === 'rolling') await say('rollback');
            ended = await again();
          }
          expect(['completed', 'rolled-back', 'rejected']).toContain(ended.phase);
          expect(world.world.mostPending).toBeLessThanOrEqual(policy.maxParallel);
          expect(world.world.untagged).toBe(0);
          expectAllOn(world, ended.phase === 'completed' ? newImageId : oldImageId);
          expectNothingLeft(world);
        },
      ),
      { numRuns: 150 },
    );
  }, 120_000);
});
