import { type Selectable, sql, type UpdateObject } from 'kysely';
import { KilnError } from '../../model/errors.ts';
import type { FlowName } from '../../model/flow-name.ts';
import { type JournalEntry, type Operation, type OperationStatus, unendedStatuses } from '../../model/operation.ts';
import type { AmphoraSettlement } from '../../ports/amphora-store.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ClaimedOperation, Journal, NoPlace, Progress, RunPlaces } from '../../ports/journal.ts';
import type { Settlement } from '../../ports/load-balancer-store.ts';
import { writeAmphorae } from './amphora-rows.ts';
import { isMysql } from './engine.ts';
import { attempt, isDuplicate } from './faults.ts';
import { findPlace } from './run-places.ts';
import type { KilnDatabase, Schema } from './schema.ts';
import { applySettlement } from './settle.ts';

type Row = Selectable<Schema['kiln_operation']>;

/** Of several that want the same place one gets it; the others look again. */
const PLACE_TRIES = 10;

type NewOperation = Parameters<Journal['enqueue']>[0];

/**
 * Operations and their journals in the tables `kiln_operation` and `kiln_journal_entry`. Whatever depends on a fence is
 * one conditional update of the operation's row, and what else is written goes into the same transaction. No locks are
 * held between statements: Galera, whose nodes know only of rows that were written, undoes one of two that collide.
 */
export function createJournal(database: KilnDatabase, clock: Clock): Journal {
  const now = () => clock.now().toISOString();

  async function readRow(operationId: string): Promise<Row | null> {
    const rows = database.selectFrom('kiln_operation').selectAll().where('id', '=', operationId);
    return (await rows.executeTakeFirst()) ?? null;
  }

  async function readOperation(operationId: string): Promise<Operation | null> {
    const row = await readRow(operationId);
    return row && operationFromRow(row);
  }

  async function readEntries(operationId: string): Promise<JournalEntry[]> {
    const rows = await database
      .selectFrom('kiln_journal_entry')
      .select('entry')
      .where('operation_id', '=', operationId)
      .orderBy('position')
      .execute();
    return rows.map(({ entry }) => JSON.parse(entry) as JournalEntry);
  }

  async function withEntries(operation: Operation | null): Promise<ClaimedOperation | null> {
    return operation && { operation, entries: await readEntries(operation.id) };
  }

  /** Null when it is not to be had. */
  async function readClaimable(operationId: string, seenFence?: number): Promise<Operation | null> {
    const operation = await readOperation(operationId);
    if (!operation || !unendedStatuses.includes(operation.status)) return null;
    return seenFence === undefined || seenFence === operation.fence ? operation : null;
  }

  /**
   * @param options.entryCount only if its journal has still so many entries.
   * @throws the database's error when a place, or the subject, is another operation's by now.
   */
  async function take(
    operation: Operation,
    worker: string,
    { place = {}, entryCount }: { place?: { run_place?: number }; entryCount?: number | undefined } = {},
  ): Promise<Operation | null> {
    const { id, fence, subject } = operation;
    const status = operation.status === 'queued' ? 'running' : operation.status;
    const taken = { status, worker, fence: fence + 1, updatedAt: now() } as const;
    let update = database
      .updateTable('kiln_operation')
      .set({ status, worker, fence: taken.fence, busy_subject: subject, updated_at: taken.updatedAt, ...place })
      .where('id', '=', id)
      .where('fence', '=', fence)
      .where('status', 'in', unendedStatuses);
    if (entryCount !== undefined) update = update.where('entry_count', '=', entryCount);
    const { numUpdatedRows } = await update.executeTakeFirst();
    return numUpdatedRows === 1n ? { ...operation, ...taken } : null;
  }

  async function claim(operationId: string, worker: string, seenFence?: number): Promise<Operation | null> {
    const operation = await readClaimable(operationId, seenFence);
    if (!operation) return null;
    try {
      return await take(operation, worker);
    } catch (error) {
      if (isDuplicate(error)) return null; // busy_subject: another operation on it is under way.
      throw error;
    }
  }

  async function claimPlace(
    operationId: string,
    worker: string,
    seenFence: number,
    places: RunPlaces,
    seen: ClaimedOperation | null,
  ): Promise<ClaimedOperation | NoPlace | null> {
    const operation = seen ? seen.operation : await readClaimable(operationId, seenFence);
    if (!operation) return null;
    for (let tries = 0; tries < PLACE_TRIES; tries++) {
      const found = await findPlace(database, operation, places);
      if ('full' in found) return found;
      try {
        const taken = await take(operation, worker, { place: found, entryCount: seen?.entries.length });
        if (taken && seen) return { operation: taken, entries: seen.entries };
        // What was seen is not so any more.
        return seen ? await claimPlace(operationId, worker, seenFence, places, null) : await withEntries(taken);
      } catch (error) {
        if (!isDuplicate(error)) throw error;
        if (await isBusy(operation.subject)) return null;
        // Somebody else took that place a moment ago.
      }
    }
    return { full: true, first: null };
  }

  async function isBusy(subject: string): Promise<boolean> {
    const row = await database
      .selectFrom('kiln_operation')
      .select('id')
      .where('busy_subject', '=', subject)
      .executeTakeFirst();
    return row !== undefined;
  }

  /** @throws FENCED when nothing was changed. */
  async function change(
    executor: KilnDatabase,
    operationId: string,
    fence: number,
    columns: UpdateObject<Schema, 'kiln_operation'>,
  ): Promise<void> {
    const { numUpdatedRows } = await executor
      .updateTable('kiln_operation')
      .set({ ...columns, updated_at: now() })
      .where('id', '=', operationId)
      .where('fence', '=', fence)
      .where('status', 'in', unendedStatuses)
      .executeTakeFirst();
    if (numUpdatedRows !== 1n) throw new KilnError('FENCED', `operation ${operationId} is no longer ours`);
  }

  async function append(
    operationId: string,
    fence: number,
    columns: UpdateObject<Schema, 'kiln_operation'>,
    { entries, amphorae }: Progress,
    settlement: Settlement | AmphoraSettlement | null = null,
  ): Promise<void> {
    if (entries.length === 0 && amphorae.length === 0 && !settlement)
      return await change(database, operationId, fence, columns);
    await database.transaction().execute(async (transaction) => {
      // A claim changes this row too: it comes after this transaction, or its fence is found here.
      const count = sql<number>`entry_count + ${entries.length}`;
      await change(transaction, operationId, fence, { ...columns, entry_count: count });
      await writeAmphorae(transaction, amphorae, clock.now());
      if (settlement) await applySettlement(transaction, settlement, now());
      const [first, ...others] = entries.map((entry, index) => {
        const position = sql<number>`entry_count - ${entries.length - index - 1}`;
        return transaction
          .selectFrom('kiln_operation')
          .where('id', '=', operationId)
          .select(['id', position.as('position'), sql<string>`${JSON.stringify(entry)}`.as('entry')]);
      });
      if (!first) return;
      const rows = others.reduce((all, one) => all.unionAll(one), first);
      await transaction
        .insertInto('kiln_journal_entry')
        .columns(['operation_id', 'position', 'entry'])
        .expression(rows)
        .execute();
    });
  }

  async function recordWith(operationId: string, fence: number, progress: Progress): Promise<void> {
    const failed = progress.entries.find((entry) => entry.kind === 'failed');
    const turned = failed && { status: 'undoing', reason: JSON.stringify(failed.reason) };
    await attempt(clock, () => append(operationId, fence, turned ?? {}, progress));
  }

  return {
    async enqueue(operation) {
      await attempt(clock, () => enqueueOperation(database, operation, now()));
    },

    claim: (operationId, worker, seenFence) =>
      attempt(clock, async () => withEntries(await claim(operationId, worker, seenFence))),

    claimPlace: (operationId, worker, seenFence, places, seen) =>
      attempt(clock, () =>
        claimPlace(operationId, worker, seenFence, places, seen?.operation.fence === seenFence ? seen : null),
      ),

    async release(operationId, fence) {
      await attempt(clock, () => change(database, operationId, fence, { worker: null, run_place: null }));
    },

    record: (operationId, fence, ...entries) => recordWith(operationId, fence, { entries, amphorae: [] }),
    recordWith,

    async finish(operationId, fence, end, { entries = [], amphorae = [], settlement = null } = {}) {
      const fields = end === 'done' ? { status: 'done' } : { status: 'undone', reason: JSON.stringify(end.undone) };
      const columns = { ...fields, worker: null, busy_subject: null, run_place: null };
      await attempt(clock, () => append(operationId, fence, columns, { entries, amphorae }, settlement));
    },

    async unclaimed(limit, flows) {
      const open = database
        .selectFrom('kiln_operation')
        .selectAll()
        .where('status', 'in', unendedStatuses)
        .where('worker', 'is', null);
      const rows = await attempt(clock, () =>
        (flows ? open.where('flow', 'in', flows) : open)
          .orderBy('priority', 'desc')
          .orderBy('created_at')
          .orderBy('id')
          .limit(limit)
          .execute(),
      );
      return rows.map(operationFromRow);
    },

    async claimed() {
      const rows = await attempt(clock, () =>
        database
          .selectFrom('kiln_operation')
          .selectAll()
          .where('status', 'in', unendedStatuses)
          .where('worker', 'is not', null)
          .execute(),
      );
      return rows.map(operationFromRow);
    },

    async list({ subject, limit }) {
      let query = database.selectFrom('kiln_operation').selectAll();
      if (subject !== undefined) query = query.where('subject', '=', subject);
      const rows = await attempt(clock, () =>
        query.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit).execute(),
      );
      return rows.map(operationFromRow);
    },

    async entriesOf(operationIds) {
      const found = new Map<string, JournalEntry[]>();
      if (operationIds.length === 0) return found;
      const rows = await attempt(clock, () =>
        database
          .selectFrom('kiln_journal_entry')
          .select(['operation_id', 'entry'])
          .where('operation_id', 'in', operationIds)
          .orderBy('operation_id')
          .orderBy('position')
          .execute(),
      );
      for (const { operation_id: id, entry } of rows) {
        const entries = found.get(id) ?? [];
        entries.push(JSON.parse(entry) as JournalEntry);
        found.set(id, entries);
      }
      return found;
    },

    get: (operationId) =>
      attempt(clock, async () => {
        const row = await readRow(operationId);
        if (!row) return null;
        const operation = operationFromRow(row);
        return row.entry_count === 0 ? { operation, entries: [] } : await withEntries(operation);
      }),
  };
}

/** Adds a queued operation, unless one with its ID is there. In a transaction of somebody else's if given one. */
export async function enqueueOperation(executor: KilnDatabase, operation: NewOperation, at: string): Promise<void> {
  const insert = insertOperation(executor, operation, at, 0);
  await (isMysql(executor)
    ? insert.onDuplicateKeyUpdate((row) => ({ id: row.ref('id') }))
    : insert.onConflict((conflict) => conflict.column('id').doNothing())
  ).execute();
}

/** @param entryCount entries of its journal that are inserted with it. */
export function insertOperation(executor: KilnDatabase, operation: NewOperation, at: string, entryCount: number) {
  return executor.insertInto('kiln_operation').values({
    id: operation.id,
    flow: operation.flow,
    subject: operation.subject,
    input: JSON.stringify(operation.input),
    priority: operation.priority,
    status: 'queued',
    fence: 0,
    worker: null,
    reason: null,
    busy_subject: null,
    held_flavor_id: typeof operation.input.flavorId === 'string' ? operation.input.flavorId : null,
    entry_count: entryCount,
    created_at: at,
    updated_at: at,
  });
}

/** Operations of this flow that have not ended. */
export async function countUnended(executor: KilnDatabase, flow: FlowName): Promise<number> {
  const { count } = await executor
    .selectFrom('kiln_operation')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('status', 'in', unendedStatuses)
    .where('flow', '=', flow)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** An operation as the model has it. */
export function operationFromRow(row: Row): Operation {
  return {
    id: row.id,
    flow: row.flow,
    subject: row.subject,
    input: JSON.parse(row.input) as Operation['input'],
    priority: row.priority,
    status: row.status as OperationStatus,
    fence: row.fence,
    worker: row.worker,
    reason: row.reason === null ? null : (JSON.parse(row.reason) as Operation['reason']),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
