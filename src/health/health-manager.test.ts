import { beforeEach, expect, it } from 'vitest';
import { createFakeClock, type FakeClock } from '../../test/kit/fakes/fake-clock.ts';
import { createFakeLog } from '../../test/kit/fakes/fake-log.ts';
import { storedListener, storedLoadBalancer } from '../../test/kit/stored-resources.ts';
import { encodeHeartbeat } from '../core/heartbeat/encode.ts';
import { wrapEnvelope } from '../core/heartbeat/envelope.ts';
import { KilnError } from '../model/errors.ts';
import type { DatagramHandlers } from '../ports/datagrams.ts';
import type { HeartbeatRecord } from '../ports/health-store.ts';
import { createHealthManager, type HealthManager } from './health-manager.ts';

const settings = {
  heartbeatKey: 'k' as string | null,
  previousHeartbeatKeys: [] as string[],
  heartbeatIntervalSeconds: 10,
  controllers: 1,
};

let clock: FakeClock;
let log: ReturnType<typeof createFakeLog>;
let socket: DatagramHandlers | null;
let batches: (readonly HeartbeatRecord[])[];
/** What the store does before it writes. */
let fault: (records: readonly HeartbeatRecord[]) => void | Promise<void>;
let manager: HealthManager;

beforeEach(async () => {
  clock = createFakeClock({ start: '2026-11-23T12:00:00Z' });
  log = createFakeLog();
  batches = [];
  fault = () => {};
  settings.heartbeatKey = 'k';
  settings.previousHeartbeatKeys = [];
  manager = createHealthManager({
    datagrams: {
      open: async (handlers) => {
        socket = handlers;
        return { address: '127.0.0.1', port: 5555 };
      },
      close: async () => {
        socket = null;
      },
    },
    directory: {
      find: async (ids) =>
        new Map(
          ids.map((id) => [
            id,
            { status: 'ALLOCATED' as const, loadBalancerId: 'lb', revision: '1', lacksPartner: false },
          ]),
        ),
    },
    loadBalancers: {
      tree: async () => ({
        revision: 1,
        loadBalancer: storedLoadBalancer('lb'),
        listeners: [{ ...storedListener('li', 'lb', { operatingStatus: 'OFFLINE' }), l7Policies: [] }],
        pools: [],
      }),
    },
    health: {
      record: async (records) => {
        await fault(records);
        batches.push(records);
      },
    },
    clock,
    log,
    settings: () => settings,
  });
  await manager.start();
});

function packet(amphoraId: string, sequence: number, bytesIn = 1, key = 'k'): Uint8Array {
  const counters = { bytesIn, bytesOut: 0, activeConnections: 0, totalConnections: 0, requestErrors: 0 };
  return encodeHeartbeat(
    { amphoraId, sequence, listeners: new Map([['li', { status: 'OPEN', counters }]]), pools: [] },
    key,
  );
}

const arrives = (bytes: Uint8Array) => socket?.packet(bytes, '192.0.2.7');
const bytesRecorded = () =>
  batches.flat().reduce((sum, { statistics }) => sum + (statistics[0]?.bytesIn ?? Number.NaN), 0);

it('many heartbeats go into one transaction, with the time at which they came', async () => {
  for (let n = 0; n < 100; n++) arrives(packet(`a${n}`, 1));
  await clock.advance(1_000);
  expect(batches).toHaveLength(1);
  expect(batches[0]).toHaveLength(100);
  expect(batches[0]?.[0]).toMatchObject({ receivedAt: '2026-11-23T12:00:00.000Z' });
  arrives(packet('a1', 2));
  await clock.advance(1_000);
  expect(batches).toHaveLength(2);
  expect(manager.stats()).toMatchObject({ packets: 101, recorded: 101, batches: 2, waiting: 0, dropped: {} });
});

it('more than fits goes into several', async () => {
  for (let n = 0; n < 2_100; n++) arrives(packet(`a${n}`, 1));
  await clock.advance(1_000);
  expect(batches.map(({ length }) => length)).toEqual([1_000, 1_000, 100]);
});

it('packets that wait to be read take no more memory than a megabyte, whoever sends them', async () => {
  for (let n = 0; n < 15; n++) arrives(Buffer.alloc(65_507));
  expect(manager.stats()).toMatchObject({ packets: 15, dropped: {}, waiting: 15 });
  arrives(Buffer.alloc(65_507));
  arrives(Buffer.alloc(65_507));
  expect(manager.stats()).toMatchObject({ packets: 17, dropped: { signature: 17 }, waiting: 0 });
  for (let n = 0; n < 256; n++) arrives(Buffer.alloc(1));
  expect(manager.stats()).toMatchObject({ packets: 273, dropped: { signature: 17, 'too-short': 256 }, waiting: 0 });
  await clock.advance(1_000);
  expect(batches).toEqual([]);
});

it('what is not genuine is counted and reported without a byte of it', async () => {
  arrives(packet('secret-id', 1, 1, 'another key'));
  arrives(Buffer.from('secret-id'));
  arrives(wrapEnvelope({ id: 1 }, 'k'));
  arrives(packet('a', 1));
  arrives(packet('a', 1));
  await clock.advance(1_000);
  expect(manager.stats()).toMatchObject({
    packets: 5,
    dropped: { signature: 1, 'too-short': 1, shape: 1, replayed: 1 },
    recorded: 1,
  });
  await manager.stop();
  expect(log.lines.filter(({ level }) => level === 'warn')).toMatchObject([
    { fields: { dropped: { signature: 1 }, lastFrom: '192.0.2.7' } },
    { fields: { dropped: { 'too-short': 1, shape: 1, replayed: 1 } } },
  ]);
  expect(JSON.stringify(log.lines)).not.toContain('secret-id');
});

it('a new key counts at once; without one it is the word that Octavia has', async () => {
  settings.heartbeatKey = 'new';
  arrives(packet('a', 1, 1, 'k'));
  arrives(packet('a', 2, 1, 'new'));
  await clock.advance(1_000);
  settings.heartbeatKey = null;
  arrives(packet('a', 3, 1, 'None'));
  await clock.advance(1_000);
  expect(manager.stats()).toMatchObject({ dropped: { signature: 1 }, recorded: 2 });
});

it('a key of before counts as long as it is named, and is reported', async () => {
  settings.heartbeatKey = 'new';
  settings.previousHeartbeatKeys = ['older', 'k'];
  arrives(packet('a', 1, 1, 'k'));
  arrives(packet('b', 1, 1, 'older'));
  arrives(packet('c', 1, 1, 'new'));
  arrives(packet('d', 1, 1, 'of a stranger'));
  await clock.advance(1_000);
  expect(manager.stats()).toMatchObject({ dropped: { signature: 1 }, underPreviousKey: 2, recorded: 3 });
  settings.previousHeartbeatKeys = [];
  arrives(packet('a', 2, 1, 'k'));
  await clock.advance(1_000);
  expect(manager.stats()).toMatchObject({ dropped: { signature: 2 }, recorded: 3 });
});

it('while the database is away nothing is lost, and it is reported once', async () => {
  fault = () => {
    throw new KilnError('STATE_UNUSABLE', 'gone', { retryable: true });
  };
  for (let sequence = 1; sequence <= 5; sequence++) {
    arrives(packet('a', sequence, 10));
    arrives(packet('b', sequence, 1));
    await clock.advance(10_000);
  }
  expect(batches).toEqual([]);
  fault = () => {};
  await clock.advance(2_000);
  expect(bytesRecorded()).toBe(55);
  // Nor is what was decided while nothing could be written.
  expect(batches[0]?.[0]?.operatingStatuses).toEqual([{ kind: 'listener', id: 'li', operatingStatus: 'ONLINE' }]);
  expect(batches).toHaveLength(1);
  const reported = log.lines.filter(({ level }) => level === 'error');
  expect(reported).toMatchObject([{ fields: { code: 'STATE_UNUSABLE', reason: 'gone' } }]);
  expect(log.lines.at(-1)?.message).toBe('heartbeats are recorded again');
});

it('a recording that does not end is none, until it does', async () => {
  const lock = Promise.withResolvers<void>();
  fault = () => lock.promise;
  arrives(packet('a', 1));
  await clock.advance(4_000);
  expect(manager.isRecording()).toBe(true);
  await clock.advance(2_000);
  expect(manager.isRecording()).toBe(false);
  lock.resolve();
  await clock.advance(0);
  expect(manager.isRecording()).toBe(true);
  expect(bytesRecorded()).toBe(1);
});

it('one that the database refuses costs the others nothing', async () => {
  fault = (records) => {
    if (records.some(({ amphoraId }) => amphoraId === 'poison')) throw new Error('out of range');
  };
  for (const id of ['a', 'poison', 'b']) arrives(packet(id, 1));
  await clock.advance(1_000);
  expect(batches.flat().map(({ amphoraId }) => amphoraId)).toEqual(['a', 'b']);
  expect(log.lines.filter(({ level }) => level === 'error')).toMatchObject([
    { fields: { amphoraId: 'poison', reason: 'out of range' } },
  ]);
});

it('stopping records what has come, without a pause', async () => {
  arrives(packet('a', 1));
  await manager.stop();
  expect(batches).toHaveLength(1);
  expect(socket).toBeNull();
});

it('stopping while the database is away ends, and says what is lost', async () => {
  fault = () => {
    throw new KilnError('STATE_UNUSABLE', 'gone', { retryable: true });
  };
  arrives(packet('a', 1));
  arrives(packet('b', 1));
  await clock.advance(5_000);
  await manager.stop();
  expect(log.lines.at(-1)).toMatchObject({ level: 'error', fields: { heartbeats: 2 } });
});

it('a socket that fails is reported', () => {
  socket?.fault(new Error('no buffer space'));
  expect(log.lines.at(-1)).toMatchObject({ level: 'error', fields: { reason: 'no buffer space' } });
});
