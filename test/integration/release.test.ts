import { describe, type ExpectStatic, it } from 'vitest';
import { createSystemClock } from '../../src/adapters/clock/system-clock.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import { wireReleases, wireResolver } from '../../src/main/wire.ts';
import type { StoredRelease } from '../../src/ports/release-store.ts';
import { startDevCloud } from '../kit/dev-cloud.ts';
import { createFakeLog } from '../kit/fakes/fake-log.ts';
import { openLoadBalancerHarness } from '../kit/load-balancers.ts';

const WITHIN_MS = 300_000;
const SINGLES = 3;

/** Times of the policy are short: what is tried is what follows on what. */
const policy = {
  canary: 1,
  wavePercents: [50, 100],
  beforeSeconds: 0,
  settleSeconds: 0,
  watchSeconds: 12,
  canaryBakeSeconds: 1,
  waveBakeSeconds: 1,
};

/**
 * A whole `kiln serve` over an embedded cloud, with load balancers: its controller brings images to real amphorae.
 * @param expect of the test: others run beside it.
 */
async function openReleasing(expect: ExpectStatic) {
  const dev = await startDevCloud();
  const harness = await openLoadBalancerHarness(dev);
  const { config } = loadConfiguration({ configFiles: [dev.cloud.configurationFile], environment: {} });
  const runtime = { clock: createSystemClock(), log: createFakeLog(), current: () => config };
  const releases = wireReleases(dev.openstack, harness.state, wireResolver(dev.openstack, runtime), runtime);
  const serve = await harness.serve({ OS_KILN__WORKER_LEASE_SECONDS: '5' });

  async function settled(ids: readonly string[]): Promise<boolean> {
    const all = await Promise.all(ids.map((id) => harness.state.loadBalancers.get('loadbalancer', id)));
    return all.every((one) => one?.provisioningStatus === 'ACTIVE');
  }
  const loadBalancers = await Promise.all(Array.from({ length: SINGLES }, () => harness.create()));
  await expect.poll(() => settled(loadBalancers), { timeout: WITHIN_MS, interval: 500 }).toBe(true);
  return {
    dev,
    harness,
    loadBalancers,
    imagesOf: async (id: string) =>
      (await harness.state.amphorae.list({ loadBalancerId: id })).map(({ imageId }) => imageId),
    async start(imageId: string): Promise<string> {
      const request = { imageId, tag: null, isAgain: false, policy };
      const { digest } = await releases.plan(request);
      return (await releases.start({ ...request, planDigest: digest }, { by: 'alice', reason: 'a patch' })).spec.id;
    },
    async endOf(id: string): Promise<StoredRelease> {
      const ended = async () => {
        const { endedAtMs, progress } = await releases.get(id);
        return endedAtMs === null ? `${progress.phase} ${JSON.stringify(progress.holds)}` : null;
      };
      await expect.poll(ended, { timeout: WITHIN_MS, interval: 500 }).toBeNull();
      return await releases.get(id);
    },
    kindsOf: async (id: string) => (await releases.events(id, 0, 500)).map(({ kind }) => kind),
    tagged: async () => (await dev.openstack.images.list({ tags: ['amphora'] })).map(({ id }) => id),
    async close(): Promise<void> {
      await serve.stop();
      await harness.close();
      await dev.close();
    },
  };
}

/** Each in a cloud of its own, beside each other: most of their time goes into waiting. */
describe.concurrent('a release', () => {
  it(
    'of a good image goes through probe, canary, tagging and waves to all load balancers',
    async ({ expect, onTestFinished }) => {
      const { dev, harness, loadBalancers, start, endOf, imagesOf, tagged, kindsOf, close } =
        await openReleasing(expect);
      onTestFinished(close);
      const next = await dev.push('amphora-2');
      const id = await start(next);
      const { progress, tallies } = await endOf(id);
      expect(progress).toMatchObject({ phase: 'completed', failures: 0 });
      expect(tallies.counts).toMatchObject({ moved: SINGLES, pending: 0, failed: 0 });
      for (const one of loadBalancers) expect(await imagesOf(one)).toEqual([next]);
      expect(await tagged()).toEqual([next]);
      const kinds = await kindsOf(id);
      const order = ['probe', 'move', 'judge', 'tagAdd', 'tagRemove', 'finish'];
      expect([...new Set(kinds)].filter((kind) => order.includes(kind))).toEqual(order);
      expect(kinds.filter((kind) => kind === 'move').length).toBeGreaterThanOrEqual(SINGLES);
      // Of the probe nothing is left.
      const alive = await harness.state.amphorae.list();
      expect(alive.filter(({ loadBalancerId }) => loadBalancerId === null)).toEqual([]);
    },
    2 * WITHIN_MS,
  );

  it(
    'of a bad image, whose agent never answers, ends at its probe; no load balancer is touched',
    async ({ expect, onTestFinished }) => {
      const { dev, loadBalancers, start, endOf, imagesOf, kindsOf, close } = await openReleasing(expect);
      onTestFinished(close);
      const before = await Promise.all(loadBalancers.map(imagesOf));
      const id = await start(await dev.push('silent', { silent: true }));
      expect((await endOf(id)).progress.phase).toBe('rejected');
      expect(await Promise.all(loadBalancers.map(imagesOf))).toEqual(before);
      const kinds = await kindsOf(id);
      expect(kinds).toContain('reject');
      expect(kinds).not.toContain('move');
    },
    2 * WITHIN_MS,
  );
});
