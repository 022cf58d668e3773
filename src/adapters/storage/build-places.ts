import { sql } from 'kysely';
import { type OperationStatus, unendedStatuses } from '../../model/operation.ts';
import type { BuildPlaces, WantedBuild } from '../../ports/build-places.ts';
import type { Clock } from '../../ports/clock.ts';
import { isMysql } from './engine.ts';
import { attempt } from './faults.ts';
import type { KilnDatabase } from './schema.ts';

const TURN = 'builds';

/**
 * Places in the table `kiln_build_place`. Transactions that let somebody in wait for each other by a row that each of them
 * writes first; on Galera one of two is undone and runs again. A place is its operation's, and so it outlives the worker: the
 * next one finds it.
 */
export function createBuildPlaces(database: KilnDatabase, clock: Clock): BuildPlaces {
  return {
    enter: (wanted, limit) =>
      attempt(clock, () =>
        database.transaction().execute(async (transaction) => {
          await waitForTurn(transaction);
          await insertMissing(transaction, wanted);
          const builds = await readBuilds(transaction);
          const letIn = whoseTurnItIs(builds, limit);
          if (letIn.length > 0) {
            await transaction
              .updateTable('kiln_build_place')
              .set({ admitted: 1 })
              .where('operation_id', 'in', letIn)
              .execute();
          }
          const inside = new Set(letIn);
          for (const { operationId, waiting } of builds) if (waiting === 0) inside.add(operationId);
          return new Set(wanted.map(({ operationId }) => operationId).filter((id) => inside.has(id)));
        }),
      ),

    async leave(operationId, amphoraId) {
      await attempt(clock, () => {
        const ofOperation = database.deleteFrom('kiln_build_place').where('operation_id', '=', operationId);
        return (amphoraId === undefined ? ofOperation : ofOperation.where('amphora_id', '=', amphoraId)).execute();
      });
    },
  };
}

/** Amphorae of one operation. */
interface Build {
  operationId: string;
  admitted: number;
  waiting: number;
}

/**
 * In the order of their turns. Those of operations that have ended, or that no worker has, are forgotten; an operation whose
 * worker was killed is found by another one soon.
 */
async function readBuilds(transaction: KilnDatabase): Promise<Build[]> {
  const rows = await transaction
    .selectFrom('kiln_build_place')
    .leftJoin('kiln_operation', 'kiln_operation.id', 'kiln_build_place.operation_id')
    .select(['amphora_id', 'operation_id', 'admitted', 'status', 'worker'])
    .orderBy('priority', 'desc')
    .orderBy('created_at')
    .orderBy('operation_id')
    .execute();
  const builds = new Map<string, Build>();
  const gone: string[] = [];
  for (const { amphora_id: amphoraId, operation_id: operationId, admitted, status, worker } of rows) {
    if (worker === null || !unendedStatuses.includes(status as OperationStatus)) {
      gone.push(amphoraId);
      continue;
    }
    const build = builds.get(operationId) ?? { operationId, admitted: 0, waiting: 0 };
    if (admitted === 1) build.admitted++;
    else build.waiting++;
    builds.set(operationId, build);
  }
  if (gone.length > 0) await transaction.deleteFrom('kiln_build_place').where('amphora_id', 'in', gone).execute();
  return [...builds.values()];
}

function whoseTurnItIs(builds: readonly Build[], limit: number): string[] {
  let free = limit;
  for (const { admitted } of builds) free -= Math.min(admitted, limit);
  const letIn: string[] = [];
  for (const { operationId, waiting } of builds) {
    if (waiting === 0) continue;
    const needed = Math.min(waiting, limit);
    if (limit === 0 || needed > free) break;
    free -= needed;
    letIn.push(operationId);
  }
  return letIn;
}

async function waitForTurn(transaction: KilnDatabase): Promise<void> {
  const insert = transaction.insertInto('kiln_turn').values({ name: TURN, turns: 1 });
  const update = { turns: sql<number>`kiln_turn.turns + 1` };
  await (isMysql(transaction)
    ? insert.onDuplicateKeyUpdate(update)
    : insert.onConflict((conflict) => conflict.column('name').doUpdateSet(update))
  ).execute();
}

async function insertMissing(transaction: KilnDatabase, wanted: readonly WantedBuild[]): Promise<void> {
  const rows = wanted.flatMap(({ operationId, amphoraIds }) =>
    amphoraIds.map((id) => ({ amphora_id: id, operation_id: operationId, admitted: 0 })),
  );
  if (rows.length === 0) return;
  const insert = transaction.insertInto('kiln_build_place').values(rows);
  await (isMysql(transaction)
    ? insert.onDuplicateKeyUpdate((row) => ({ amphora_id: row.ref('amphora_id') }))
    : insert.onConflict((conflict) => conflict.column('amphora_id').doNothing())
  ).execute();
}
