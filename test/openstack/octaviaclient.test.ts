import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientNetwork } from '../kit/client-network.ts';
import { type KilnApi, startKilnApi } from '../kit/kiln-api.ts';
import { clearAway, type Outcome, runScript } from '../kit/octaviaclient-run.ts';
import { script } from '../kit/octaviaclient-script.ts';
import { octaviaEndpoint, readTestbed } from '../kit/testbed-access.ts';
import { forgetOctaviasQuotas } from '../kit/testbed-database.ts';

/**
 * Debian's octaviaclient against Octavia and against Kiln, both with Keystone's tokens and with drivers that touch no
 * cloud: the same commands give the same answers, the same exit statuses and the same messages. What is meant to differ is
 * in test/kit/octaviaclient-differences.ts.
 */

const bed = readTestbed();
const folder = mkdtempSync(join(tmpdir(), 'kiln-octaviaclient-'));

describe('octaviaclient', () => {
  let kiln: KilnApi;
  let network: Awaited<ReturnType<typeof clientNetwork>>;
  let octavias: Outcome[];
  let ours: Outcome[];

  beforeAll(async () => {
    const up = spawnSync('bash', ['testbed/up.sh', 'octavia'], { stdio: 'inherit' });
    expect(up.status, 'testbed/up.sh octavia').toBe(0);
    kiln = await startKilnApi(bed, folder);
    network = await clientNetwork(bed);
    const run = (endpoint: string) => runScript(script, endpoint, bed, network.ids, folder);
    // The test bed may have been used before; Kiln starts with an empty database.
    await clearAway(octaviaEndpoint(), bed);
    await forgetOctaviasQuotas();
    // One after the other: they share the network by its name, and two cores.
    octavias = await run(octaviaEndpoint());
    ours = await run(kiln.endpoint);
  }, 1_800_000);
  afterAll(async () => {
    await network?.close();
    await kiln?.stop();
    rmSync(folder, { recursive: true });
    spawnSync('bash', ['testbed/down.sh', 'octavia'], { stdio: 'inherit' });
  }, 60_000);

  test('carries out the whole script on both', () => {
    expect(ours).toHaveLength(octavias.length);
    const commands = octavias.filter(({ step }) => step.includes(': loadbalancer '));
    expect(commands.length).toBeGreaterThan(200);
    // A script whose steps all fail would compare well.
    const worked = octavias.filter(({ status }) => status === 0 || (status >= 200 && status < 300));
    expect(worked.length).toBeGreaterThan(150);
  });

  const steps = script.filter((step) => step.settle === undefined);
  test.each(
    steps.map((step, index) => [
      `${step.who}: ${step.command ?? `${step.request?.method} ${step.request?.path}`}`,
      index,
    ]),
  )('%s', (_name, index) => {
    expect(ours[index as number]).toEqual(octavias[index as number]);
  });
});
