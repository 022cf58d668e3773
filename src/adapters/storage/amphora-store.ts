import { expressionBuilder, type Insertable, type Selectable, type Updateable } from 'kysely';
import type { Amphora, AmphoraRole, AmphoraStatus } from '../../model/amphora.ts';
import { KilnError } from '../../model/errors.ts';
import { unendedStatuses } from '../../model/operation.ts';
import type { AmphoraPatch, AmphoraRegister, AmphoraStore } from '../../ports/amphora-store.ts';
import type { Clock } from '../../ports/clock.ts';
import { rememberImage } from './amphora-images.ts';
import { rotationNotBefore } from './certificate-rotations.ts';
import { attempt, isDuplicate } from './faults.ts';
import { enqueueOperation, insertOperation } from './journal.ts';
import { type PagedTable, selectPageOf } from './list-query.ts';
import { columnsOf } from './resource-tables.ts';
import type { KilnDatabase, ResourceValues, Schema } from './schema.ts';
import { watchAmphora } from './watch-amphora.ts';

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

    async insert(amphora) {
      const { imageChoice, createdAt } = amphora;
      await attempt(clock, () => database.insertInto('kiln_amphora').values(toRow(amphora)).execute());
      if (imageChoice) await attempt(clock, () => rememberImage(database, imageChoice, createdAt));
    },

    async update(amphoraId, patch) {
      const now = clock.now();
      const changes = { ...toColumns(patch), ...rotationOf(patch, now), updated_at: now.toISOString() };
      const { numUpdatedRows } = await attempt(clock, async () => {
        if (patch.imageChoice) await rememberImage(database, patch.imageChoice, changes.updated_at);
        const update = database.updateTable('kiln_amphora').set(changes).where('id', '=', amphoraId);
        const result = await update.executeTakeFirst();
        const inError = patch.status === 'ERROR' ? await get(amphoraId) : null;
        if (inError?.loadBalancerId) await watchAmphora(database, amphoraId, changes.updated_at);
        return result;
      });
      if (numUpdatedRows !== 1n) throw new KilnError('AMPHORA_NOT_FOUND', `there is no amphora ${amphoraId}`);
    },

    async allocate(amphoraId) {
      const at = clock.now().toISOString();
      await attempt(clock, () =>
        database.transaction().execute(async (transaction) => {
          const { numUpdatedRows } = await transaction
            .updateTable('kiln_amphora')
            .set({ status: 'ALLOCATED', updated_at: at })
            .where('id', '=', amphoraId)
            .executeTakeFirst();
          if (numUpdatedRows !== 1n) throw new KilnError('AMPHORA_NOT_FOUND', `there is no amphora ${amphoraId}`);
          const own = transaction.selectFrom('kiln_amphora').where('id', '=', amphoraId);
          await transaction
            .updateTable('kiln_load_balancer')
            .set({ assigned_image_id: own.select('image_id') })
            .where('id', '=', own.select('load_balancer_id') as never)
            .execute();
        }),
      );
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
      if (found === 'DELETED') throw new KilnError('AMPHORA_NOT_FOUND', `there is no amphora ${amphoraId}`);
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

function fromRow(row: Selectable<Row>): Amphora {
  return {
    id: row.id,
    loadBalancerId: row.load_balancer_id,
    role: row.role as AmphoraRole | null,
    vrrpPortId: row.vrrp_port_id,
    vrrpIp: row.vrrp_ip,
    haPortId: row.ha_port_id,
    haIp: row.ha_ip,
    status: row.status as AmphoraStatus,
    serverName: row.server_name,
    computeId: row.compute_id,
    lbNetworkIp: row.lb_network_ip,
    imageId: row.image_id,
    imageChoice: fromJson(row.image_choice),
    computeFlavor: row.compute_flavor,
    cachedZone: row.cached_zone,
    certExpiration: row.cert_expiration,
    agentVersion: row.agent_version,
    timings: fromJson(row.timings) ?? {},
    worker: row.worker,
    reason: fromJson(row.reason),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function toRow(amphora: Amphora): Insertable<Row> {
  return {
    id: amphora.id,
    server_name: amphora.serverName,
    created_at: amphora.createdAt,
    updated_at: amphora.updatedAt,
    ...(toColumns(amphora) as Omit<Insertable<Row>, 'id' | 'server_name' | 'created_at' | 'updated_at'>),
  };
}

/** A new certificate: none of the renewals of the one before it counts. */
function rotationOf({ certExpiration }: AmphoraPatch, now: Date): Updateable<Row> {
  if (certExpiration === undefined) return {};
  return {
    cert_rotation_after: certExpiration === null ? null : rotationNotBefore(now, certExpiration),
    cert_rotation_attempts: 0,
    cert_rotation_operation: null,
  };
}

/** The columns of the fields that the patch names, and no others. */
function toColumns(patch: AmphoraPatch): Updateable<Row> {
  const columns: Updateable<Row> = {};
  if (patch.status !== undefined) columns.status = patch.status;
  if (patch.loadBalancerId !== undefined) columns.load_balancer_id = patch.loadBalancerId;
  if (patch.role !== undefined) columns.role = patch.role;
  if (patch.vrrpPortId !== undefined) columns.vrrp_port_id = patch.vrrpPortId;
  if (patch.vrrpIp !== undefined) columns.vrrp_ip = patch.vrrpIp;
  if (patch.haPortId !== undefined) columns.ha_port_id = patch.haPortId;
  if (patch.haIp !== undefined) columns.ha_ip = patch.haIp;
  if (patch.computeId !== undefined) columns.compute_id = patch.computeId;
  if (patch.lbNetworkIp !== undefined) columns.lb_network_ip = patch.lbNetworkIp;
  if (patch.imageId !== undefined) columns.image_id = patch.imageId;
  if (patch.imageChoice !== undefined) columns.image_choice = toJson(patch.imageChoice);
  if (patch.computeFlavor !== undefined) columns.compute_flavor = patch.computeFlavor;
  if (patch.cachedZone !== undefined) columns.cached_zone = patch.cachedZone;
  if (patch.certExpiration !== undefined) columns.cert_expiration = patch.certExpiration;
  if (patch.agentVersion !== undefined) columns.agent_version = patch.agentVersion;
  if (patch.agentConfigDigest !== undefined) {
    columns.agent_config_digest = patch.agentConfigDigest;
    columns.agent_config_attempts = 0;
  }
  if (patch.timings !== undefined) columns.timings = JSON.stringify(patch.timings);
  if (patch.worker !== undefined) columns.worker = patch.worker;
  if (patch.reason !== undefined) columns.reason = toJson(patch.reason);
  return columns;
}

function fromJson<Value>(text: string | null): Value | null {
  return text === null ? null : (JSON.parse(text) as Value);
}

function toJson(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}
