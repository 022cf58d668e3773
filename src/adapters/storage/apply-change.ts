import { sql } from 'kysely';
import { KilnError } from '../../model/errors.ts';
import type { Change, RowChange } from '../../ports/load-balancer-store.ts';
import { applyRows } from './apply-rows.ts';
import { enqueueOperation } from './journal.ts';
import { holdFlavorOf, holdProfiles } from './profile-lock.ts';
import { checkQuota, lockQuota } from './quota-check.ts';
import type { KilnDatabase } from './schema.ts';
import { claimVipPort } from './vip-ports.ts';
import { redeemReservation } from './vip-reservations.ts';

/**
 * Carries a change out, in a transaction that the caller has begun. Its statements are as many as it touches kinds (and
 * batches of rows), not as it has rows.
 * @throws IMMUTABLE, CHANGE_OUTDATED, RESOURCE_NOT_FOUND: the load balancer's status or revision, or that there is none.
 * @throws QUOTA_MET
 */
export async function applyChange(transaction: KilnDatabase, change: Change, at: string): Promise<void> {
  // First, before anything is read: what MySQL reads afterwards is as it is once the others are done.
  const quota = change.quota && (await lockQuota(transaction, change.quota));
  await admit(transaction, change);
  await applyRows(transaction, change.rows, {
    areNew: isCreation(change),
    async check(kind, rows, made) {
      if (quota) await checkQuota(transaction, quota, kind, { made, leaving: rows.filter(isLeaving).length });
    },
  });
  if (change.operation) await enqueueOperation(transaction, change.operation, at);
}

/**
 * Lets in one change of a load balancer at a time. It writes the load balancer's row in any case: that holds up others
 * until the transaction ends, and on Galera, whose nodes don't see each other's locks, undoes one of two.
 */
async function admit(transaction: KilnDatabase, change: Change): Promise<void> {
  const { loadBalancerId, mutableFrom, basedOnRevision = null } = change;
  const status = async () => {
    const row = await transaction
      .selectFrom('kiln_load_balancer')
      .select('provisioning_status')
      .where('id', '=', loadBalancerId)
      .executeTakeFirst();
    return row && String(row.provisioning_status);
  };
  if (isCreation(change)) {
    // Where there is one of this ID already its row is refused.
    await holdProfiles(transaction, change);
    await claimVipPort(transaction, change);
    return await redeemReservation(transaction, loadBalancerId);
  }
  let update = transaction
    .updateTable('kiln_load_balancer')
    .set({ revision: sql`revision + 1` })
    .where('id', '=', loadBalancerId)
    .where('provisioning_status', 'in', mutableFrom);
  if (basedOnRevision !== null) update = update.where('revision', '=', basedOnRevision);
  const { numUpdatedRows } = await update.executeTakeFirst();
  if (numUpdatedRows === 1n) return await holdFlavorOf(transaction, change);
  const found = await status();
  if (!found) throw new KilnError('RESOURCE_NOT_FOUND', `there is no load balancer ${loadBalancerId}`);
  if (mutableFrom.some((status) => status === found)) {
    throw new KilnError('CHANGE_OUTDATED', `load balancer ${loadBalancerId} has changed since it was read`);
  }
  throw new KilnError(
    'IMMUTABLE',
    `load balancer ${loadBalancerId} is ${found}; this change needs it to be ${mutableFrom.join(' or ')}`,
  );
}

const isCreation = ({ mutableFrom }: Change) => mutableFrom.length === 0;

/** On its way out: what comes in its place does not count twice. */
const isLeaving = (change: RowChange) => 'put' in change && change.put.provisioningStatus === 'PENDING_DELETE';
