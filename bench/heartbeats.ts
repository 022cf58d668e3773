import { type ChildProcess, fork } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { encodeHeartbeat } from '../src/core/heartbeat/encode.ts';
import type { ReceiverReport } from './heartbeat-receiver.ts';
import type { Figure } from './report.ts';

const AMPHORAE = 1_000;
const KEY = 'insecure';
const BYTES_IN = 100;
/** Heartbeats a second; the test bed's Octavia is full at about 315. */
const RATES = [300, 1_600, 3_200, 6_400];
const SECONDS = 3;
const TICK_MS = 10;
/** A database that can't record them in this time after the last one does not keep up. */
const LONGEST_WAIT_MS = 5_000;
/** But the first time it has 1,000 load balancers to read. */
const LONGEST_FIRST_WAIT_MS = 60_000;
/** So long nothing happens before nothing more is expected. */
const QUIET_MS = 1_000;
const POLL_MS = 100;

/** Heartbeats of 1,000 amphorae with a listener each, sent from this process to a health manager in another one. */
export async function benchHeartbeats(): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-bench-heartbeats-'));
  try {
    return [
      ...(await measure('SQLite', `sqlite:///${folder}/kiln.sqlite`)),
      ...(await withMariaDb((connection) => measure('MariaDB', connection))),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Nothing where the test bed is not up. */
async function withMariaDb(use: (connection: string) => Promise<Figure[]>): Promise<Figure[]> {
  if (!existsSync(join(process.env.KILN_TESTBED_DIR || '/var/tmp/kiln-testbed', 'testbed.json'))) return [];
  const { makeDatabase } = await import('../test/kit/testbed-database.ts');
  const database = await makeDatabase().catch(() => null);
  if (!database) return [];
  try {
    return await use(database.connection);
  } finally {
    await database.close();
  }
}

async function measure(engine: string, connection: string): Promise<Figure[]> {
  const receiver = fork(join(import.meta.dirname, 'heartbeat-receiver.ts'), [connection, String(AMPHORAE), KEY]);
  const [{ port }] = (await once(receiver, 'message')) as [{ port: number }];
  const socket = createSocket({ type: 'udp4', sendBufferSize: 4 * 1024 * 1024 });
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const figures: Figure[] = [];
  let sequence = 0;
  try {
    // The first of each amphora makes the manager read its load balancer.
    for (const rate of [AMPHORAE, ...RATES]) {
      const seconds = sequence === 0 ? 1 : SECONDS;
      const {
        sent,
        before,
        after,
        seconds: took,
        busySeconds,
      } = await round(receiver, socket, { rate, seconds, sequence });
      sequence += Math.ceil(sent / AMPHORAE);
      const lost = sent - (after.stats.packets - before.stats.packets);
      const transactions = after.stats.batches - before.stats.batches;
      const cpu = Math.round((after.cpuMs - before.cpuMs) / busySeconds / 10);
      const complete = after.bytesIn - before.bytesIn === (sent - lost) * BYTES_IN;
      const what = `${engine}, ${Math.round(sent / took).toLocaleString('en')} heartbeats/s`;
      const trees = after.stats.treesRead - before.stats.treesRead;
      figures.push({
        what: trees > 0 ? `${what}, the first of each amphora` : what,
        value:
          `${lost} of ${sent.toLocaleString('en')} lost, ${cpu} % of a core, ${transactions} transactions, ${after.rssMiB.toFixed(0)} MiB` +
          (complete ? '' : ', NOT KEPT UP WITH'),
      });
    }
    return figures;
  } finally {
    socket.close();
    receiver.send('stop');
    await once(receiver, 'exit');
  }
}

async function round(
  receiver: ChildProcess,
  socket: Socket,
  { rate, seconds, sequence }: { rate: number; seconds: number; sequence: number },
) {
  // Made beforehand, so that only sending takes time while time is taken.
  const packets = Array.from({ length: rate * seconds }, (_, n) =>
    packet(n % AMPHORAE, sequence + Math.floor(n / AMPHORAE)),
  );
  const before = await report(receiver);
  const startMs = performance.now();
  let sent = 0;
  while (sent < packets.length) {
    const due = Math.min(packets.length, Math.ceil(((performance.now() - startMs) / 1000) * rate));
    for (; sent < due; sent++) socket.send(packets[sent] as Buffer);
    await pause(TICK_MS);
  }
  const took = (performance.now() - startMs) / 1000;
  const { after, quietSinceMs } = await settled(receiver, sequence === 0 ? LONGEST_FIRST_WAIT_MS : LONGEST_WAIT_MS);
  return { sent, before, after, seconds: took, busySeconds: (quietSinceMs - startMs) / 1000 };
}

/** What there is when nothing waits any more, or when waiting makes no sense any more. */
async function settled(receiver: ChildProcess, longestMs: number) {
  const endMs = performance.now() + longestMs;
  let last = await report(receiver);
  let quietSinceMs = performance.now();
  for (;;) {
    await pause(POLL_MS);
    const now = await report(receiver);
    if (now.stats.waiting > 0 || now.stats.packets !== last.stats.packets) quietSinceMs = performance.now();
    if (performance.now() > Math.min(endMs, quietSinceMs + QUIET_MS)) return { after: now, quietSinceMs };
    last = now;
  }
}

async function report(receiver: ChildProcess): Promise<ReceiverReport> {
  const answer = once(receiver, 'message');
  receiver.send('report');
  const [reported] = (await answer) as [ReceiverReport];
  return reported;
}

function packet(amphora: number, sequence: number): Buffer {
  const counters = { bytesIn: BYTES_IN, bytesOut: 5_000, activeConnections: 2, totalConnections: 3, requestErrors: 0 };
  return encodeHeartbeat(
    {
      amphoraId: `am-${amphora}`,
      sequence,
      listeners: new Map([[`li-${amphora}`, { status: 'OPEN', counters }]]),
      pools: [
        {
          poolId: `po-${amphora}`,
          listenerId: `li-${amphora}`,
          status: 'UP',
          members: new Map([
            [`me-${amphora}-0`, 'UP'],
            [`me-${amphora}-1`, 'UP'],
          ]),
        },
      ],
    },
    KEY,
  );
}
