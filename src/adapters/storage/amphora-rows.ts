import type { Insertable, Selectable, Updateable } from 'kysely';
import type { Amphora, AmphoraRole, AmphoraStatus } from '../../model/amphora.ts';
import { KilnError } from '../../model/errors.ts';
import type { AmphoraPatch, AmphoraWrite } from '../../ports/amphora-store.ts';
import { rememberImage } from './amphora-images.ts';
import type { KilnDatabase, Schema } from './schema.ts';
import { watchAmphora } from './watch-amphora.ts';

type Row = Schema['kiln_amphora'];

/** As `AmphoraStore.insert`. */
export async function insertAmphora(executor: KilnDatabase, amphora: Amphora): Promise<void> {
  await executor.insertInto('kiln_amphora').values(toRow(amphora)).execute();
  if (amphora.imageChoice) await rememberImage(executor, amphora.imageChoice, amphora.createdAt);
}

/** As `AmphoraStore.update`. @returns whether there is such an amphora. */
export async function updateAmphora(
  executor: KilnDatabase,
  amphoraId: string,
  patch: AmphoraPatch,
  now: Date,
): Promise<boolean> {
  const at = now.toISOString();
  if (patch.imageChoice) await rememberImage(executor, patch.imageChoice, at);
  const { numUpdatedRows } = await executor
    .updateTable('kiln_amphora')
    .set({ ...toColumns(patch), ...rotationOf(patch, now), updated_at: at })
    .where('id', '=', amphoraId)
    .executeTakeFirst();
  if (patch.status === 'ERROR') {
    const own = executor.selectFrom('kiln_amphora').select('load_balancer_id').where('id', '=', amphoraId);
    if ((await own.executeTakeFirst())?.load_balancer_id) await watchAmphora(executor, amphoraId, at);
  }
  return numUpdatedRows === 1n;
}

/** As `AmphoraStore.allocate`, in a transaction that the caller has begun. @returns whether there is such an amphora. */
export async function allocateAmphora(transaction: KilnDatabase, amphoraId: string, now: Date): Promise<boolean> {
  const { numUpdatedRows } = await transaction
    .updateTable('kiln_amphora')
    .set({ status: 'ALLOCATED', updated_at: now.toISOString() })
    .where('id', '=', amphoraId)
    .executeTakeFirst();
  if (numUpdatedRows !== 1n) return false;
  const own = transaction.selectFrom('kiln_amphora').where('id', '=', amphoraId);
  await transaction
    .updateTable('kiln_load_balancer')
    .set({ assigned_image_id: own.select('image_id') })
    .where('id', '=', own.select('load_balancer_id') as never)
    .execute();
  return true;
}

/** Rows that go on record with entries of a journal, in a transaction that the caller has begun. What is said of one amphora in a row is one statement. */
export async function writeAmphorae(
  transaction: KilnDatabase,
  writes: readonly AmphoraWrite[],
  now: Date,
): Promise<void> {
  for (const write of merged(writes)) {
    if ('insert' in write) await insertAmphora(transaction, write.insert);
    else if ('allocate' in write) await allocateAmphora(transaction, write.allocate.amphoraId, now);
    else await updateAmphora(transaction, write.amphoraId, write.patch, now);
  }
}

function merged(writes: readonly AmphoraWrite[]): AmphoraWrite[] {
  const all: AmphoraWrite[] = [];
  for (const write of writes) {
    const before = all.findLast((one) => amphoraOf(one) === amphoraOf(write));
    if (before && 'patch' in before && 'patch' in write) {
      all[all.indexOf(before)] = { ...before, patch: { ...before.patch, ...write.patch } };
    } else all.push(write);
  }
  return all;
}

function amphoraOf(write: AmphoraWrite): string {
  if ('insert' in write) return write.insert.id;
  return 'allocate' in write ? write.allocate.amphoraId : write.amphoraId;
}

/** There is no such row. */
export const amphoraNotFound = (amphoraId: string) =>
  new KilnError('AMPHORA_NOT_FOUND', `there is no amphora ${amphoraId}`);

/** An amphora as the model has it. */
export function fromRow(row: Selectable<Row>): Amphora {
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

/** An amphora as its table has it. */
export function toRow(amphora: Amphora): Insertable<Row> {
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

/** Half of a new certificate's time is used, however early renewal is asked for: else it would be renewed without end. */
function rotationNotBefore(now: Date, certExpiration: string): string {
  return new Date((now.getTime() + Date.parse(certExpiration)) / 2).toISOString();
}
