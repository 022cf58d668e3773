import { sql } from 'kysely';
import { KilnError } from '../../model/errors.ts';
import type { Change } from '../../ports/load-balancer-store.ts';
import { isMysql } from './engine.ts';
import type { KilnDatabase } from './schema.ts';

/**
 * The flavor and the zone of a new load balancer are still there and enabled, and stay until the transaction ends: who deletes one at
 * this moment waits, and then finds it in use.
 * @throws CHANGE_OUTDATED when one is gone: the request is to be decided anew.
 */
export async function holdProfiles(transaction: KilnDatabase, { rows }: Change): Promise<void> {
  for (const row of rows) {
    if (row.kind !== 'loadbalancer' || !('put' in row)) continue;
    const { flavorId, availabilityZone } = row.put;
    await hold(transaction, 'kiln_flavor', 'id', flavorId);
    await hold(transaction, 'kiln_availability_zone', 'name', availabilityZone);
  }
}

/** The flavor that the operation of a change names is still there and enabled, and stays: see `holdProfiles`. */
export async function holdFlavorOf(transaction: KilnDatabase, { operation }: Change): Promise<void> {
  const flavorId = operation?.input.flavorId;
  if (typeof flavorId === 'string') await hold(transaction, 'kiln_flavor', 'id', flavorId);
}

async function hold(
  transaction: KilnDatabase,
  table: 'kiln_flavor' | 'kiln_availability_zone',
  key: 'id' | 'name',
  value: string | null,
): Promise<void> {
  if (value === null) return;
  const query = transaction
    .selectFrom(table as 'kiln_flavor')
    .select(key as 'id')
    .where(key as 'id', '=', value)
    .where('enabled', '=', 1);
  // SQLite has one writer at a time. MariaDB knows no FOR SHARE.
  const found = await (isMysql(transaction) ? query.modifyEnd(sql`lock in share mode`) : query).executeTakeFirst();
  if (!found) throw new KilnError('CHANGE_OUTDATED', `${key} ${value} is no longer in ${table}, or disabled`);
}
