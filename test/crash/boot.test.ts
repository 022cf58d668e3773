import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Amphora } from '../../src/model/amphora.ts';
import { type DevCloud, startDevCloud } from '../kit/dev-cloud.ts';
import { runKiln, startKiln } from '../kit/kiln-process.ts';

/** Processes are killed with SIGKILL, for real; the next Kiln has to find everything they left. */
describe('a boot whose process is killed', () => {
  let dev: DevCloud;
  beforeAll(async () => {
    dev = await startDevCloud();
    await dev.push('silent', { tag: 'silent', silent: true });
  });
  afterAll(() => dev.close());

  /** Its boots stay where the agent is waited for: it never answers. */
  const stuck = () => ({ ...dev.environment, ...brief, OS_CONTROLLER_WORKER__AMP_IMAGE_TAG: 'silent' });
  const brief = { OS_KILN__CREATE_LOOKUP_SECONDS: '1' };

  const amphorae = async (): Promise<Amphora[]> =>
    JSON.parse((await runKiln(['--json', 'amphora', 'list', '--all'], dev.environment)).stdout);

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
  it.each(moments)('killed %s, it is undone by the next one', async (_when, line, laterMs) => {
    const victim = startKiln(['amphora', 'boot'], stuck());
    await victim.line(line);
    await new Promise((resolve) => setTimeout(resolve, laterMs));
    await victim.kill();

    const next = await runKiln(['--json', 'amphora', 'boot'], { ...dev.environment, ...brief });
    expect(next.status, next.output).toBe(0);
    expect(JSON.parse(next.stdout)).toMatchObject({ status: 'READY', imageId: dev.imageId });
    await expectNothingLeaked();
  });

  it('is taken up by the next kiln serve when a kiln serve was killed', async () => {
    const first = startKiln(['serve'], stuck());
    await first.line(/"msg":"serving"/);
    const boots = Array.from({ length: 3 }, () => startKiln(['amphora', 'boot'], dev.environment));
    await Promise.all(boots.map((boot) => boot.line(/✓ server active/)));
    await first.kill();
    for (const boot of boots) expect(await boot.ended).toBe(6);

    const second = startKiln(['serve'], { ...dev.environment, ...brief });
    await second.line(/taking up an amphora/);
    const underWay = async () => (await amphorae()).filter(({ status }) => /BOOTING|PENDING/.test(status)).length;
    await expect.poll(underWay, { timeout: 20_000, interval: 500 }).toBe(0);
    await second.stop();
    await expectNothingLeaked();
  });

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
