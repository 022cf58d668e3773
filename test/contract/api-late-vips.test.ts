/** A VIP's port that comes later than its request, or a request that goes on later than its port is kept. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createCloudOrphans } from '../../src/adapters/storage/cloud-orphans.ts';
import { openDatabase } from '../../src/adapters/storage/database.ts';
import type { KilnDatabase } from '../../src/adapters/storage/schema.ts';
import { createVipReservations } from '../../src/adapters/storage/vip-reservations.ts';
import { releaseAbandonedVipsJob } from '../../src/housekeeping/release-abandoned-vips.ts';
import { KilnError, ServiceError } from '../../src/model/errors.ts';
import type { VipAllocator } from '../../src/ports/vip-allocator.ts';
import { createFakeVips, openStoredApiHarness, type StoredApiHarness, subnetId } from '../kit/api.ts';
import type { DatabaseSubject } from '../kit/contract/amphora-store.ts';
import { createFakeClock } from '../kit/fakes/fake-clock.ts';
import { createFakeLog } from '../kit/fakes/fake-log.ts';
import { jobRun } from '../kit/job-run.ts';
import { newSqlite } from '../kit/sqlite.ts';

const clock = createFakeClock({ autoAdvance: true });
let subject: DatabaseSubject;
let database: KilnDatabase;
let harness: StoredApiHarness;
/** What Neutron does with the request for a port. */
let allocate: VipAllocator['allocate'];
let asked: string;

beforeEach(async () => {
  subject = await newSqlite();
  database = await openDatabase(subject.connection, clock);
  const vips = createFakeVips();
  const reservations = createVipReservations(database, clock);
  harness = await openStoredApiHarness(
    {
      reservations,
      vips: {
        ...vips,
        allocate: async (request) => {
          asked = request.loadBalancerId;
          return await allocate(request);
        },
      },
    },
    { connection: subject.connection },
  );
  allocate = vips.allocate.bind(vips);
});
afterEach(async () => {
  await harness.close();
  await database.destroy();
  await subject.close();
});

const create = () => harness.call('POST', '/lbaas/loadbalancers', { loadbalancer: { vip_subnet_id: subnetId } });
async function ownership(): Promise<string | undefined> {
  const claim = { loadBalancerId: asked, amphoraId: null, serverId: null, serverName: null };
  return (await createCloudOrphans(database, clock).judge([claim]))[0];
}

it('a port that Neutron may still make is removed when it comes', async () => {
  const call = { service: 'network', method: 'POST', path: '/v2.0/ports', status: null, serviceMessage: null };
  allocate = async () => {
    throw new ServiceError('SERVICE_TIMEOUT', 'Neutron did not answer', {
      ...call,
      requestId: null,
      retryAfterSeconds: null,
      outcomeUnknown: true,
    });
  };
  expect((await create()).status).toBe(504);
  expect(await ownership()).toBe('gone');
});

it('of what Neutron refused, nothing is kept', async () => {
  allocate = async () => {
    throw new KilnError('REQUEST_INVALID', 'Subnet not found.');
  };
  expect((await create()).status).toBe(400);
  expect(await ownership()).toBe('unknown');
});

it('a process that was halted makes no load balancer whose port was given back meanwhile', async () => {
  const { vips, reservations } = harness.deps;
  const ports = allocate;
  allocate = async (request) => {
    const allocated = await ports(request);
    const deps = { vips, reservations: reservations as never, clock, log: createFakeLog() };
    await releaseAbandonedVipsJob(deps, -1000).run(jobRun);
    return allocated;
  };
  expect((await create()).status).toBe(409);
  expect(await database.selectFrom('kiln_load_balancer').select('id').execute()).toEqual([]);
  expect(await ownership()).toBe('gone');
});
