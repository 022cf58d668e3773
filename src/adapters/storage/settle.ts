import { sql } from 'kysely';
import { batches } from '../../lib/batches.ts';
import type { ResourceKind } from '../../model/load-balancer.ts';
import type { AmphoraSettlement } from '../../ports/amphora-store.ts';
import type { Settlement } from '../../ports/load-balancer-store.ts';
import { applyRows } from './apply-rows.ts';
import { rememberFormerIds } from './former-ids.ts';
import { tableOf } from './resource-tables.ts';
import type { KilnDatabase } from './schema.ts';
import { releaseVipPorts } from './vip-ports.ts';

/** SQLite takes 32766 values in one statement. */
const LARGEST_BATCH = 5_000;

/** What works when it is in the configuration: no heartbeat tells of it. */
const worksByItself: ReadonlySet<ResourceKind> = new Set(['healthmonitor', 'l7policy', 'l7rule']);

/**
 * Carries a settlement out, in a transaction in which the caller has seen that the operation is still its own: a statement
 * for each kind and status it names.
 */
export async function applySettlement(
  transaction: KilnDatabase,
  settlement: Settlement | AmphoraSettlement,
  at: string,
): Promise<void> {
  if ('amphoraId' in settlement) return await settleAmphora(transaction, settlement, at);
  // The tables of all kinds have one shape.
  const table = (kind: ResourceKind) => tableOf(kind).table as 'kiln_listener';
  await applyRows(transaction, settlement.restores ?? []);
  /** The load balancer's own row is written once, below. */
  let own = {};
  for (const { kind, ids, provisioningStatus } of settlement.statuses) {
    const operating =
      provisioningStatus === 'ACTIVE' && worksByItself.has(kind)
        ? { operating_status: sql<string>`case when admin_state_up = 1 then 'ONLINE' else 'OFFLINE' end` }
        : {};
    const values = {
      provisioning_status: provisioningStatus,
      ...(provisioningStatus === 'ACTIVE' ? { updated_at: at } : {}),
      ...operating,
    };
    if (kind === 'loadbalancer' && ids.length === 1 && ids[0] === settlement.loadBalancerId) {
      own = values;
      continue;
    }
    for (const batch of batches(ids, LARGEST_BATCH)) {
      await transaction.updateTable(table(kind)).set(values).where('id', 'in', batch).execute();
    }
  }
  for (const { kind, ids } of settlement.deletes) {
    for (const batch of batches(ids, LARGEST_BATCH)) {
      if (kind === 'pool') {
        await transaction
          .updateTable('kiln_listener')
          .set({ default_pool_id: null })
          .where('default_pool_id', 'in', batch)
          .execute();
      }
      if (kind === 'listener') {
        await transaction.deleteFrom('kiln_listener_statistics').where('listener_id', 'in', batch).execute();
        await transaction
          .deleteFrom('kiln_traffic_sample')
          .where('load_balancer_id', '=', settlement.loadBalancerId)
          .where('listener_id', 'in', batch)
          .execute();
      }
      if (kind === 'loadbalancer') {
        await releaseVipPorts(transaction, batch);
        await rememberFormerIds(transaction, batch, at);
      }
      await transaction.deleteFrom('kiln_tag').where('resource_id', 'in', batch).execute();
      await transaction.deleteFrom(table(kind)).where('id', 'in', batch).execute();
    }
  }
  const reason = settlement.reason && JSON.stringify(settlement.reason);
  await transaction
    .updateTable('kiln_load_balancer')
    .set({ ...own, reason, revision: sql`revision + 1` })
    .where('id', '=', settlement.loadBalancerId)
    .execute();
}

async function settleAmphora(
  transaction: KilnDatabase,
  { amphoraId, status, reason }: AmphoraSettlement,
  at: string,
): Promise<void> {
  await transaction
    .updateTable('kiln_amphora')
    .set({ status, reason: reason && JSON.stringify(reason), worker: null, updated_at: at })
    .where('id', '=', amphoraId)
    .where('status', '!=', 'DELETED')
    .execute();
}
