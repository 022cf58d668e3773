import { afterEach, beforeEach, expect, it } from 'vitest';
import { createHealthStore } from '../../src/adapters/storage/health-store.ts';
import { createTrafficSamples } from '../../src/adapters/storage/traffic-samples.ts';
import { openStoredApiHarness, ownProject, type StoredApiHarness, subnetId } from '../kit/api.ts';

/** `GET /v2/kiln/loadbalancers/{id}/statistics`, over a real database. */

const MINUTE_MS = 60_000;

let harness: StoredApiHarness;
let id: string;
let listenerId: string;
beforeEach(async () => {
  harness = await openStoredApiHarness();
  const loadbalancer = { vip_subnet_id: subnetId, listeners: [{ protocol: 'HTTP', protocol_port: 80 }] };
  const { body } = await harness.call('POST', '/v2/lbaas/loadbalancers', { loadbalancer });
  id = body.loadbalancer.id;
  listenerId = body.loadbalancer.listeners[0].id;
});
afterEach(() => harness.close());

/** One after the other, a minute between. */
async function count(...connections: number[]): Promise<void> {
  const { clock } = harness.deps;
  const samples = createTrafficSamples(harness.database, clock);
  for (const totalConnections of connections) {
    const counters = { bytesIn: 10, bytesOut: 20, activeConnections: 3, totalConnections, requestErrors: 1 };
    await createHealthStore(harness.database, clock).record([
      {
        ...{ amphoraId: 'a', receivedAt: clock.now().toISOString(), beats: 1, restarts: 0, operatingStatuses: [] },
        ...{ statistics: [{ listenerId, ...counters }], countersAreDeltas: true },
      },
    ]);
    await samples.take(clock.now().getTime(), async () => {});
    await clock.sleep(MINUTE_MS);
  }
}

const ask = (query = '', headers: Record<string, string> = {}) =>
  harness.call('GET', `/v2/kiln/loadbalancers/${id}/statistics${query}`, undefined, headers);

it('has what was counted, minute by minute', async () => {
  await count(5, 7, 2);
  const { status, body } = await ask();
  expect(status).toBe(200);
  expect(body.statistics).toMatchObject({ window: 'hour', step_seconds: 60, listener_id: null });
  const common = { seconds: 60, bytes_in: 10, bytes_out: 20, request_errors: 1, active_connections: 0 };
  const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  expect(body.statistics.intervals).toEqual([
    { ...common, at, connections: 7 },
    { ...common, at, connections: 2 },
  ]);
  expect((await ask('?window=day')).body.statistics).toMatchObject({ step_seconds: 900, intervals: [] });
  expect((await ask(`?listener_id=${listenerId}`)).body.statistics.intervals).toHaveLength(2);
  expect((await ask('?listener_id=another')).body.statistics.intervals).toEqual([]);
});

it('costs two statements', async () => {
  const before = harness.statements();
  expect((await ask('', { 'x-roles': 'member', 'x-project-id': ownProject })).status).toBe(200);
  expect(harness.statements() - before).toBe(2);
});

it('refuses what is no window, and what is not there', async () => {
  const refused = await ask('?window=year');
  expect([refused.status, refused.body.faultstring]).toEqual([400, expect.stringContaining('hour or day')]);
  expect((await ask('?since=1')).status).toBe(400);
  id = '11110000-0000-4000-8000-000000000009';
  expect((await ask()).status).toBe(404);
});
