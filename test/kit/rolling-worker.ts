/**
 * A worker process of this version of Kiln, or of one that is newer by one change of the tables. Arguments: the
 * connection, `old` or `new`. It says `ready`, or why it can't start; SIGTERM ends it well.
 */

import { sql } from 'kysely';
import { createSystemClock } from '../../src/adapters/clock/system-clock.ts';
import { createWorkerIdentity } from '../../src/adapters/process/worker-identity.ts';
import { createInProcessQueue } from '../../src/adapters/queue/in-process.ts';
import { openDatabase } from '../../src/adapters/storage/database.ts';
import { createJournal } from '../../src/adapters/storage/journal.ts';
import { createWorkerRegistry } from '../../src/adapters/storage/worker-registry.ts';
import { defineFlow } from '../../src/flows/engine/flow.ts';
import { createWorker } from '../../src/flows/worker.ts';
import { growingPauseMs } from '../../src/lib/growing-pause.ts';
import type { JsonObject } from '../../src/model/operation.ts';
import { madeUpFlow } from './made-up-flow.ts';
import { newerMigrations } from './newer-migrations.ts';

const [, , connection = '', version] = process.argv;
const clock = createSystemClock();
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const own = version === 'new' ? newerMigrations(true) : undefined;
const database = await openDatabase(connection, clock, undefined, { own });
const journal = createJournal(database, clock);
const identity = createWorkerIdentity();
const registry = createWorkerRegistry(database, clock, { identity, roles: ['worker'], leaseMs: 3_000 });

const STEP_MS = 200;
const flow = defineFlow('roll')
  .takes<object, JsonObject>()
  .step({
    name: 'roll',
    async do(_parts, _state, { operationId }) {
      await clock.sleep(STEP_MS);
      // The newer version writes what the older one has never heard of.
      if (version === 'new')
        await sql`update kiln_operation set rolled_by = 'new' where id = ${operationId}`.execute(database);
      return {};
    },
  })
  .build();

const limits = { attempts: 3, firstPauseMs: 100, longestPauseMs: 1_000 };
const worker = createWorker<object>({
  queue: createInProcessQueue({ clock, pauseMs: growingPauseMs }),
  journal,
  flows: new Map([[madeUpFlow('roll'), flow]]),
  deps: () => ({}),
  engine: { journal, clock, log, doing: limits, undoing: limits, giveUpAfterMs: 60_000 },
  self: identity.self,
  isAlive: (other) => registry.isAlive(other),
  capacity: 2,
  clock,
  log,
  sweepEveryMs: 300,
  lease: { beat: registry.beat, remove: registry.remove, lastsMs: 3_000 },
});
await worker.start();
process.stdout.write('ready\n');
process.once('SIGTERM', () => {
  void worker
    .stop()
    .then(() => database.destroy())
    .then(() => process.exit(0));
});
