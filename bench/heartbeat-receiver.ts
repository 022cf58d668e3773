/**
 * The process that `bench/heartbeats.ts` measures: a health manager with a database in which each of so many amphorae
 * serves a load balancer with one listener, a pool and two members. Told over IPC what to do.
 */
import type { Insertable } from 'kysely';
import { createSystemClock } from '../src/adapters/clock/system-clock.ts';
import { createAmphoraDirectory } from '../src/adapters/storage/amphora-directory.ts';
import { openDatabase } from '../src/adapters/storage/database.ts';
import { createHealthStore } from '../src/adapters/storage/health-store.ts';
import { createLoadBalancerStore } from '../src/adapters/storage/load-balancer-store.ts';
import type { Schema } from '../src/adapters/storage/schema.ts';
import { createUdpReceiver } from '../src/adapters/udp/receiver.ts';
import { createHealthManager, type HealthManagerStats } from '../src/health/health-manager.ts';
import type { RowChange } from '../src/ports/load-balancer-store.ts';
import { createFakeLog } from '../test/kit/fakes/fake-log.ts';
import { storedListener, storedLoadBalancer, storedMember, storedPool } from '../test/kit/stored-resources.ts';

export interface ReceiverReport {
  stats: HealthManagerStats;
  cpuMs: number;
  rssMiB: number;
  /** Bytes of all load balancers, as they are recorded. */
  bytesIn: number;
}

const [connection = '', howMany = '0', key = ''] = process.argv.slice(2);
const count = Number(howMany);
const clock = createSystemClock();
const database = await openDatabase(connection, clock);
const store = createLoadBalancerStore(database, clock);
const health = createHealthStore(database, clock);
const log = createFakeLog();

await fill();
const manager = createHealthManager({
  datagrams: createUdpReceiver({ address: '127.0.0.1', port: 0 }),
  directory: createAmphoraDirectory(database, clock, () => 60),
  loadBalancers: store,
  health,
  clock,
  log,
  settings: () => ({ heartbeatKey: key, previousHeartbeatKeys: [], heartbeatIntervalSeconds: 10, controllers: 1 }),
});
const { port } = await manager.start();
process.send?.({ port });

process.on('message', async (question) => {
  if (question === 'report') process.send?.(await report());
  if (question === 'stop') {
    await manager.stop();
    await database.destroy();
    process.disconnect();
  }
});

async function report(): Promise<ReceiverReport> {
  const { user, system } = process.cpuUsage();
  const { total } = await database
    .selectFrom('kiln_listener_statistics')
    .select(({ fn }) => fn.sum('bytes_in').as('total'))
    .executeTakeFirstOrThrow();
  return {
    stats: manager.stats(),
    cpuMs: (user + system) / 1000,
    rssMiB: process.memoryUsage().rss / 1024 / 1024,
    bytesIn: Number(total),
  };
}

async function fill(): Promise<void> {
  const rows = Array.from({ length: count }, (_, n): RowChange[] => [
    { kind: 'loadbalancer', put: storedLoadBalancer(`lb-${n}`) },
    { kind: 'listener', put: storedListener(`li-${n}`, `lb-${n}`, { defaultPoolId: `po-${n}` }) },
    { kind: 'pool', put: storedPool(`po-${n}`, `lb-${n}`) },
    { kind: 'member', put: storedMember(`me-${n}-0`, `po-${n}`, { protocolPort: 1 }) },
    { kind: 'member', put: storedMember(`me-${n}-1`, `po-${n}`, { protocolPort: 2 }) },
  ]).flat();
  await store.apply({ loadBalancerId: 'fill', mutableFrom: [], rows, operation: null });
  const made = '2026-11-23T11:00:00.000Z';
  const amphorae = Array.from({ length: count }, (_, n) => ({
    id: `am-${n}`,
    load_balancer_id: `lb-${n}`,
    status: 'ALLOCATED',
    server_name: `amphora-${n}`,
    timings: '{}',
    created_at: made,
    updated_at: made,
  }));
  await database
    .insertInto('kiln_amphora')
    .values(amphorae as Insertable<Schema['kiln_amphora']>[])
    .execute();
}
