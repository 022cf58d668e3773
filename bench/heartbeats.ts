import { type ChildProcess, fork } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { encodeHeartbeat } from '../src/core/heartbeat/encode.ts';
import type { ReceiverReport } from './heartbeat-receiver.ts';
import { idOf } from './ids.ts';
import { withMariaDb } from './maria-db.ts';
import type { Figure } from './report.ts';

const AMPHORAE = 16_000;
const INTERVAL_SECONDS = 10;
const KEY = 'insecure';
const BYTES_IN = 100;
/** Heartbeats a second from which the maximum is looked for; the test bed's Octavia is full at about 315. */
const FIRST_RATE = 10_000;
const STEP = 1.4;
/** The search ends when the highest rate that was kept up with and the lowest that was not are as near as this. */
const NEAR = 1.1;
const SEARCH_SECONDS = 3;
const PROOF_SECONDS = 5;
const TICK_MS = 2;
/** A database that has not recorded all in this time after the last one does not keep up. */
const LONGEST_WAIT_MS = 1_000;
/** But the first time it has 16,000 load balancers to read. */
const LONGEST_FIRST_WAIT_MS = 120_000;
const POLL_MS = 50;

/** Heartbeats of 16,000 amphorae with a listener each, sent from this process to a health manager in another one. */
export async function benchHeartbeats(): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-bench-heartbeats-'));
  try {
    return [
      ...(await measure('SQLite', `sqlite:///${folder}/kiln.sqlite`)),
      ...((await withMariaDb((connection) => measure('MariaDB', connection))) ?? []),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What came of sending at one rate. */
interface Round {
  perSecond: number;
  /** What was asked for is more than this process can send. */
  isSenderFull: boolean;
  sent: number;
  lost: number;
  /** All that came was recorded, and soon. */
  isKeptUpWith: boolean;
  lateMs: number;
  transactions: number;
  coalesced: number;
  cpuPercent: number;
  rssMiB: number;
}

async function measure(engine: string, connection: string): Promise<Figure[]> {
  const receiver = fork(join(import.meta.dirname, 'heartbeat-receiver.ts'), [connection, String(AMPHORAE), KEY]);
  const [{ port }] = (await once(receiver, 'message')) as [{ port: number }];
  const socket = createSocket({ type: 'udp4', sendBufferSize: 4 * 1024 * 1024 });
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  let sent = 0;
  const run = async (rate: number, seconds: number, longestWaitMs = LONGEST_WAIT_MS) => {
    const round = await send(receiver, socket, { rate, seconds, first: sent, longestWaitMs });
    sent += round.sent;
    return round;
  };
  const holds = ({ lost, isKeptUpWith, isSenderFull }: Round) => lost === 0 && isKeptUpWith && !isSenderFull;
  const figure = (what: string, round: Round): Figure => ({ what: `${engine}, ${what}`, value: summaryOf(round) });
  try {
    const perInterval = AMPHORAE / INTERVAL_SECONDS;
    // The first of each amphora makes the manager read its load balancer.
    const figures = [
      figure('the first of each', await run(perInterval, INTERVAL_SECONDS, LONGEST_FIRST_WAIT_MS)),
      figure(`each every ${INTERVAL_SECONDS} s`, await run(perInterval, 2 * INTERVAL_SECONDS)),
    ];
    let highest = perInterval;
    let tooMuch: { rate: number; round: Round } | null = null;
    for (let rate = FIRST_RATE; tooMuch === null || tooMuch.rate / highest > NEAR; ) {
      let round = await run(rate, SEARCH_SECONDS);
      // What happens beside it on the machine is no limit.
      if (!holds(round)) round = await run(rate, SEARCH_SECONDS);
      if (holds(round)) highest = rate;
      else tooMuch = { rate, round };
      rate = tooMuch ? Math.sqrt(highest * tooMuch.rate) : rate * STEP;
    }
    for (let proof = await run(highest, PROOF_SECONDS); ; proof = await run(highest, PROOF_SECONDS)) {
      if (holds(proof)) return [...figures, figure('the most', proof), figure('too much', tooMuch.round)];
      tooMuch = { rate: highest, round: proof };
      highest /= NEAR;
    }
  } finally {
    socket.close();
    receiver.send('stop');
    await once(receiver, 'exit');
  }
}

function summaryOf(round: Round): string {
  const { perSecond, isSenderFull, sent, lost, isKeptUpWith, lateMs, transactions, coalesced, cpuPercent, rssMiB } =
    round;
  const count = (value: number) => Math.round(value).toLocaleString('en');
  return [
    `${count(perSecond)}/s${isSenderFull ? ', ALL THAT CAN BE SENT' : ''}: ${count(lost)} of ${count(sent)} lost`,
    isKeptUpWith ? `all recorded ${count(lateMs)} ms after the last` : 'NOT KEPT UP WITH',
    `${count(transactions)} transactions (${count((coalesced / sent) * 100)} % were recorded with the next one)`,
    `${cpuPercent.toFixed(1)} % of a core`,
    `${count(rssMiB)} MiB`,
  ].join(', ');
}

/** Sends so many a second, from the `first` one on, and waits until they are recorded. */
async function send(
  receiver: ChildProcess,
  socket: Socket,
  { rate, seconds, first, longestWaitMs }: { rate: number; seconds: number; first: number; longestWaitMs: number },
): Promise<Round> {
  // Made beforehand, so that only sending takes time while time is taken.
  const packets = Array.from({ length: Math.round(rate * seconds) }, (_, n) =>
    packet((first + n) % AMPHORAE, Math.floor((first + n) / AMPHORAE)),
  );
  const before = await report(receiver, 'total');
  const startMs = performance.now();
  let sent = 0;
  while (sent < packets.length) {
    const due = Math.min(packets.length, Math.ceil(((performance.now() - startMs) / 1000) * rate));
    for (; sent < due; sent++) socket.send(packets[sent] as Buffer);
    await pause(TICK_MS);
  }
  const sentMs = performance.now();
  let after: ReceiverReport;
  let lateMs: number;
  for (;;) {
    after = await report(receiver, 'report');
    lateMs = performance.now() - sentMs;
    const isDone = after.stats.waiting === 0 && after.stats.packets - before.stats.packets === sent;
    if (isDone || lateMs > longestWaitMs) break;
    await pause(POLL_MS);
  }
  const tookMs = performance.now() - startMs;
  // What is late is not to be counted as part of the next round.
  let settled = await report(receiver, 'total');
  for (; settled.stats.waiting > 0; settled = await report(receiver, 'total')) await pause(POLL_MS);
  const lost = sent - (settled.stats.packets - before.stats.packets);
  const isComplete = settled.bytesIn - before.bytesIn === (sent - lost) * BYTES_IN;
  const perSecond = sent / ((sentMs - startMs) / 1000);
  return {
    perSecond,
    isSenderFull: perSecond < rate * 0.95,
    sent,
    lost,
    isKeptUpWith: after.stats.waiting === 0 && isComplete,
    lateMs,
    transactions: after.stats.batches - before.stats.batches,
    coalesced: after.stats.coalesced - before.stats.coalesced,
    cpuPercent: ((after.cpuMs - before.cpuMs) / tookMs) * 100,
    rssMiB: after.rssMiB,
  };
}

async function report(receiver: ChildProcess, question: 'report' | 'total'): Promise<ReceiverReport> {
  const answer = once(receiver, 'message');
  receiver.send(question);
  const [reported] = (await answer) as [ReceiverReport];
  return reported;
}

function packet(amphora: number, sequence: number): Buffer {
  const counters = { bytesIn: BYTES_IN, bytesOut: 5_000, activeConnections: 2, totalConnections: 3, requestErrors: 0 };
  const listenerId = idOf('listener', amphora);
  return encodeHeartbeat(
    {
      amphoraId: idOf('amphora', amphora),
      sequence,
      listeners: new Map([[listenerId, { status: 'OPEN', counters }]]),
      pools: [
        {
          poolId: idOf('pool', amphora),
          listenerId,
          status: 'UP',
          members: new Map([
            [idOf('member', amphora), 'UP'],
            [idOf('second member', amphora), 'UP'],
          ]),
        },
      ],
    },
    KEY,
  );
}
