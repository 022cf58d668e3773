import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { storedAmphora } from '../../test/kit/contract/amphora-store.ts';
import { createFakeAmphoraAgent } from '../../test/kit/fakes/fake-amphora-agent.ts';
import { createFakeClock, type FakeClock } from '../../test/kit/fakes/fake-clock.ts';
import { createFakeLog } from '../../test/kit/fakes/fake-log.ts';
import { jobRun } from '../../test/kit/job-run.ts';
import { defaultServerSettings } from '../../test/kit/server-settings.ts';
import { createAgentConfigurations } from '../adapters/storage/agent-configurations.ts';
import { createAmphoraStore } from '../adapters/storage/amphora-store.ts';
import { openDatabase } from '../adapters/storage/database.ts';
import { createJournal } from '../adapters/storage/journal.ts';
import type { KilnDatabase } from '../adapters/storage/schema.ts';
import { heartbeatDigest } from '../core/amphora/heartbeat-digest.ts';
import { runFlow } from '../flows/engine/run-flow.ts';
import { pushAmphoraConfiguration } from '../flows/load-balancer/configure-amphora.ts';
import type { LoadBalancerDeps } from '../flows/load-balancer/deps.ts';
import { KilnError } from '../model/errors.ts';
import { pushConfigurationJob } from './push-configuration.ts';

describe('heartbeat settings of agents, when octavia.conf changes', () => {
  let clock: FakeClock;
  let folder: string;
  let database: KilnDatabase;
  let agent: ReturnType<typeof createFakeAmphoraAgent>;
  /** What the job, and the workers, read in octavia.conf. */
  let wanted: typeof defaultServerSettings.agent.healthManager;
  let ids = 0;

  beforeEach(async () => {
    clock = createFakeClock({ start: '2026-11-28T12:00:00Z', autoAdvance: true });
    folder = mkdtempSync(join(tmpdir(), 'kiln-push-'));
    database = await openDatabase(`sqlite:///${folder}/kiln.sqlite`, clock);
    agent = createFakeAmphoraAgent();
    wanted = defaultServerSettings.agent.healthManager;
  });
  afterEach(async () => {
    await database.destroy();
    rmSync(folder, { recursive: true });
  });

  const amphorae = () => createAmphoraStore(database, clock);
  const journal = () => createJournal(database, clock);
  async function put(id: string, over: Parameters<typeof storedAmphora>[1] = {}): Promise<void> {
    await amphorae().insert(storedAmphora(id, { status: 'ALLOCATED', lbNetworkIp: '10.0.0.9', ...over }));
    await amphorae().update(id, { agentConfigDigest: heartbeatDigest(wanted) });
  }
  const job = () =>
    pushConfigurationJob({
      configurations: createAgentConfigurations(database, clock),
      clock,
      newId: () => `operation-${++ids}`,
      settings: () => ({ digest: wanted.controllerIpPortList.length > 0 ? heartbeatDigest(wanted) : null }),
      announce: () => {},
    });
  /** What a worker does. */
  async function work(): Promise<number> {
    const settings = () => ({
      server: { ...defaultServerSettings, agent: { ...defaultServerSettings.agent, healthManager: wanted } },
      topology: 'SINGLE',
    });
    const deps = { clock, agent, amphorae: amphorae(), settings } as unknown as LoadBalancerDeps;
    const limits = { attempts: 3, firstPauseMs: 100, longestPauseMs: 1000 };
    const engine = { clock, log: createFakeLog(), doing: limits, undoing: limits, giveUpAfterMs: 900_000 };
    const queued = await journal().unclaimed(1_000);
    for (const { id } of queued) {
      const claimed = await journal().claim(id, 'w');
      if (claimed)
        await runFlow(pushAmphoraConfiguration, deps, claimed, { ...engine, journal: journal() }, jobRun.stop);
    }
    return queued.length;
  }

  it('are pushed once: addresses, interval or key; who has them already is left alone', async () => {
    for (const id of ['a', 'b']) await put(id);
    await put('gone', { status: 'DELETED' });
    await job().run(jobRun);
    expect(await work()).toBe(0);
    for (const change of [{ controllerIpPortList: ['192.0.2.99:5555'] }, { heartbeatKey: 'new' }]) {
      wanted = { ...wanted, ...change };
      await clock.advance(60_000);
      await Promise.all([job().run(jobRun), job().run(jobRun)]);
      expect(await work()).toBe(2);
      await clock.advance(60_000);
      await job().run(jobRun);
      expect(await work()).toBe(0);
    }
    expect(agent.amphora('a').agentConfiguration).toContain('192.0.2.99:5555');
    expect(agent.amphora('b').agentConfiguration).toContain('heartbeat_key = new');
    const rows = await database.selectFrom('kiln_amphora').selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain('new');
  });

  it('are pushed to amphorae of before, of which nobody knows what they have', async () => {
    await amphorae().insert(storedAmphora('a', { status: 'ALLOCATED', lbNetworkIp: '10.0.0.9' }));
    await job().run(jobRun);
    expect(await work()).toBe(1);
  });

  it('are pushed so many at a time', async () => {
    for (let n = 0; n < 45; n++) await put(`a${n}`);
    wanted = { ...wanted, heartbeatIntervalSeconds: 3 };
    expect(await job().run(jobRun)).toMatchObject({ counts: { requested: 20 }, more: true });
    expect(await job().run(jobRun)).toMatchObject({ counts: { requested: 0 }, more: true });
    expect(await work()).toBe(20);
    await job().run(jobRun);
    expect(await work()).toBe(20);
    expect(await job().run(jobRun)).toMatchObject({ counts: { requested: 5 }, more: false });
  });

  it('are tried again after a growing pause where the agent does not take them; that keeps no worker, and nobody waits', async () => {
    for (const id of ['a', 'b']) await put(id);
    wanted = { ...wanted, heartbeatKey: 'new' };
    agent.failNext(
      'updateAgentConfiguration',
      new KilnError('AGENT_UNREACHABLE', 'silent', { retryable: true }),
      1_000,
    );
    const pausesMinutes: number[] = [];
    for (let attempts = 0; attempts < 4; attempts++) {
      const beganMs = clock.now().getTime();
      while (!(await job().run(jobRun)).counts.requested) await clock.advance(10_000);
      await work();
      pausesMinutes.push(Math.round((clock.now().getTime() - beganMs) / 60_000));
    }
    expect(pausesMinutes).toEqual([0, 1, 2, 4]);
    expect((await journal().list({ limit: 1 }))[0]).toMatchObject({ status: 'undone', subject: expect.any(String) });
  });

  it('are reported in a dry run; nothing is pushed where nobody sends heartbeats', async () => {
    await put('a');
    wanted = { ...wanted, heartbeatKey: 'new' };
    expect(await job().run({ ...jobRun, dryRun: true })).toMatchObject({ counts: { requested: 1 } });
    wanted = { ...wanted, controllerIpPortList: [] };
    await job().run(jobRun);
    expect(await work()).toBe(0);
  });
});
