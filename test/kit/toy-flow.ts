import { type Kysely, sql } from 'kysely';
import type { KilnDatabase } from '../../src/adapters/storage/schema.ts';
import { defineFlow, type Flow, type Step } from '../../src/flows/engine/flow.ts';
import { KilnError } from '../../src/model/errors.ts';
import type { JsonObject } from '../../src/model/operation.ts';
import type { Clock } from '../../src/ports/clock.ts';

/** Tables of a toy cloud, in the database that the processes share. */
interface ToySchema {
  /** What was made: once for each operation and step, whoever makes it. */
  toy_thing: { operation_id: string; step: string };
  /** Each time that a step was begun and ended, undone included. */
  toy_log: { id?: number; operation_id: string; step: string; worker: string; event: string };
  /** Steps that wait go on when their operation is in here. */
  toy_gate: { operation_id: string };
}
export type ToyDatabase = Kysely<ToySchema>;
export const toyTables = (database: KilnDatabase) => database as unknown as ToyDatabase;

export async function createToyTables(database: KilnDatabase): Promise<void> {
  await sql`create table toy_thing (operation_id varchar(64), step varchar(64), primary key (operation_id, step))`.execute(
    database,
  );
  await sql`create table toy_log (id integer auto_increment primary key, operation_id varchar(64), step varchar(64), worker varchar(255), event varchar(16))`.execute(
    database,
  );
  await sql`create table toy_gate (operation_id varchar(64) primary key)`.execute(database);
}

export interface ToyDeps {
  database: ToyDatabase;
  clock: Clock;
  worker: string;
}

export interface ToyInput extends JsonObject {
  /** The step in the middle of which to wait for the gate; empty: none. */
  waitIn: string;
  /** The step that fails for good; empty: none. */
  failIn: string;
}

const GATE_LIMIT_MS = 120_000;

function toyStep(name: string): Step<ToyDeps, JsonObject, JsonObject> {
  return {
    name,
    async do({ database, clock, worker }, state, { operationId }) {
      const note = (event: string) =>
        database.insertInto('toy_log').values({ operation_id: operationId, step: name, worker, event }).execute();
      await note('begin');
      await sql`insert ignore into toy_thing (operation_id, step) values (${operationId}, ${name})`.execute(database);
      for (const untilMs = clock.monotonicMs() + GATE_LIMIT_MS; state.waitIn === name; await clock.sleep(50)) {
        if (
          await database.selectFrom('toy_gate').selectAll().where('operation_id', '=', operationId).executeTakeFirst()
        )
          break;
        if (clock.monotonicMs() > untilMs) throw new KilnError('INTERNAL', 'nobody opened the gate');
      }
      if (state.failIn === name) throw new KilnError('BOOT_FAILED', 'as it was asked to', { retryable: false });
      await note('end');
      return {};
    },
    async undo({ database, worker }, _state, { operationId }) {
      await database.deleteFrom('toy_thing').where('operation_id', '=', operationId).where('step', '=', name).execute();
      await database
        .insertInto('toy_log')
        .values({ operation_id: operationId, step: name, worker, event: 'undone' })
        .execute();
    },
  };
}

export const toySteps = ['one', 'two', 'three'] as const;

export const toyFlow: Flow<ToyDeps> = defineFlow('toy')
  .takes<ToyDeps, JsonObject>()
  .step(toyStep('one'))
  .step(toyStep('two'))
  .step(toyStep('three'))
  .build();
