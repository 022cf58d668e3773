import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Amphora } from '../../src/model/amphora.ts';
import { type DevCloud, startDevCloud } from '../kit/dev-cloud.ts';
import { runKiln, startKiln } from '../kit/kiln-process.ts';
import { type LoadBalancerHarness, openLoadBalancerHarness } from '../kit/load-balancers.ts';

/**
 * Processes are killed with SIGKILL, for real; the next Kiln goes on with everything they left. (Every step of the flow, at every
 * moment: load-balancers.test.ts.)
 */
describe('a boot whose process is killed', () => {
  let dev: DevCloud;
  let harness: LoadBalancerHarness;
  beforeAll(async () => {
    dev = await startDevCloud();
    harness = await openLoadBalancerHarness(dev);
    await dev.push('silent', { tag: 'silent', silent: true });
  });
  afterAll(async () => {
    await harness?.close();
    await dev?.close();
  });

  /** Its boots stay where the agent is waited for: it never answers. */
  const stuck = () => ({ ...dev.environment, ...brief, OS_CONTROLLER_WORKER__AMP_IMAGE_TAG: 'silent' });
  const brief = { OS_KILN__CREATE_LOOKUP_SECONDS: '1' };
  /** Gives up on an agent that does not answer. */
  const impatient = () => ({
    ...dev.environment,
    ...brief,
    OS_HAPROXY_AMPHORA__CONNECTION_MAX_RETRIES: '1',
    OS_HAPROXY_AMPHORA__CONNECTION_RETRY_INTERVAL: '1',
  });

  /** As the store has them: asked often, and a process that lists them takes far longer. */
  const amphorae = (): Promise<Amphora[]> => harness.state.amphorae.list({ includeDeleted: true });

  /** Every server in Nova belongs to an amphora that is READY, and every READY one has its server. */
  async function expectNothingLeaked(): Promise<void> {
    for (const amphora of await amphorae()) {
      const servers = await dev.openstack.compute.findServersByName(amphora.serverName);
      expect(servers.map(({ id }) => id)).toEqual(amphora.status === 'READY' ? [amphora.computeId] : []);
    }
  }

  const moments: [string, RegExp, number][] = [
    ['as soon as it has begun', /server amphora-/, 0],
    ['after the choice', /✓ choose/, 0],
    ['a moment after the choice', /✓ choose/, 5],
    ['once Nova has answered', /✓ create/, 0],
    ['while Nova builds', /✓ create/, 100],
    ['while its agent is waited for', /✓ server active/, 0],
    ['a moment later', /✓ server active/, 150],
  ];
  const underWay = async () => (await amphorae()).filter(({ status }) => /BOOTING|PENDING/.test(status));

  it.each(moments)('killed %s, it does not keep the next one from booting', async (_when, line, laterMs) => {
    const victim = startKiln(['amphora', 'boot'], stuck());
    await victim.line(line);
    await new Promise((resolve) => setTimeout(resolve, laterMs));
    await victim.kill();

    const next = await runKiln(['--json', 'amphora', 'boot'], { ...dev.environment, ...brief });
    expect(next.status, next.output).toBe(0);
    expect(JSON.parse(next.stdout)).toMatchObject({ status: 'READY', imageId: dev.imageId });
  });

  it('those whose agent never answers are given up by a kiln serve, and nothing of them is left', async () => {
    const serve = startKiln(['serve'], impatient());
    await serve.line(/"msg":"serving"/);
    await expect.poll(underWay, { timeout: 120_000, interval: 100 }).toEqual([]);
    await serve.stop();
    await expectNothingLeaked();
  }, 240_000);

  it.each(moments.filter(([, , laterMs]) => laterMs === 0))(
    'killed %s, it goes on with the next kiln serve',
    async (_when, line) => {
      const before = new Set((await amphorae()).map(({ id }) => id));
      const victim = startKiln(['amphora', 'boot'], { ...dev.environment, ...brief });
      await victim.line(line);
      await victim.kill();
      const serve = startKiln(['serve'], { ...dev.environment, ...brief });
      await serve.line(/"msg":"serving"/);
      await expect.poll(underWay, { timeout: 120_000, interval: 100 }).toEqual([]);
      const own = (await amphorae()).filter(({ id }) => !before.has(id));
      expect(own).toMatchObject([{ status: 'READY', imageId: dev.imageId }]);
      await serve.stop();
      await expectNothingLeaked();
    },
    240_000,
  );

  it('goes on with the next kiln serve when a kiln serve was killed', async () => {
    const first = startKiln(['serve'], stuck());
    await first.line(/"msg":"serving"/);
    const boots = Array.from({ length: 3 }, () => startKiln(['amphora', 'boot'], dev.environment));
    await Promise.all(boots.map((boot) => boot.line(/✓ server active/)));
    await first.kill();
    for (const boot of boots) expect(await boot.ended).toBe(6);

    const ids = (await underWay()).map(({ id }) => id);
    expect(ids).toHaveLength(3);
    const second = startKiln(['serve'], impatient());
    await expect.poll(underWay, { timeout: 120_000, interval: 100 }).toEqual([]);
    await second.stop();
    const ended = (await amphorae()).filter(({ id }) => ids.includes(id));
    expect(ended.map(({ status, reason }) => `${status} ${reason?.code}`)).toEqual(
      Array(3).fill('ERROR AGENT_UNREACHABLE'),
    );
    await expectNothingLeaked();
  }, 240_000);

  it('leaves amphorae that can be deleted', async () => {
    const of = Map.groupBy(await amphorae(), ({ status }) => status);
    expect([...of.keys()].sort()).toEqual(['ERROR', 'READY']);
    const some = [...of.values()].flatMap((ones) => ones.slice(0, 3).map(({ id }) => id));
    const deletions = await Promise.all(some.map((id) => runKiln(['amphora', 'delete', id], dev.environment)));
    for (const { status, output } of deletions) expect(status, output).toBe(0);
    for (const { id, status } of await amphorae()) if (some.includes(id)) expect(status).toBe('DELETED');
    await expectNothingLeaked();
  });
});
