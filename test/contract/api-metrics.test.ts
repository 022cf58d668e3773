import { Gauge, Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { createMetrics } from '../../src/adapters/metrics/registry.ts';
import { openStoredApiHarness } from '../kit/api.ts';

const registry = new Registry();
new Gauge({ name: 'kiln_of_another_part', help: 'Of another part.', registers: [registry] }).set(7);

it('counts and times requests by the patterns of routes, whatever IDs and names they have', async () => {
  const harness = await openStoredApiHarness({ metrics: registry });
  for (const path of [
    '/v2/lbaas/pools/1',
    '/v2.0/lbaas/pools/2',
    '/v2/pools/3',
    '/v2/lbaas/pools?name=x',
    '/v2/lbaas/pools/',
    '/nowhere/4',
  ]) {
    await harness.call('GET', path);
  }
  await harness.call('DELETE', '/v2/lbaas/pools');
  const { status, headers, body } = await harness.call('GET', '/metrics');
  expect([status, headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  const lines = String(body).split('\n');
  const counted = lines.filter((line) => line.startsWith('kiln_api_requests_total{'));
  expect(counted.toSorted()).toEqual([
    'kiln_api_requests_total{method="DELETE",route="/v2/pools",status="400"} 1',
    'kiln_api_requests_total{method="GET",route="/v2/pools",status="200"} 2',
    'kiln_api_requests_total{method="GET",route="/v2/pools/:id",status="404"} 3',
    'kiln_api_requests_total{method="GET",route="none",status="404"} 1',
  ]);
  expect(lines).toContain('kiln_api_request_duration_seconds_count{method="GET",route="/v2/pools/:id"} 3');
  expect(lines).toContain('kiln_of_another_part 7');
  await harness.close();
});

it('a process has figures of its own', async () => {
  const text = await createMetrics().metrics();
  for (const name of ['process_resident_memory_bytes', 'process_cpu_seconds_total', 'nodejs_eventloop_lag_seconds']) {
    expect(text).toMatch(new RegExp(`^${name} `, 'm'));
  }
});
