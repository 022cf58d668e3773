import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { expect, it, onTestFinished } from 'vitest';
import { storedAmphora } from '../../../test/kit/contract/amphora-store.ts';
import { createFakeClock } from '../../../test/kit/fakes/fake-clock.ts';
import { storedLoadBalancer } from '../../../test/kit/stored-resources.ts';
import type { FlowName } from '../../model/flow-name.ts';
import { heartbeatMetrics } from '../metrics/heartbeats.ts';
import { stateMetrics } from '../metrics/state.ts';
import { createAmphoraStore } from './amphora-store.ts';
import { openDatabase } from './database.ts';
import { createJobStore } from './job-store.ts';
import { createJournal } from './journal.ts';
import { toRow } from './resource-tables.ts';
import { createStateSurvey } from './state-survey.ts';

/** KILN_TEST_DATABASE: another engine than SQLite, with nothing in it. */
async function setUp() {
  const clock = createFakeClock({ start: '2026-11-28T12:00:00.250Z' });
  const folder = mkdtempSync(join(tmpdir(), 'kiln-state-'));
  const database = await openDatabase(process.env.KILN_TEST_DATABASE ?? `sqlite:///${folder}/kiln.sqlite`, clock);
  onTestFinished(async () => {
    await database.destroy();
    rmSync(folder, { recursive: true });
  });
  const journal = createJournal(database, clock);
  const enqueue = (id: string, flow: FlowName, priority = 0) =>
    journal.enqueue({ id, flow, subject: id, input: {}, priority });
  await enqueue('1', 'failover-amphora', 20);
  await enqueue('2', 'failover-amphora', 10);
  await enqueue('3', 'failover-amphora', 20);
  await clock.advance(1_500);
  for (const id of ['1', '2']) {
    const claimed = await journal.claim(id, 'w');
    await journal.finish(id, claimed?.operation.fence ?? 0, 'done');
  }
  const amphorae = createAmphoraStore(database, clock);
  for (const id of ['a', 'b']) await amphorae.insert(storedAmphora(id, { status: 'ALLOCATED', imageId: 'image' }));
  await amphorae.insert(storedAmphora('c', { status: 'ERROR', imageId: null }));
  await amphorae.insert(storedAmphora('d', { status: 'DELETED' }));
  const loadBalancer = storedLoadBalancer('lb', { operatingStatus: 'DEGRADED' });
  await database.insertInto('kiln_load_balancer').values(toRow('loadbalancer', loadBalancer)).execute();
  return { clock, database };
}

it('counts operations that have not ended, amphorae and load balancers in one statement', async () => {
  const { clock, database } = await setUp();
  const { operations, amphorae, loadBalancers } = await createStateSurvey(database, clock)();
  expect(operations).toEqual([{ flow: 'failover-amphora', status: 'queued', cause: 'silence', count: 1 }]);
  expect(amphorae).toHaveLength(2);
  expect(amphorae).toContainEqual({ status: 'ALLOCATED', imageId: 'image', count: 2 });
  expect(amphorae).toContainEqual({ status: 'ERROR', imageId: '', count: 1 });
  expect(loadBalancers).toEqual([{ provisioningStatus: 'ACTIVE', operatingStatus: 'DEGRADED', count: 1 }]);
});

it('shows them, with jobs and heartbeats; many scrapes ask once, and what is gone is not shown', async () => {
  const { clock, database } = await setUp();
  const registry = new Registry();
  const jobs = createJobStore(database, clock);
  const fence = await jobs.claim('purge', 'w', 0);
  await clock.advance(2_000);
  await jobs.finish('purge', fence ?? 0, { result: { operations: 7 }, more: false });
  let asked = 0;
  const survey = createStateSurvey(database, clock);
  stateMetrics(registry, {
    survey: () => {
      asked++;
      return survey();
    },
    jobs: jobs.list,
    monotonicMs: () => clock.monotonicMs(),
  });
  const dropped: Record<string, number> = { signature: 3 };
  heartbeatMetrics(registry, () => ({ packets: 9, recorded: 5, unknownAmphorae: 1, underPreviousKey: 2, dropped }));

  const [text] = await Promise.all([registry.metrics(), registry.metrics()]);
  for (const line of [
    'kiln_operations{flow="failover-amphora",status="queued",cause="silence"} 1',
    'kiln_amphorae{status="ALLOCATED",image="image"} 2',
    'kiln_load_balancers{provisioning_status="ACTIVE",operating_status="DEGRADED"} 1',
    'kiln_job_last_duration_seconds{job="purge"} 2',
    'kiln_job_failing{job="purge"} 0',
    'kiln_job_last_count{job="purge",what="operations"} 7',
    'kiln_heartbeats_received_total 9',
    'kiln_heartbeats_refused_total{reason="signature"} 3',
  ])
    expect(text).toContain(line);
  expect(asked).toBe(1);

  await database.deleteFrom('kiln_amphora').where('status', '=', 'ERROR').execute();
  expect(await registry.metrics()).toContain('status="ERROR"');
  await clock.advance(10_000);
  expect(await registry.metrics()).not.toContain('status="ERROR"');
  expect(asked).toBe(2);
});
