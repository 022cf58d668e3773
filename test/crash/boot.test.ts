import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Amphora } from '../../src/model/amphora.ts';
import { type DevCloud, startDevCloud } from '../support/dev-cloud.ts';
import { runKiln, startKiln } from '../support/kiln-process.ts';

/** Processes are killed with SIGKILL, for real; the next Kiln has to find everything they left. */
describe('a boot whose process is killed', () => {
  let dev: DevCloud;
  beforeAll(async () => {
    dev = await startDevCloud();
  });
  afterAll(() => dev.close());

  const amphorae = async (): Promise<Amphora[]> =>
    JSON.parse((await runKiln(['--json', 'amphora', 'list', '--all'], dev.environment)).stdout);

  /** Every server in Nova belongs to an amphora that is READY, and every READY one has its server. */
  async function expectNothingLeaked(): Promise<void> {
    for (const amphora of await amphorae()) {
      const servers = await dev.openstack.compute.findServersByName(amphora.serverName);
      expect(servers.map(({ id }) => id)).toEqual(amphora.status === 'READY' ? [amphora.computeId] : []);
      expect(['READY', 'ERROR', 'DELETED']).toContain(amphora.status);
    }
  }

  const moments: [string, RegExp, number][] = [
    ['before the choice', /choos/i, 0],
    ['after the choice', /image .*tag/i, 0],
    ['while Nova is asked', /creat/i, 5],
    ['while Nova builds', /active/i, 0],
    ['a moment later', /active/i, 100],
    ['while its agent is waited for', /agent/i, 0],
    ['a moment later again', /agent/i, 150],
  ];
  it.each(moments)('%s is undone by the next one', async (_when, line, laterMs) => {
    const victim = startKiln(['amphora', 'boot'], dev.environment);
    await victim.line(line);
    await new Promise((resolve) => setTimeout(resolve, laterMs));
    await victim.kill();

    const next = await runKiln(['--json', 'amphora', 'boot'], dev.environment);
    expect(next.status, next.output).toBe(0);
    expect(JSON.parse(next.stdout)).toMatchObject({ status: 'READY', imageId: dev.imageId });
    await expectNothingLeaked();
  });

  it('is taken up by a kiln serve that is killed itself, and by the next', async () => {
    const first = startKiln(['serve'], dev.environment);
    await first.line(/"msg":"serving"/);
    const boots = Array.from({ length: 3 }, () => startKiln(['amphora', 'boot'], dev.environment));
    await Promise.all(boots.map((boot) => boot.line(/active/i)));
    await first.kill();
    for (const boot of boots) expect(await boot.ended).toBe(6);

    const second = startKiln(['serve'], dev.environment);
    await second.line(/taking up an amphora/);
    await expect
      .poll(async () => (await amphorae()).every(({ worker }) => worker === null), { timeout: 20_000 })
      .toBe(true);
    await second.stop();
    await expectNothingLeaked();
  });

  it('leaves an amphora that its owner can delete', async () => {
    for (const { id } of await amphorae()) {
      expect((await runKiln(['amphora', 'delete', id], dev.environment)).status).toBe(0);
    }
    expect((await amphorae()).every(({ status }) => status === 'DELETED')).toBe(true);
    await expectNothingLeaked();
  });
});
