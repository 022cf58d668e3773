import { afterEach, describe, expect, it } from 'vitest';
import { anImage } from '../../test/kit/builders.ts';
import { type CarriedRelease, former, openCarriedRelease, released } from '../../test/kit/carried-release.ts';
import { KilnError } from '../model/errors.ts';

/** The controller over the real planner, engine, flows and database; only the cloud is in memory, and time passes by itself. */
describe('a release', () => {
  let harness: CarriedRelease;
  const open = async (options: Parameters<typeof openCarriedRelease>[0] = {}) => {
    harness = await openCarriedRelease(options);
    return harness;
  };
  afterEach(() => harness.close());

  /** All amphorae of all load balancers, but of those that are left out. */
  const imagesInUse = async (leftOut: readonly string[] = []) => {
    const ids = harness.loadBalancers.filter((id) => !leftOut.includes(id));
    return [...new Set((await Promise.all(ids.map(harness.ofImages))).flat())];
  };
  const amphoraeOfNobody = async () =>
    (await harness.state.amphorae.list()).filter(({ loadBalancerId }) => loadBalancerId === null);
  it('of a good image goes by probe, canary, tag and waves to all, pairs too; nothing is left of its probe', async () => {
    const { start, carryOnUntil, hasEnded, tagged, kindsOf } = await open({ singles: 4, pairs: 2 });
    const id = await start({ canary: 1 });
    const { progress, tallies } = await carryOnUntil(id, hasEnded);
    expect(progress).toMatchObject({ phase: 'completed', failures: 0, holds: [] });
    expect(tallies.counts).toMatchObject({ moved: 6, pending: 0, failed: 0, skipped: 0 });
    expect(await imagesInUse()).toEqual([released]);
    expect(await tagged()).toEqual([released]);
    expect(await amphoraeOfNobody()).toEqual([]);
    const kinds = await kindsOf(id);
    const order = ['probe', 'move', 'watch', 'judge', 'tagAdd', 'tagRemove', 'finish'];
    expect([...new Set(kinds)].filter((kind) => order.includes(kind))).toEqual(order);
    // Singles move once, pairs twice.
    expect(kinds.filter((kind) => kind === 'move')).toHaveLength(8);
  });

  it('keeps the request errors of moved beside not moved with each judgement, and the last ones when nobody is left to compare with', async () => {
    const { start, carryOnUntil, hasEnded, groups, releases, heldBy, say } = await open({ singles: 2 });
    const traffic = (requestErrors: number) => ({ seconds: 90, connections: 1000, requestErrors });
    groups.cohorts = { moved: traffic(3), notMoved: traffic(2), notMovedBefore: traffic(2) };
    const id = await start({ canary: 1, gatesAfterWaves: [0] });
    const held = await carryOnUntil(id, heldBy('GATE'));
    const counted = { seconds: 90, connections: 1000 };
    const comparison = {
      wave: 0,
      moved: { ...counted, errors: 3 },
      notMoved: { ...counted, errors: 2 },
      chance: expect.closeTo(0.5, 2),
    };
    expect(held.progress.comparison).toMatchObject(comparison);
    groups.cohorts = null;
    await say(id, 'run');
    const { progress } = await carryOnUntil(id, hasEnded);
    expect(progress.comparison).toMatchObject(comparison);
    const judged = (await releases.events(id, 0, 1000)).filter(({ kind }) => kind === 'judge');
    expect(judged.map(({ data }) => data.comparison)).toEqual([expect.objectContaining(comparison), null]);
  });

  it('moves as well who was made between the plan and the move of the tag, and fixed after it was planned', async () => {
    const { start, carryOnUntil, hasEnded, create, work, ofImages, releases } = await open({ singles: 2 });
    const id = await start({ canary: 1 });
    let isMade = false;
    const { progress, tallies } = await carryOnUntil(id, hasEnded, {
      async each({ progress: { phase } }) {
        if (isMade || phase !== 'canary') return;
        isMade = true;
        await create('late-single', 'SINGLE');
        await create('late-pair', 'ACTIVE_STANDBY');
        await work();
        expect(await ofImages('late-single')).toEqual([former]);
      },
    });
    expect([progress.phase, tallies.counts.moved]).toEqual(['completed', 4]);
    expect(await imagesInUse()).toEqual([released]);
    const [joined] = (await releases.events(id, 0, 1000)).filter(({ kind }) => kind === 'join');
    expect(joined).toMatchObject({ reason: expect.stringMatching(/^2 load balancers were made/u), data: { wave: 2 } });
  });

  it('takes back who was made on the image while it had the tag', async () => {
    const { start, say, carryOnUntil, hasEnded, create, work, ofImages, heldBy } = await open({ singles: 3 });
    const id = await start({ canary: 1, wavePercents: [50, 100], gatesAfterWaves: [1] });
    await carryOnUntil(id, heldBy('GATE'));
    await create('late', 'SINGLE');
    await work();
    expect(await ofImages('late')).toEqual([released]);
    await say(id, 'rollback');
    const { progress, tallies } = await carryOnUntil(id, hasEnded);
    expect([progress.phase, tallies.counts.reverted]).toEqual(['rolled-back', 3]);
    expect(await imagesInUse()).toEqual([former]);
  });

  it('of an image whose agent never answers is rejected by its probe, and no load balancer is touched', async () => {
    const { start, carryOnUntil, hasEnded, tagged, kindsOf, releases, agent } = await open();
    const id = await start();
    agent.failNext('getInfo', new KilnError('AGENT_UNREACHABLE', 'nothing answers'), 1000);
    expect((await carryOnUntil(id, hasEnded)).progress.phase).toBe('rejected');
    expect(await kindsOf(id)).not.toContain('move');
    expect(await imagesInUse()).toEqual([former]);
    expect(await tagged()).toEqual([former]);
    expect(await amphoraeOfNobody()).toEqual([]);
    // The same bits are not tried again by themselves.
    await expect(releases.plan({ imageId: released, tag: null, isAgain: false, policy: {} })).rejects.toThrow(
      /rejected/,
    );
  });

  it('whose canary is worse than before goes back by itself, and its content is rejected', async () => {
    const { start, carryOnUntil, hasEnded, tagged, worse, loadBalancers, failures } = await open({ pairs: 1 });
    for (const id of loadBalancers) worse.add(id);
    const id = await start({ canary: 2 });
    const { progress, tallies } = await carryOnUntil(id, hasEnded);
    expect(progress.phase).toBe('rolled-back');
    expect(tallies.counts).toMatchObject({ reverted: 1, moved: 0, failed: 0 });
    expect(failures).toEqual(['IMAGE']);
    expect(await imagesInUse()).toEqual([former]);
    expect(await tagged()).toEqual([former]);
  });

  it('goes on where a controller died: after each decision was written and before anything else, or half way', async () => {
    const { start, carryOnUntil, hasEnded, tagged, controller, state, kindsOf, images } = await open({ pairs: 1 });
    const id = await start({ canary: 1 });
    let life = 0;
    const dying: typeof state.releases.commit = async (...all) => {
      await state.releases.commit(...all);
      throw new Error('killed');
    };
    images.loseNextAnswer('addTag', new Error('killed'));
    const { progress } = await carryOnUntil(id, hasEnded, {
      carryOn: async (...all) =>
        await controller(++life % 2 === 0 ? { commit: dying } : {})(...all).catch(() => ({
          wakeInMs: 1_000,
          operations: 0,
        })),
    });
    expect(progress.phase).toBe('completed');
    expect(await imagesInUse()).toEqual([released]);
    expect(await tagged()).toEqual([released]);
    expect((await kindsOf(id)).filter((kind) => kind === 'move')).toHaveLength(5);
  });

  it('is carried on by two at once: one of them is refused each time, and nothing is done twice', async () => {
    const { start, carryOnUntil, hasEnded, controller, kindsOf } = await open({ singles: 4, pairs: 1 });
    const id = await start({ canary: 1 });
    const both = [controller(), controller()];
    const refusals: unknown[] = [];
    const { progress } = await carryOnUntil(id, hasEnded, {
      carryOn: async (...all) => {
        const ends = await Promise.allSettled(both.map((one) => one(...all)));
        refusals.push(...ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : [])));
        return ends.find((end) => end.status === 'fulfilled')?.value ?? { wakeInMs: 1_000, operations: 0 };
      },
    });
    expect(progress.phase).toBe('completed');
    expect((await kindsOf(id)).filter((kind) => kind === 'move')).toHaveLength(6);
    expect(refusals.length).toBeGreaterThan(0);
    for (const refusal of refusals) expect(refusal).toMatchObject({ code: 'FENCED' });
  });

  it.each(['before its turn', 'while it is watched'])(
    'leaves out a load balancer that was deleted %s',
    async (when) => {
      const { start, carryOnUntil, hasEnded, state, loadBalancers, releases, work } = await open({ singles: 4 });
      const id = await start({ canary: 2 });
      const [first = '', , , last = ''] = loadBalancers;
      const gone = when === 'before its turn' ? last : first;
      let isGone = false;
      const { progress, tallies } = await carryOnUntil(id, hasEnded, {
        each: async () => {
          const [target] = (await releases.targets(id, { limit: 10 })).filter((one) => one.loadBalancerId === gone);
          if (isGone || (when !== 'before its turn' && target?.state !== 'watching')) return;
          isGone = true;
          const put = (await state.loadBalancers.get('loadbalancer', gone)) ?? expect.unreachable();
          await state.loadBalancers.apply({
            loadBalancerId: gone,
            mutableFrom: ['ACTIVE'],
            rows: [{ kind: 'loadbalancer', put: { ...put, provisioningStatus: 'PENDING_DELETE' } }],
            operation: {
              ...{ id: crypto.randomUUID(), flow: 'delete-load-balancer', subject: gone, priority: 0 },
              input: { loadBalancerId: gone, resourceId: gone },
            },
          });
          await work();
        },
      });
      expect(isGone).toBe(true);
      expect(progress.phase).toBe('completed');
      expect(tallies.counts).toMatchObject({ moved: 3, skipped: 1, failed: 0 });
      expect(await imagesInUse([gone])).toEqual([released]);
    },
  );

  it.each([
    ['deleted', 'gone'],
    ['deactivated', 'deactivated'],
    ['hidden', 'hidden'],
    ['another content', 'another hash'],
    ['given to another project', 'another project'],
  ])('begins nothing while its image is %s; rolled back it ends where it began', async (what, message) => {
    const { start, say, carryOnUntil, hasEnded, heldBy, tagged, images, kindsOf } = await open();
    const id = await start({ canary: 1 });
    await carryOnUntil(id, ({ progress }) => progress.phase === 'canary' && progress.bakedSinceMs !== null);
    const image = await images.get(released);
    if (what === 'deleted') images.remove(released);
    else if (what === 'deactivated') images.put({ ...image, status: 'deactivated' });
    else if (what === 'hidden') images.put({ ...image, osHidden: true });
    else if (what === 'another content') images.put({ ...image, hashValue: 'other' });
    else images.put({ ...image, owner: 'another-project' });
    const { progress } = await carryOnUntil(id, heldBy('IMAGE_UNUSABLE'));
    expect(progress.holds.find(({ code }) => code === 'IMAGE_UNUSABLE')?.message).toContain(message);
    const moves = (await kindsOf(id)).filter((kind) => kind === 'move').length;
    let passes = 0;
    await carryOnUntil(id, () => ++passes > 20);
    expect((await kindsOf(id)).filter((kind) => kind === 'move')).toHaveLength(moves);
    await say(id, 'rollback');
    expect((await carryOnUntil(id, hasEnded)).progress.phase).toBe('rolled-back');
    expect(await imagesInUse()).toEqual([former]);
    expect(await tagged()).toEqual([former]);
  });

  it.each(['deleted', 'deactivated', 'hidden', 'given to another project'])(
    'whose image is %s once it has the tag alone says that, and rolled back it leaves the tag on the former one',
    async (what) => {
      const { start, say, carryOnUntil, hasEnded, heldBy, tagged, images } = await open({ singles: 5, pairs: 1 });
      const id = await start({ canary: 1 });
      await carryOnUntil(id, ({ progress, tallies }) => progress.phase === 'rolling' && tallies.counts.moved > 1);
      await say(id, 'pause');
      await carryOnUntil(id, heldBy('OPERATOR'));
      const image = await images.get(released);
      if (what === 'deleted') images.remove(released);
      else if (what === 'deactivated') images.put({ ...image, status: 'deactivated' });
      else if (what === 'hidden') images.put({ ...image, osHidden: true });
      else images.put({ ...image, owner: 'another-project' });
      const { progress } = await carryOnUntil(id, heldBy('IMAGE_UNUSABLE'));
      expect(progress.holds.map(({ code }) => code).sort()).toEqual(['IMAGE_UNUSABLE', 'OPERATOR']);
      await say(id, 'rollback');
      expect((await carryOnUntil(id, hasEnded)).progress.phase).toBe('rolled-back');
      expect(await imagesInUse()).toEqual([former]);
      expect(await tagged()).toContain(former);
      const [{ reason } = { reason: '' }] = (await harness.releases.events(id, 0, 1000)).filter(
        ({ kind }) => kind === 'finish',
      );
      expect(reason.includes(`${released} can't be booted, and has the tag amphora still`)).toBe(what !== 'deleted');
    },
  );

  it('whose image is usable again goes on when an operator says so', async () => {
    const { start, say, carryOnUntil, hasEnded, heldBy, images } = await open();
    const id = await start({ canary: 1 });
    await carryOnUntil(id, ({ progress }) => progress.phase === 'canary');
    const image = await images.get(released);
    images.put({ ...image, osHidden: true });
    await carryOnUntil(id, heldBy('IMAGE_UNUSABLE'));
    images.put(image);
    let passes = 0;
    // It stays until somebody has looked at it.
    expect(heldBy('IMAGE_UNUSABLE')(await carryOnUntil(id, () => ++passes > 10))).toBe(true);
    await say(id, 'run');
    expect((await carryOnUntil(id, hasEnded)).progress.phase).toBe('completed');
  });

  it('waits where somebody moved the tag; asked to go on it leaves the tag, and boots its own image', async () => {
    const { start, say, carryOnUntil, hasEnded, heldBy, tagged, images } = await open({ singles: 5 });
    const id = await start({ canary: 1, wavePercents: [40, 100] });
    await carryOnUntil(id, ({ progress }) => progress.phase === 'rolling');
    const other = images.put({ ...(await images.get(released)), id: 'image-3', hashValue: 'h3' });
    await images.removeTag(released, 'amphora');
    const held = await carryOnUntil(id, heldBy('TAG_MOVED'));
    expect(held.progress.holds[0]).toMatchObject({ message: expect.stringContaining(other.id), clears: 'operator' });
    await say(id, 'run');
    expect((await carryOnUntil(id, hasEnded)).progress.phase).toBe('completed');
    expect(await imagesInUse()).toEqual([released]);
    expect(await tagged()).toEqual([other.id]);
  });

  it.each(['probing', 'canary', 'tagging', 'rolling'] as const)('is rolled back from %s', async (phase) => {
    const { start, say, carryOnUntil, hasEnded, tagged } = await open({ singles: 4, pairs: 1 });
    const id = await start({ canary: 1 });
    await carryOnUntil(id, ({ progress }) => progress.phase === phase);
    await say(id, 'rollback');
    const { progress, tallies } = await carryOnUntil(id, hasEnded);
    expect(progress.phase).toBe('rolled-back');
    expect(tallies.counts).toMatchObject({ moved: 0, failed: 0, stuck: 0 });
    expect(await imagesInUse()).toEqual([former]);
    expect(await tagged()).toEqual([former]);
    expect(await amphoraeOfNobody()).toEqual([]);
  });

  it.each(['probing', 'canary', 'tagging', 'rolling'] as const)(
    'is aborted in %s: what has moved stays, no pair and no tag is left half way',
    async (phase) => {
      const { start, say, carryOnUntil, hasEnded, tagged, loadBalancers, ofImages } = await open({ pairs: 2 });
      const id = await start({ canary: 1 });
      await carryOnUntil(id, ({ progress }) => progress.phase === phase);
      await say(id, 'abort');
      const { progress } = await carryOnUntil(id, hasEnded);
      expect(progress.phase).toBe('aborted');
      for (const one of loadBalancers) expect(new Set(await ofImages(one)).size).toBe(1);
      expect(await tagged()).toHaveLength(1);
    },
  );

  it('is paused, and goes on', async () => {
    const { start, say, carryOnUntil, hasEnded, heldBy, kindsOf } = await open({ singles: 5 });
    const id = await start({ canary: 1 });
    await carryOnUntil(id, ({ progress }) => progress.phase === 'rolling');
    await say(id, 'pause');
    await carryOnUntil(id, heldBy('OPERATOR'));
    const moves = (await kindsOf(id)).filter((kind) => kind === 'move').length;
    let passes = 0;
    await carryOnUntil(id, () => ++passes > 20);
    expect((await kindsOf(id)).filter((kind) => kind === 'move')).toHaveLength(moves);
    await say(id, 'run');
    expect((await carryOnUntil(id, hasEnded)).progress.phase).toBe('completed');
  });

  it('that can not go back, because its former image is gone, says so, and takes back nothing', async () => {
    const { start, say, carryOnUntil, hasEnded, heldBy, images, tagged } = await open({ singles: 4 });
    const id = await start({ canary: 1 });
    await carryOnUntil(id, ({ progress, tallies }) => progress.phase === 'rolling' && tallies.counts.moved > 1);
    images.remove(former);
    await say(id, 'rollback');
    const held = await carryOnUntil(id, heldBy('NO_WAY_BACK'));
    expect(held.progress.holds.find(({ code }) => code === 'NO_WAY_BACK')?.message).toContain(former);
    const before = await Promise.all(harness.loadBalancers.map(harness.ofImages));
    await say(id, 'run');
    const { progress, tallies } = await carryOnUntil(id, hasEnded);
    expect(progress.phase).toBe('rolled-back');
    expect(tallies.counts.stuck).toBeGreaterThan(0);
    expect(await Promise.all(harness.loadBalancers.map(harness.ofImages))).toEqual(before);
    expect(await tagged()).toEqual([released]);
  });

  it('begins nothing while Glance is down, and goes on by itself', async () => {
    const { start, carryOnUntil, hasEnded, heldBy, images, kindsOf } = await open();
    const id = await start({ canary: 1 });
    await carryOnUntil(id, ({ progress }) => progress.phase === 'canary');
    images.failNext('list', new KilnError('SERVICE_UNREACHABLE', 'no answer'), 10);
    images.failNext('get', new KilnError('SERVICE_UNREACHABLE', 'no answer'), 10);
    await carryOnUntil(id, heldBy('CLOUD_UNWELL'));
    expect((await kindsOf(id)).filter((kind) => kind === 'hold')).toHaveLength(1);
    expect((await carryOnUntil(id, hasEnded)).progress.phase).toBe('completed');
  });

  it('where images of any project are trusted, sees those of others, and says when Glance does not let it move their tag', async () => {
    const { start, carryOnUntil, hasEnded, heldBy, images, imageSettings, tagged, view } = await open();
    imageSettings.ampImageOwnerId = 'any';
    images.put(anImage({ id: 'image-3', owner: 'another', createdAt: '2026-11-22T14:00:00Z' }));
    const id = await start({ canary: 1 });
    expect((await view(id)).spec.baseline.taggedImageIds).toEqual([former, 'image-3']);
    images.failNext('removeTag', new KilnError('SERVICE_FORBIDDEN', 'not yours'), 3);
    const held = await carryOnUntil(id, heldBy('TAG_REFUSED'));
    expect(held.progress.phase).toBe('tagging');
    expect(held.progress.holds).toMatchObject([{ message: 'Glance does not move the tag amphora: not yours' }]);
    expect((await carryOnUntil(id, hasEnded)).progress.phase).toBe('completed');
    expect(await tagged()).toEqual([released]);
  });

  it('takes load balancers back also while Glance does not move the tag', async () => {
    const { start, say, carryOnUntil, hasEnded, heldBy, images, loadBalancers, ofImages } = await open();
    const id = await start({ canary: 1 });
    await carryOnUntil(id, ({ progress, tallies }) => progress.phase === 'rolling' && tallies.counts.moved > 1);
    images.failNext('addTag', new KilnError('SERVICE_FORBIDDEN', 'not now'), 4);
    await say(id, 'rollback');
    const isBack = async () => (await Promise.all(loadBalancers.map(ofImages))).flat().every((one) => one === former);
    await carryOnUntil(id, async (now) => heldBy('TAG_REFUSED')(now) && (await isBack()));
    expect((await carryOnUntil(id, hasEnded)).progress.phase).toBe('rolled-back');
  });

  it('never takes the tag off its last image', async () => {
    const { start, carryOnUntil, controller, images, tagged, state } = await open();
    const id = await start({ canary: 1 });
    await carryOnUntil(id, ({ progress }) => progress.phase === 'tagging');
    // The new image loses the tag between the look and the deed.
    const taking: typeof state.releases.commit = async (release, change, nowMs) => {
      const queued = await state.releases.commit(release, change, nowMs);
      if (change.events.some(({ kind }) => kind === 'tagRemove')) await images.removeTag(released, 'amphora');
      return queued;
    };
    const carryOn = controller({ commit: taking });
    for (let pass = 0; pass < 5; pass++) await carryOn(id, async () => {});
    expect(await tagged()).toContain(former);
  });

  describe('whose probe fails by its host', () => {
    /** How long the agent of a new amphora is waited for, in calls. */
    const PATIENCE = 20;
    const silent = new KilnError('AGENT_UNREACHABLE', 'nothing answers');
    /** At each server that is made for nobody: its group, and who is in that group already. */
    const watchProbes = ({ compute, state }: CarriedRelease) => {
      const { createServer } = compute;
      const tries: { groupId: string | null; policy: string | undefined; others: number }[] = [];
      compute.createServer = async (spec) => {
        const groupId = spec.serverGroupId;
        const policy = compute.serverGroups().find(({ id }) => id === groupId)?.policy;
        const others = compute.servers().filter((one) => groupId !== null && one.spec.serverGroupId === groupId).length;
        const amphora = (await state.amphorae.list()).find(({ serverName }) => serverName === spec.name);
        if (amphora?.loadBalancerId === null) tries.push({ groupId, policy, others });
        return await createServer(spec);
      };
      return tries;
    };
    const expectNothingLeft = async ({ compute, state }: CarriedRelease) => {
      expect(await amphoraeOfNobody()).toEqual([]);
      expect(compute.serverGroups()).toEqual([]);
      expect(compute.servers()).toHaveLength((await state.amphorae.list()).length);
    };

    it('is tried again beside it: the first server stays until the second one has a host', async () => {
      const { start, carryOnUntil, hasEnded, agent } = await open();
      const tries = watchProbes(harness);
      const id = await start();
      agent.failNext('getInfo', silent, PATIENCE);
      let left = 0;
      const { progress } = await carryOnUntil(id, hasEnded, {
        each: async () => {
          left += (await amphoraeOfNobody()).filter(({ status }) => status === 'ERROR').length;
        },
      });
      expect(progress.phase).toBe('completed');
      expect(left).toBeGreaterThan(0);
      const [first, second] = tries;
      expect(tries).toHaveLength(2);
      expect(first).toMatchObject({ policy: 'anti-affinity', others: 0 });
      expect(second).toEqual({ ...first, others: 1 });
      await expectNothingLeft(harness);
    });

    it('and then again is rejected, and nothing is left', async () => {
      const { start, carryOnUntil, hasEnded, agent } = await open();
      const tries = watchProbes(harness);
      const id = await start();
      agent.failNext('getInfo', silent, 1_000);
      expect((await carryOnUntil(id, hasEnded)).progress.phase).toBe('rejected');
      expect(tries.map(({ others }) => others)).toEqual([0, 1]);
      await expectNothingLeft(harness);
    });

    it.each(['pause', 'abort', 'rollback'] as const)('leaves nothing where an operator says %s then', async (want) => {
      const { start, say, carryOnUntil, hasEnded, heldBy, agent, state, compute } = await open();
      const id = await start();
      agent.failNext('getInfo', silent, PATIENCE);
      await carryOnUntil(id, async () =>
        (await state.journal.list({ limit: 10 })).some(({ flow }) => flow === 'probe-image'),
      );
      await say(id, want);
      await carryOnUntil(id, want === 'pause' ? heldBy('OPERATOR') : hasEnded);
      await harness.work();
      expect(await amphoraeOfNobody()).toEqual([]);
      expect(compute.servers()).toHaveLength((await state.amphorae.list()).length);
    });

    it('is tried all the same where Nova gives no server group', async () => {
      const { start, carryOnUntil, hasEnded, agent, compute } = await open();
      const tries = watchProbes(harness);
      const id = await start();
      compute.failNext('createServerGroup', new KilnError('SERVICE_LIMIT', 'quota exceeded'), 10);
      agent.failNext('getInfo', silent, PATIENCE);
      expect((await carryOnUntil(id, hasEnded)).progress.phase).toBe('completed');
      expect(tries.map(({ groupId }) => groupId)).toEqual([null, null]);
      await expectNothingLeft(harness);
    });
  });

  it('removes what a probe has left that was given up', async () => {
    const { start, carryOnUntil, hasEnded, agent, compute, state } = await open();
    const id = await start();
    agent.failNext('getInfo', new KilnError('AGENT_UNREACHABLE', 'nothing answers'), 20);
    compute.failNext('deleteServer', new KilnError('SERVICE_REJECTED_REQUEST', 'not now'), 2);
    let isLeft = false;
    await carryOnUntil(id, hasEnded, {
      each: async () => {
        isLeft ||= (await amphoraeOfNobody()).some(({ status }) => status === 'ERROR');
      },
    });
    expect(isLeft).toBe(true);
    expect(await amphoraeOfNobody()).toEqual([]);
    expect(compute.servers()).toHaveLength((await state.amphorae.list()).length);
  });

  it('leaves a place for repairs among the operations that all processes together may have under way', async () => {
    const { start, carryOnUntil, hasEnded, controller } = await open({ singles: 8, workers: 3, maxWorkers: 4 });
    const id = await start({ canary: 1, wavePercents: [100] });
    const inner = controller();
    let most = 0;
    await carryOnUntil(id, hasEnded, {
      carryOn: async (...all) => {
        const carried = await inner(...all);
        most = Math.max(most, carried.operations);
        return carried;
      },
    });
    expect(most).toBe(3);
  });

  it('asks for operations behind whatever somebody waits for, each with the one image', async () => {
    const { start, carryOnUntil, hasEnded, state } = await open();
    const id = await start();
    await carryOnUntil(id, hasEnded);
    const own = (await state.journal.list({ limit: 100 })).filter(({ input }) => input.releaseId === id);
    expect(own.map(({ flow }) => flow).sort()).toEqual([
      'probe-image',
      ...harness.loadBalancers.map(() => 'release-amphora'),
    ]);
    for (const { priority, input } of own)
      expect({ priority, imageId: input.imageId }).toEqual({ priority: -1, imageId: released });
  });
});
