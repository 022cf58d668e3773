import { expressionBuilder, type Selectable } from 'kysely';
import type { Amphora } from '../../model/amphora.ts';
import { KilnError } from '../../model/errors.ts';
import { unendedStatuses } from '../../model/operation.ts';
import type { AmphoraRegister, AmphoraStore } from '../../ports/amphora-store.ts';
import type { Clock } from '../../ports/clock.ts';
import { allocateAmphora, amphoraNotFound, fromRow, insertAmphora, toRow, updateAmphora } from './amphora-rows.ts';
import { attempt, isDuplicate } from './faults.ts';
import { enqueueOperation, insertOperation } from './journal.ts';
import { type PagedTable, selectPageOf } from './list-query.ts';
import { columnsOf } from './resource-tables.ts';
import type { KilnDatabase, ResourceValues, Schema } from './schema.ts';

type Row = Schema['kiln_amphora'];

/** What lists may be filtered and sorted by. */
const paged: PagedTable = {
  table: 'kiln_amphora',
  kind: 'amphora',
  key: 'id',
  columns: columnsOf({
    id: 'string',
    loadBalancerId: 'string?',
    role: 'string?',
    vrrpPortId: 'string?',
    vrrpIp: 'string?',
    haPortId: 'string?',
    haIp: 'string?',
    status: 'string',
    serverName: 'string',
    computeId: 'string?',
    lbNetworkIp: 'string?',
    imageId: 'string?',
    computeFlavor: 'string?',
    cachedZone: 'string?',
    certExpiration: 'string?',
    agentVersion: 'string?',
    createdAt: 'string',
    updatedAt: 'string',
  }),
};

/** Amphorae in the table `kiln_amphora`. Each call is tried again when the engine undid it in favour of another's. */
export function createAmphoraStore(database: KilnDatabase, clock: Clock): AmphoraStore & AmphoraRegister {
  async function get(amphoraId: string): Promise<Amphora | null> {
    const row = await database.selectFrom('kiln_amphora').selectAll().where('id', '=', amphoraId).executeTakeFirst();
    return row ? fromRow(row) : null;
  }

  return {
    get: (amphoraId) => attempt(clock, () => get(amphoraId)),

    insert: (amphora) => attempt(clock, () => insertAmphora(database, amphora)),

    async update(amphoraId, patch) {
      if (!(await attempt(clock, () => updateAmphora(database, amphoraId, patch, clock.now()))))
        throw amphoraNotFound(amphoraId);
    },

    async allocate(amphoraId) {
      const isThere = await attempt(clock, () =>
        database.transaction().execute((transaction) => allocateAmphora(transaction, amphoraId, clock.now())),
      );
      if (!isThere) throw amphoraNotFound(amphoraId);
    },

    async assignedImageId(loadBalancerId) {
      const query = database
        .selectFrom('kiln_load_balancer')
        .select('assigned_image_id')
        .where('id', '=', loadBalancerId);
      const row = await attempt(clock, () => query.executeTakeFirst());
      return row?.assigned_image_id == null ? null : String(row.assigned_image_id);
    },

    async list({ includeDeleted = false, loadBalancerId } = {}) {
      let query = database.selectFrom('kiln_amphora').selectAll();
      if (loadBalancerId !== undefined) query = query.where('load_balancer_id', '=', loadBalancerId);
      if (!includeDeleted) query = query.where('status', '!=', 'DELETED');
      const rows = await attempt(clock, () => query.orderBy('created_at', 'desc').orderBy('id', 'desc').execute());
      return rows.map(fromRow);
    },

    async listWithoutOperation() {
      const query = database
        .selectFrom('kiln_amphora')
        .selectAll()
        .where('status', 'in', ['BOOTING', 'PENDING_DELETE'])
        .where('load_balancer_id', 'is', null)
        .where(({ exists, not, selectFrom }) =>
          not(
            exists(
              selectFrom('kiln_operation')
                .select('kiln_operation.id')
                .whereRef('kiln_operation.subject', '=', 'kiln_amphora.id')
                .where('kiln_operation.status', 'in', unendedStatuses),
            ),
          ),
        )
        .orderBy('updated_at')
        .orderBy('id');
      return (await attempt(clock, () => query.execute())).map(fromRow);
    },

    async countByStatus() {
      const query = database
        .selectFrom('kiln_amphora')
        .select(['status', ({ fn }) => fn.countAll<number>().as('count')])
        .where('status', '!=', 'DELETED')
        .groupBy('status');
      const rows = await attempt(clock, () => query.execute());
      return Object.fromEntries(rows.map(({ status, count }) => [status, Number(count)]));
    },

    async listPage({ projectId, ...query }) {
      const conditions = [builder('status', '!=', 'DELETED')];
      if (projectId !== null) {
        const owned = database.selectFrom('kiln_load_balancer').select('id').where('project_id', '=', projectId);
        conditions.push(builder('load_balancer_id', 'in', owned));
      }
      const rows = await attempt(clock, () => selectPageOf(database, paged, query, { conditions }));
      return rows.map((row) => fromRow(row as unknown as Selectable<Row>));
    },

    async requestDeletion(amphoraId, operation, from = ['ERROR']) {
      const at = clock.now().toISOString();
      const found = await attempt(clock, () =>
        database.transaction().execute(async (transaction) => {
          const { numUpdatedRows } = await transaction
            .updateTable('kiln_amphora')
            .set({ status: 'PENDING_DELETE', updated_at: at })
            .where('id', '=', amphoraId)
            .where('status', 'in', from)
            .executeTakeFirst();
          if (numUpdatedRows === 1n) {
            await enqueueOperation(transaction, operation, at);
            return null;
          }
          const columns = transaction.selectFrom('kiln_amphora').select('status').where('id', '=', amphoraId);
          return (await columns.executeTakeFirst())?.status ?? 'DELETED';
        }),
      );
      if (found === 'DELETED') throw amphoraNotFound(amphoraId);
      if (found !== null)
        throw new KilnError('IMMUTABLE', `amphora ${amphoraId} is ${found}, not ${from.join(' or ')}`);
    },

    async requestBoot(amphora, operation) {
      await attempt(clock, () =>
        database.transaction().execute(async (transaction) => {
          await transaction.insertInto('kiln_amphora').values(toRow(amphora)).execute();
          await enqueueOperation(transaction, operation, amphora.createdAt);
        }),
      );
    },

    async adopt(operation, entries) {
      const at = clock.now().toISOString();
      try {
        await attempt(clock, () =>
          database.transaction().execute(async (transaction) => {
            await insertOperation(transaction, operation, at, entries.length).execute();
            const rows = entries.map((entry, index) => ({
              operation_id: operation.id,
              position: index + 1,
              entry: JSON.stringify(entry),
            }));
            if (rows.length > 0) await transaction.insertInto('kiln_journal_entry').values(rows).execute();
            const failed = entries.find((entry) => entry.kind === 'failed');
            if (!failed) return;
            await transaction
              .updateTable('kiln_operation')
              .set({ status: 'undoing', reason: JSON.stringify(failed.reason) })
              .where('id', '=', operation.id)
              .execute();
          }),
        );
        return true;
      } catch (error) {
        if (isDuplicate(error)) return false; // Somebody else has given it one.
        throw error;
      }
    },
  };
}

const builder = expressionBuilder<Record<string, ResourceValues>, string>();
