import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSystemClock } from '../../src/adapters/clock/system-clock.ts';
import { createAmphoraDirectory } from '../../src/adapters/storage/amphora-directory.ts';
import { createAmphoraStore } from '../../src/adapters/storage/amphora-store.ts';
import { openDatabase } from '../../src/adapters/storage/database.ts';
import { createHealthStore } from '../../src/adapters/storage/health-store.ts';
import { createLoadBalancerStore } from '../../src/adapters/storage/load-balancer-store.ts';
import type { KilnDatabase } from '../../src/adapters/storage/schema.ts';
import { createUdpReceiver } from '../../src/adapters/udp/receiver.ts';
import { encodeHeartbeat } from '../../src/core/heartbeat/encode.ts';
import { createHealthManager, type HealthManager } from '../../src/health/health-manager.ts';
import type { HealthStore } from '../../src/ports/health-store.ts';
import type { LoadBalancerStore } from '../../src/ports/load-balancer-store.ts';
import { storedAmphora } from '../kit/contract/amphora-store.ts';
import { createFakeLog } from '../kit/fakes/fake-log.ts';
import { storedListener, storedLoadBalancer, storedMember, storedPool } from '../kit/stored-resources.ts';

/** Real packets to a real socket, recorded in a real database. */

/** Sent by Debian's octavia-agent 11.0.0. */
const recorded: { key: string; packets: Array<{ hex: string; decoded: { seq: number } }> } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../golden/agent/octavia-agent-11-heartbeats.json'), 'utf8'),
);
const ids = {
  amphora: '00000000-0000-4000-8000-000000000001',
  listener: '66666666-7777-4888-8999-aaaaaaaaaaaa',
  pool: 'bbbbbbbb-cccc-4ddd-8eee-ffffffffffff',
  member: '99999999-7777-4888-8999-aaaaaaaaaaaa',
};
const clock = createSystemClock();

let folder: string;
let database: KilnDatabase;
let store: LoadBalancerStore;
let health: HealthStore;
let log: ReturnType<typeof createFakeLog>;
let manager: HealthManager;
let sender: Socket;
let port: number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kiln-heartbeats-'));
  database = await openDatabase(`sqlite:///${folder}/kiln.sqlite`, clock);
  store = createLoadBalancerStore(database, clock);
  health = createHealthStore(database, clock);
  const offline = { operatingStatus: 'OFFLINE' as const };
  await store.apply({
    loadBalancerId: 'lb',
    mutableFrom: [],
    operation: null,
    rows: [
      { kind: 'loadbalancer', put: storedLoadBalancer('lb', offline) },
      { kind: 'listener', put: storedListener(ids.listener, 'lb', { ...offline, defaultPoolId: ids.pool }) },
      { kind: 'pool', put: storedPool(ids.pool, 'lb', offline) },
      { kind: 'member', put: storedMember(ids.member, ids.pool, offline) },
    ],
  });
  const amphora = storedAmphora(ids.amphora, { loadBalancerId: 'lb', status: 'ALLOCATED' });
  await createAmphoraStore(database, clock).insert(amphora);
  log = createFakeLog();
  manager = createHealthManager({
    datagrams: createUdpReceiver({ address: '127.0.0.1', port: 0 }),
    directory: createAmphoraDirectory(database, clock, () => 60),
    loadBalancers: store,
    health,
    clock,
    log,
    settings: () => ({
      heartbeatKey: recorded.key,
      previousHeartbeatKeys: [],
      heartbeatIntervalSeconds: 600,
      controllers: 1,
    }),
  });
  ({ port } = await manager.start());
  sender = createSocket('udp4');
  sender.connect(port, '127.0.0.1');
  await once(sender, 'connect');
});
afterEach(async () => {
  sender.close();
  await manager.stop();
  await database.destroy();
  rmSync(folder, { recursive: true });
});

/** Sends, and waits until the packet has come in: the loopback interface loses none that are sent in turn. */
async function send(packet: Uint8Array): Promise<void> {
  const { packets } = manager.stats();
  await new Promise<void>((resolve, reject) => {
    sender.send(packet, (error) => (error ? reject(error) : resolve()));
  });
  await vi.waitFor(() => expect(manager.stats().packets).toBe(packets + 1), { timeout: 60_000, interval: 1 });
}

const allRecorded = () =>
  vi.waitFor(
    () => {
      const { waiting, batches } = manager.stats();
      expect(waiting).toBe(0);
      expect(batches).toBeGreaterThan(0);
    },
    { timeout: 60_000, interval: 5 },
  );

/** Packets are read some time after they have come. */
const droppedBecome = (expected: Record<string, number>) =>
  vi.waitFor(() => expect(manager.stats().dropped).toEqual(expected), { timeout: 60_000, interval: 5 });

async function statuses(): Promise<Record<string, string>> {
  const tree = await store.tree('lb');
  if (!tree) return expect.unreachable();
  return {
    lb: tree.loadBalancer.operatingStatus,
    listener: tree.listeners[0]?.operatingStatus ?? '',
    pool: tree.pools[0]?.operatingStatus ?? '',
    member: tree.pools[0]?.members[0]?.operatingStatus ?? '',
  };
}
const statusesBecome = (expected: Record<string, string>) =>
  vi.waitFor(async () => expect(await statuses()).toEqual(expected), { timeout: 60_000, interval: 10 });

/** As our own agent sends it. */
function ours(
  sequence: number,
  over: { status?: string; pool?: string; member?: string; bytesIn?: number } = {},
): Buffer {
  const { status = 'OPEN', pool = 'UP', member = 'UP', bytesIn = 7 } = over;
  const counters = { bytesIn, bytesOut: 70, activeConnections: 2, totalConnections: 3, requestErrors: 1 };
  return encodeHeartbeat(
    {
      amphoraId: ids.amphora,
      sequence,
      listeners: new Map([[ids.listener, { status, counters }]]),
      pools: [{ poolId: ids.pool, listenerId: ids.listener, status: pool, members: new Map([[ids.member, member]]) }],
    },
    recorded.key,
  );
}

describe('heartbeats', () => {
  it("of Octavia's agent bring a new load balancer ONLINE", async () => {
    const before = clock.now().toISOString();
    for (const { hex } of recorded.packets) await send(Buffer.from(hex, 'hex'));
    await statusesBecome({ lb: 'ONLINE', listener: 'ONLINE', pool: 'ONLINE', member: 'NO_MONITOR' });
    const heard = await health.lastHeard(ids.amphora);
    expect(heard && heard >= before).toBe(true);
    expect(await health.statisticsOfLoadBalancer('lb')).toMatchObject({ bytesIn: 0, totalConnections: 0 });
    expect(manager.stats()).toMatchObject({ packets: recorded.packets.length, dropped: {}, unknownAmphorae: 0 });
  });

  it('of our agent: statuses follow, and counters add up', async () => {
    await send(ours(0));
    await statusesBecome({ lb: 'ONLINE', listener: 'ONLINE', pool: 'ONLINE', member: 'ONLINE' });
    await send(ours(1, { member: 'DOWN', pool: 'DOWN' }));
    await statusesBecome({ lb: 'ERROR', listener: 'ONLINE', pool: 'ERROR', member: 'ERROR' });
    await send(ours(2, { member: 'UP', status: 'FULL' }));
    await statusesBecome({ lb: 'DEGRADED', listener: 'DEGRADED', pool: 'ONLINE', member: 'ONLINE' });
    await allRecorded();
    const expected = { bytesIn: 21, bytesOut: 210, activeConnections: 2, totalConnections: 9, requestErrors: 3 };
    expect(await health.statisticsOfListener(ids.listener)).toEqual(expected);
    expect(await health.statisticsOfLoadBalancer('lb')).toEqual(expected);
    expect(await health.statisticsOfAmphora(ids.amphora)).toEqual([
      { listenerId: ids.listener, amphoraId: ids.amphora, ...expected },
    ]);
  });

  it('a change of the load balancer is seen by the next one', async () => {
    await send(ours(0));
    await statusesBecome({ lb: 'ONLINE', listener: 'ONLINE', pool: 'ONLINE', member: 'ONLINE' });
    const another = storedMember('another', ids.pool, { address: '198.51.100.9', operatingStatus: 'ONLINE' });
    await store.apply({
      loadBalancerId: 'lb',
      mutableFrom: ['ACTIVE'],
      rows: [{ kind: 'member', put: another }],
      operation: null,
    });
    await send(ours(1));
    await vi.waitFor(
      async () => expect(await store.get('member', 'another')).toMatchObject({ operatingStatus: 'OFFLINE' }),
      {
        timeout: 60_000,
      },
    );
  });

  it('many of one amphora that come at once lose no byte', async () => {
    for (let sequence = 0; sequence < 200; sequence++) await send(ours(sequence));
    await allRecorded();
    expect(await health.statisticsOfListener(ids.listener)).toMatchObject({ bytesIn: 1_400, totalConnections: 600 });
    expect(manager.stats()).toMatchObject({ dropped: {}, held: 0 });
  });

  it('what has come is recorded when the manager stops', async () => {
    await send(ours(0));
    await manager.stop();
    expect(await health.statisticsOfListener(ids.listener)).toMatchObject({ bytesIn: 7 });
  });
});

describe('what is no heartbeat of ours changes nothing', () => {
  const untouched = async () => {
    await send(ours(100));
    await allRecorded();
    expect(await health.statisticsOfListener(ids.listener)).toMatchObject({ bytesIn: 7 });
    expect(await statuses()).toEqual({ lb: 'ONLINE', listener: 'ONLINE', pool: 'ONLINE', member: 'ONLINE' });
  };

  it('another key', async () => {
    const { amphora, listener } = ids;
    const counters = { bytesIn: 1, bytesOut: 1, activeConnections: 1, totalConnections: 1, requestErrors: 1 };
    const listeners = new Map([[listener, { status: 'FULL', counters }]]);
    await send(encodeHeartbeat({ amphoraId: amphora, sequence: 0, listeners, pools: [] }, 'another'));
    await droppedBecome({ signature: 1 });
    await untouched();
  });

  it('a packet that was cut', async () => {
    const whole = ours(0);
    for (const length of [0, 1, 32, 64, 65, whole.length - 1]) await send(whole.subarray(0, length));
    await droppedBecome({ 'too-short': 3, signature: 3 });
    await untouched();
  });

  it('a packet that is sent again, at once or later', async () => {
    const old = ours(98, { member: 'DOWN', pool: 'DOWN', bytesIn: 1_000_000 });
    await send(ours(99, { bytesIn: 0 }));
    for (let times = 0; times < 5; times++) await send(old);
    await allRecorded();
    await untouched();
    await send(old);
    await send(ours(100));
    await allRecorded();
    expect(manager.stats()).toMatchObject({ dropped: { replayed: 5 }, held: 2 });
    expect(await health.statisticsOfListener(ids.listener)).toMatchObject({ bytesIn: 7 });
    expect(await statuses()).toMatchObject({ lb: 'ONLINE' });
  });

  it('an amphora that nobody knows', async () => {
    for (let sequence = 0; sequence < 3; sequence++) {
      await send(encodeHeartbeat({ amphoraId: 'stranger', sequence, listeners: new Map(), pools: [] }, recorded.key));
      await allRecorded();
    }
    await untouched();
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it('a flood: it is counted, the log stays short, and genuine ones get through', async () => {
    const garbage = Buffer.alloc(1_400, 'garbage');
    for (let n = 0; n < 2_000; n++) {
      await send(garbage.subarray(0, 1 + ((n * 7) % 1_400)));
      if (n % 500 === 0) await send(ours(n / 500, { bytesIn: 0 }));
    }
    await untouched();
    const { dropped } = manager.stats();
    expect(Object.values(dropped).reduce((sum, count) => sum + count, 0)).toBe(2_000);
    expect(log.lines.filter(({ level }) => level === 'warn').length).toBeLessThan(10);
    expect(JSON.stringify(log.lines)).not.toContain('garbage');
  });
});
