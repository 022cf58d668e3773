import { sql } from 'kysely';
import { batches } from '../../lib/batches.ts';
import { KilnError } from '../../model/errors.ts';
import type { NewOperation } from '../../model/operation.ts';
import { endedPhases } from '../../model/release.ts';
import type { NewReleaseEvent, ReleaseChange, StoredRelease, TargetChange } from '../../ports/release-store.ts';
import { enqueueOperation } from './journal.ts';
import { fromEvent, fromTarget } from './release-rows.ts';
import type { KilnDatabase } from './schema.ts';

/** Rows in one statement. */
const BATCH = 100;

/**
 * Writes a decision, in a transaction that the caller has begun. The release's row comes first: whoever else decides waits for
 * it, or is refused by its fence; on Galera one of two is undone.
 * @returns the operations that were put in the queue. @throws FENCED
 */
export async function commitChange(
  transaction: KilnDatabase,
  release: StoredRelease,
  change: ReleaseChange,
  nowMs: number,
): Promise<NewOperation[]> {
  const { id, tag } = release.spec;
  await advance(transaction, release, {}, nowMs);
  const at = new Date(nowMs).toISOString();
  const queued: NewOperation[] = [];
  const written: TargetChange[] = [];
  for (const target of change.targets) {
    const { operation } = target;
    if (operation && !(await lock(transaction, target.after.loadBalancerId, operation.mutableFrom, at))) continue;
    if (operation) await enqueueOperation(transaction, operation, at);
    if (operation) queued.push(operation);
    await transaction
      .updateTable('kiln_release_target')
      .set(fromTarget(target.after))
      .where('release_id', '=', id)
      .where('load_balancer_id', '=', target.after.loadBalancerId)
      .execute();
    written.push(target);
  }
  for (const batch of batches(change.joined, BATCH)) {
    await transaction.insertInto('kiln_release_target').values(batch.map(fromTarget)).execute();
  }
  for (const { place, attempt, imageFaults, operation } of change.probes) {
    const key = JSON.stringify([place.flavorId, place.zone]);
    await transaction.deleteFrom('kiln_release_probe').where('release_id', '=', id).where('place', '=', key).execute();
    const probe = { attempt, image_faults: imageFaults, operation_id: operation.id, started_ms: nowMs };
    await transaction
      .insertInto('kiln_release_probe')
      .values({ release_id: id, place: key, ...probe })
      .execute();
    await enqueueOperation(transaction, operation, at);
    queued.push(operation);
  }
  const { rejected } = change;
  if (rejected) {
    const key = { hash_algo: rejected.hashAlgo, hash: rejected.hash };
    await transaction
      .deleteFrom('kiln_rejected_image')
      .where('hash_algo', '=', key.hash_algo)
      .where('hash', '=', key.hash)
      .execute();
    await transaction
      .insertInto('kiln_rejected_image')
      .values({ ...key, release_id: id, at_ms: nowMs })
      .execute();
  }
  const events = [...written.map(({ event }) => event), ...change.events];
  const hasEnded = endedPhases.includes(change.progress.phase);
  await transaction
    .updateTable('kiln_release')
    .set({
      progress: JSON.stringify(change.progress),
      phase: change.progress.phase,
      tallies: JSON.stringify(change.talliesAfter(written)),
      event_count: release.eventCount + events.length,
      former_images: JSON.stringify([
        ...new Set([...release.formerImageIds, ...change.joined.map(({ fromImageId }) => fromImageId)]),
      ]),
      ended_ms: change.endedAtMs,
      active_tag: hasEnded ? null : tag,
    })
    .where('id', '=', id)
    .execute();
  await appendEvents(transaction, id, release.eventCount, events);
  if (hasEnded) await transaction.deleteFrom('kiln_release_sample').where('release_id', '=', id).execute();
  return queued;
}

/** @throws FENCED when the release is another by now than the one that was read. */
export async function advance(
  transaction: KilnDatabase,
  { spec: { id }, fence }: StoredRelease,
  columns: { intent?: string; event_count?: number },
  nowMs: number,
): Promise<void> {
  const { numUpdatedRows } = await transaction
    .updateTable('kiln_release')
    .set({ ...columns, fence: fence + 1, updated_ms: nowMs })
    .where('id', '=', id)
    .where('fence', '=', fence)
    .executeTakeFirst();
  if (numUpdatedRows !== 1n) throw new KilnError('FENCED', `release ${id} has changed since it was read`);
}

export async function appendEvents(
  transaction: KilnDatabase,
  releaseId: string,
  eventCount: number,
  events: readonly NewReleaseEvent[],
): Promise<void> {
  const rows = events.map((event, index) => fromEvent(releaseId, eventCount + index + 1, event));
  for (const batch of batches(rows, BATCH)) {
    await transaction.insertInto('kiln_release_event').values(batch).execute();
  }
}

/** @returns false when somebody else changes it, or it is gone. */
async function lock(
  transaction: KilnDatabase,
  loadBalancerId: string,
  mutableFrom: readonly string[],
  at: string,
): Promise<boolean> {
  const { numUpdatedRows } = await transaction
    .updateTable('kiln_load_balancer')
    .set({ provisioning_status: 'PENDING_UPDATE', updated_at: at, revision: sql`revision + 1` })
    .where('id', '=', loadBalancerId)
    .where('provisioning_status', 'in', mutableFrom)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}
