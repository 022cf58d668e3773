/**
 * A worker process with the toy flow. Its argument is JSON: ToyWorkerOptions. It says `ready` when it takes operations,
 * and ends well at SIGTERM. Its log is on standard error.
 */

import { createSystemClock } from '../../src/adapters/clock/system-clock.ts';
import { createWorkerIdentity } from '../../src/adapters/process/worker-identity.ts';
import { createRabbitQueue } from '../../src/adapters/queue/rabbitmq.ts';
import { readTransportUrl } from '../../src/adapters/queue/transport-url.ts';
import { openDatabase } from '../../src/adapters/storage/database.ts';
import { createJournal } from '../../src/adapters/storage/journal.ts';
import { createOutbox } from '../../src/adapters/storage/outbox.ts';
import { createWorkerRegistry } from '../../src/adapters/storage/worker-registry.ts';
import { createWorker } from '../../src/flows/worker.ts';
import { growingPauseMs } from '../../src/lib/growing-pause.ts';
import type { Log } from '../../src/ports/log.ts';
import { madeUpFlow } from './made-up-flow.ts';
import { toyFlow, toyTables } from './toy-flow.ts';

export interface ToyWorkerOptions {
  connection: string;
  transportUrl: string;
  /** Pretends to be a process of this host; null: is what it is. */
  host: string | null;
  leaseSeconds: number;
  capacity: number;
}

const options = JSON.parse(process.argv[2] ?? '') as ToyWorkerOptions;
const write = (level: string) => (fields: object, message: string) => {
  const { err, ...rest } = fields as { err?: unknown };
  process.stderr.write(`${level} ${message} ${JSON.stringify(rest)} ${err ? String(err) : ''}\n`);
};
const log: Log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
const clock = createSystemClock();
const database = await openDatabase(options.connection, clock);
const journal = createJournal(database, clock);
const { host, leaseSeconds, capacity } = options;
const identity = host === null ? createWorkerIdentity() : { self: `${host}:0:0/${process.pid}/0`, isAlive: () => true };
const leaseMs = leaseSeconds * 1000;
const registry = createWorkerRegistry(database, clock, { identity, roles: ['worker'], leaseMs });
const { hosts, virtualHost } = readTransportUrl(options.transportUrl);
const queue = createRabbitQueue({
  hosts,
  virtualHost,
  tls: null,
  heartbeatTimeoutSeconds: 60,
  clock,
  log,
  outbox: createOutbox(database, clock),
  relayEveryMs: 1_000,
  answerWithinMs: 10_000,
  pauseMs: growingPauseMs,
});
const limits = { attempts: 3, firstPauseMs: 100, longestPauseMs: 1_000 };
const worker = createWorker({
  queue,
  journal,
  flows: new Map([[madeUpFlow('toy'), toyFlow]]),
  deps: () => ({ database: toyTables(database), clock, worker: identity.self }),
  engine: { journal, clock, log, doing: limits, undoing: limits, giveUpAfterMs: 60_000 },
  self: identity.self,
  isAlive: (other) => registry.isAlive(other),
  capacity,
  clock,
  log,
  sweepEveryMs: 1_000,
  lease: { beat: registry.beat, remove: registry.remove, lastsMs: leaseMs },
});
await worker.start();
process.stdout.write('ready\n');
async function end(): Promise<void> {
  await worker.stop();
  await database.destroy();
  process.exit(0);
}
process.once('SIGTERM', () => void end());
