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
import { idOf } from './ids.ts';

export interface ReceiverReport {
  stats: HealthManagerStats;
  cpuMs: number;
  rssMiB: number;
  /** Bytes of all load balancers, as they are recorded; 0 where it was not asked for. */
  bytesIn: number;
}

const [connection = '', howMany = '0', key = ''] = process.argv.slice(2);
const count = Number(howMany);
const clock = createSystemClock();
const database = await openDatabase(connection, clock);
const store = createLoadBalancerStore(database, clock);
const health = createHealthStore(database, clock);
const log = createFakeLog();
/** As many load balancers as one change may hold. */
const AT_ONCE = 1_000;

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
  if (question === 'report') process.send?.(report(0));
  if (question === 'total') process.send?.(report(await totalBytesIn()));
  if (question === 'stop') {
    await manager.stop();
    await database.destroy();
    process.disconnect();
  }
});

function report(bytesIn: number): ReceiverReport {
  const { user, system } = process.cpuUsage();
  return {
    stats: manager.stats(),
    cpuMs: (user + system) / 1000,
    rssMiB: process.memoryUsage.rss() / 1024 / 1024,
    bytesIn,
  };
}

async function totalBytesIn(): Promise<number> {
  const { total } = await database
    .selectFrom('kiln_listener_statistics')
    .select(({ fn }) => fn.sum('bytes_in').as('total'))
    .executeTakeFirstOrThrow();
  return Number(total);
}

async function fill(): Promise<void> {
  for (let first = 0; first < count; first += AT_ONCE) await fillSome(first, Math.min(AT_ONCE, count - first));
}

async function fillSome(first: number, some: number): Promise<void> {
  const numbers = Array.from({ length: some }, (_, n) => first + n);
  const rows = numbers.flatMap((n): RowChange[] => {
    const [loadBalancerId, listenerId, poolId] = [idOf('load balancer', n), idOf('listener', n), idOf('pool', n)];
    return [
      { kind: 'loadbalancer', put: storedLoadBalancer(loadBalancerId) },
      { kind: 'listener', put: storedListener(listenerId, loadBalancerId, { defaultPoolId: poolId }) },
      { kind: 'pool', put: storedPool(poolId, loadBalancerId) },
      { kind: 'member', put: storedMember(idOf('member', n), poolId, { protocolPort: 1 }) },
      { kind: 'member', put: storedMember(idOf('second member', n), poolId, { protocolPort: 2 }) },
    ];
  });
  await store.apply({ loadBalancerId: `fill-${first}`, mutableFrom: [], rows, operation: null });
  const made = '2026-11-23T11:00:00.000Z';
  const amphorae = numbers.map((n) => ({
    id: idOf('amphora', n),
    load_balancer_id: idOf('load balancer', n),
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
