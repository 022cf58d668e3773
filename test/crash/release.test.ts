import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSystemClock } from '../../src/adapters/clock/system-clock.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import { wireReleases, wireResolver } from '../../src/main/wire.ts';
import type { Releases } from '../../src/ports/releases.ts';
import { type DevCloud, startDevCloud } from '../kit/dev-cloud.ts';
import { createFakeLog } from '../kit/fakes/fake-log.ts';
import type { KilnProcess } from '../kit/kiln-process.ts';
import { type LoadBalancerHarness, openLoadBalancerHarness } from '../kit/load-balancers.ts';

const WITHIN_MS = 300_000;
const SINGLES = 3;
/** What has been decided when everything is killed: behind it, its operation or its deed in Glance is still to be done. */
const killedAfter = ['probe', 'move', 'watch', 'tagAdd', 'tagRemove'];

/** `kiln serve`, controller and worker and all, is killed (SIGKILL) in each part of a release; the next one goes on. */
describe('a release whose processes are killed', () => {
  let dev: DevCloud;
  let harness: LoadBalancerHarness;
  let releases: Releases;
  let serve: KilnProcess | null = null;
  let environment: NodeJS.ProcessEnv;

  beforeAll(async () => {
    dev = await startDevCloud();
    harness = await openLoadBalancerHarness(dev);
    environment = {
      // Without heartbeats nothing depends on how busy this machine is: nobody is silent, and nobody is judged.
      OS_HEALTH_MANAGER__CONTROLLER_IP_PORT_LIST: '',
      OS_HEALTH_MANAGER__HEARTBEAT_TIMEOUT: '86400',
      OS_CONTROLLER_WORKER__AMP_ACTIVE_RETRIES: '600',
      OS_HAPROXY_AMPHORA__CONNECTION_MAX_RETRIES: '600',
      OS_KILN__WORKER_LEASE_SECONDS: '5',
      OS_KILN__CREATE_LOOKUP_SECONDS: '1',
    };
    const { config } = loadConfiguration({ configFiles: [dev.cloud.configurationFile], environment: {} });
    const runtime = { clock: createSystemClock(), log: createFakeLog(), current: () => config };
    releases = wireReleases(dev.openstack, harness.state, wireResolver(dev.openstack, runtime), runtime);
  }, WITHIN_MS);
  afterAll(async () => {
    await serve?.stop();
    await harness?.close();
    await dev?.close();
  });

  const run = async () => {
    serve = await harness.serve(environment);
    return serve;
  };
  /** @param missing what is, in words; null: nothing. */
  const until = (missing: () => Promise<string | null>) =>
    expect.poll(missing, { timeout: WITHIN_MS, interval: 200 }).toBeNull();

  /** A canary of which nobody tells anything waits for a word. */
  async function sayGo(id: string): Promise<void> {
    const { progress, intent } = await releases.get(id);
    if (!progress.holds.some(({ code }) => code === 'INCONCLUSIVE')) return;
    await releases.instruct(id, { want: 'run', by: 'alice', reason: 'looked at it', revision: intent.revision });
  }

  it(
    'ends as if nothing had happened',
    async () => {
      let running = await run();
      const ids = await Promise.all(Array.from({ length: SINGLES }, () => harness.create()));
      const statusOf = async (id: string) =>
        (await harness.state.loadBalancers.get('loadbalancer', id))?.provisioningStatus;
      await until(async () => (await Promise.all(ids.map(statusOf))).find((status) => status !== 'ACTIVE') ?? null);
      const imageId = await dev.push('amphora-2');
      const policy = {
        ...{ canary: 1, wavePercents: [50, 100], beforeSeconds: 0, settleSeconds: 0, watchSeconds: 1 },
        ...{ canaryBakeSeconds: 1, waveBakeSeconds: 1 },
      };
      const request = { imageId, tag: null, isAgain: false, policy };
      const { digest } = await releases.plan(request);
      const { spec } = await releases.start({ ...request, planDigest: digest }, { by: 'alice', reason: 'a patch' });

      const eventsOf = () => releases.events(spec.id, 0, 500);
      const story = async () => (await eventsOf()).map(({ kind, reason }) => `${kind}: ${reason}`).join('\n');
      for (const kind of killedAfter) {
        await until(async () => {
          await sayGo(spec.id);
          return (await eventsOf()).some((event) => event.kind === kind) ? null : await story();
        });
        await running.kill();
        running = await run();
      }
      await until(async () => ((await releases.get(spec.id)).endedAtMs === null ? await story() : null));

      const { progress, tallies } = await releases.get(spec.id);
      expect(progress).toMatchObject({ phase: 'completed', failures: 0 });
      expect(tallies.counts).toMatchObject({ moved: SINGLES, failed: 0, skipped: 0 });
      const alive = await harness.state.amphorae.list();
      expect(alive.map((one) => [one.loadBalancerId, one.imageId]).sort()).toEqual(
        ids.map((id) => [id, imageId]).sort(),
      );
      const servers = await Promise.all(
        alive.map(({ serverName }) => dev.openstack.compute.findServersByName(serverName)),
      );
      expect(servers.flat()).toHaveLength(SINGLES);
      expect((await dev.openstack.images.list({ tags: ['amphora'] })).map(({ id }) => id)).toEqual([imageId]);
      // Each was moved once: nothing was begun a second time by who came after.
      expect((await eventsOf()).filter(({ kind }) => kind === 'move')).toHaveLength(SINGLES);
    },
    2 * WITHIN_MS,
  );
});
