import { randomInt } from 'node:crypto';
import type { FlowName } from '../../model/flow-name.ts';
import { type Operation, type OperationStatus, unendedStatuses } from '../../model/operation.ts';
import type { NoPlace, RunPlaces } from '../../ports/journal.ts';
import type { KilnDatabase } from './schema.ts';

/**
 * A free place among those of `kiln_operation.run_place`. That it is had by one is the unique index's affair: whoever is refused
 * looks again.
 * @returns the columns of the claim: none for an operation that has a place, because its worker died.
 */
export async function findPlace(
  database: KilnDatabase,
  operation: Operation,
  { limit, flows }: RunPlaces,
): Promise<{ run_place?: number } | NoPlace> {
  const taken = await takenPlaces(database);
  if (taken.has(operation.id)) return {};
  const left = limit - taken.size;
  if (left <= 0) return { full: true, first: null };
  if (left === 1) {
    const first = await firstInLine(database, operation, flows);
    if (first) return { full: true, first };
  }
  const numbers = new Set(taken.values());
  const free = Array.from({ length: limit }, (_none, index) => index + 1).filter((number) => !numbers.has(number));
  // Any of them: several that look at the same moment seldom want the same one.
  return { run_place: free[randomInt(free.length)] as number };
}

/** By operation. What has ended, or has no worker, without giving its place back was in the hands of an older Kiln. */
async function takenPlaces(database: KilnDatabase): Promise<ReadonlyMap<string, number>> {
  const rows = await database
    .selectFrom('kiln_operation')
    .select(['id', 'status', 'worker', 'run_place'])
    .where('run_place', 'is not', null)
    .execute();
  const isHeld = ({ status, worker }: (typeof rows)[number]) =>
    worker !== null && unendedStatuses.includes(status as OperationStatus);
  const stale = rows.filter((row) => !isHeld(row)).map(({ id }) => id);
  if (stale.length > 0) {
    await database
      .updateTable('kiln_operation')
      .set({ run_place: null })
      .where('id', 'in', stale)
      .where((where) => where.or([where('worker', 'is', null), where('status', 'not in', unendedStatuses)]))
      .execute();
  }
  return new Map(rows.filter(isHeld).map(({ id, run_place: place }) => [id, place as number]));
}

/** The most urgent, then the oldest, that was never begun and could be; null when that is this one. */
async function firstInLine(
  database: KilnDatabase,
  { id, priority, createdAt }: Operation,
  flows: readonly FlowName[],
): Promise<{ id: string } | null> {
  const first = await database
    .selectFrom('kiln_operation as waiting')
    .select('waiting.id')
    .where('waiting.status', '=', 'queued')
    .where('waiting.flow', 'in', flows)
    .where((where) =>
      where.or([
        where('waiting.priority', '>', priority),
        where.and([where('waiting.priority', '=', priority), where('waiting.created_at', '<', createdAt)]),
      ]),
    )
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('kiln_operation as busy').select('busy.id').whereRef('busy.busy_subject', '=', 'waiting.subject'),
        ),
      ),
    )
    .orderBy('waiting.priority', 'desc')
    .orderBy('waiting.created_at')
    .limit(1)
    .executeTakeFirst();
  return first && first.id !== id ? first : null;
}
