import { type Selectable, sql } from 'kysely';
import { batches } from '../../lib/batches.ts';
import type { CloudObjectKind, OrphanSighting, OwnerClaim, Ownership } from '../../model/cloud-object.ts';
import { unendedStatuses } from '../../model/operation.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CloudOrphans } from '../../ports/cloud-orphans.ts';
import { isMysql } from './engine.ts';
import { attempt } from './faults.ts';
import type { KilnDatabase, Schema } from './schema.ts';

type AmphoraRow = Pick<
  Selectable<Schema['kiln_amphora']>,
  'id' | 'status' | 'server_name' | 'compute_id' | 'load_balancer_id'
>;

/** Claims, or rows, of one statement. */
const LARGEST_BATCH = 1_000;

/** Orphans by the tables of amphorae, load balancers, reservations and operations, and `kiln_former_id`; seen: `kiln_orphan`. */
export function createCloudOrphans(database: KilnDatabase, clock: Clock): CloudOrphans {
  const sightings = async (executor: KilnDatabase) =>
    (await executor.selectFrom('kiln_orphan').selectAll().orderBy('first_seen_at').orderBy('id').execute()).map(
      fromRow,
    );

  return {
    async judge(claims) {
      const judged: Ownership[] = [];
      for (const batch of batches(claims, LARGEST_BATCH))
        judged.push(...(await attempt(clock, () => judgeBatch(database, batch))));
      return judged;
    },

    noteLook: (found, at) =>
      attempt(clock, () =>
        database.transaction().execute(async (transaction) => {
          const keyOf = ({ kind, id }: { kind: string; id: string }) => `${kind} ${id}`;
          const known = new Map((await sightings(transaction)).map((one) => [keyOf(one), one]));
          const foundKeys = new Set(found.map(keyOf));
          for (const one of known.values()) if (!foundKeys.has(keyOf(one))) await remove(transaction, one);
          if (found.some((one) => known.has(keyOf(one))))
            await transaction.updateTable('kiln_orphan').set({ looks: sql<number>`looks + 1` }).execute();
          const made = found.filter((one) => !known.has(keyOf(one)));
          for (const batch of batches(made, LARGEST_BATCH)) {
            const rows = batch.map(({ kind, id, name }) => ({ kind, id, name, first_seen_at: at, looks: 1 }));
            const insert = transaction.insertInto('kiln_orphan').values(rows);
            await (isMysql(transaction)
              ? insert.onDuplicateKeyUpdate({ looks: sql<number>`looks` })
              : insert.onConflict((conflict) => conflict.doNothing())
            ).execute();
          }
          return await sightings(transaction);
        }),
      ),

    sightings: () => attempt(clock, () => sightings(database)),

    forget: (orphan) => attempt(clock, () => remove(database, orphan)),

    forgetIdsGoneBefore: (before, limit) =>
      attempt(clock, async () => {
        const old = database.selectFrom('kiln_former_id').select('id').where('gone_at', '<', before).limit(limit);
        const ids = (await old.execute()).map(({ id }) => id);
        if (ids.length === 0) return 0;
        await database.deleteFrom('kiln_former_id').where('id', 'in', ids).where('gone_at', '<', before).execute();
        return ids.length;
      }),
  };
}

async function remove(executor: KilnDatabase, { kind, id }: { kind: string; id: string }): Promise<void> {
  await executor.deleteFrom('kiln_orphan').where('kind', '=', kind).where('id', '=', id).execute();
}

function fromRow(row: Selectable<Schema['kiln_orphan']>): OrphanSighting {
  const { id, name, looks, first_seen_at: firstSeenAt } = row;
  return { kind: row.kind as CloudObjectKind, id, name, firstSeenAt, looks };
}

async function judgeBatch(database: KilnDatabase, claims: readonly OwnerClaim[]): Promise<Ownership[]> {
  const named = (what: keyof OwnerClaim) => present(claims.map((claim) => claim[what]));
  const amphorae = await amphoraeNamed(database, {
    ids: named('amphoraId'),
    computeIds: named('serverId'),
    serverNames: named('serverName'),
  });
  const loadBalancerIds = present([
    ...named('loadBalancerId'),
    ...amphorae.map(({ load_balancer_id: loadBalancerId }) => loadBalancerId),
  ]);
  const owners = await livingLoadBalancers(database, loadBalancerIds);
  const subjects = present([...loadBalancerIds, ...named('amphoraId'), ...amphorae.map(({ id }) => id)]);
  const operations = await operationsOn(database, subjects);
  const formerIds = await formerIdsAmong(database, subjects);
  const byId = new Map(amphorae.map((row) => [row.id, row]));
  const byComputeId = new Map(amphorae.map((row) => [row.compute_id, row]));
  const byServerName = Map.groupBy(amphorae, (row) => row.server_name);

  return claims.map(({ loadBalancerId, amphoraId, serverId, serverName }) => {
    const ofId = [amphoraId && byId.get(amphoraId), serverId && byComputeId.get(serverId)].filter((row) => !!row);
    const ofName = serverName === null ? [] : (byServerName.get(serverName) ?? []);
    const rows = [...ofId, ...ofName] as AmphoraRow[];
    if (rows.some(({ status }) => status !== 'DELETED')) return 'owned';
    if (loadBalancerId !== null && owners.has(loadBalancerId)) return 'owned';
    const ids = present([loadBalancerId, amphoraId, ...rows.flatMap((row) => [row.id, row.load_balancer_id])]);
    if (ids.some((id) => operations.get(id) === 'under way')) return 'busy';
    const isOurs =
      ofId.length > 0 ||
      // A short random name may be another's as well: it counts where nobody knows the server's ID.
      ofName.some((row) => row.compute_id === null) ||
      present([loadBalancerId, amphoraId]).some((id) => formerIds.has(id) || operations.has(id));
    return isOurs ? 'gone' : 'unknown';
  });
}

async function amphoraeNamed(
  database: KilnDatabase,
  by: { ids: string[]; computeIds: string[]; serverNames: string[] },
): Promise<AmphoraRow[]> {
  const columns = { id: by.ids, compute_id: by.computeIds, server_name: by.serverNames } as const;
  const rows: AmphoraRow[] = [];
  for (const [column, values] of Object.entries(columns)) {
    if (values.length === 0) continue;
    const found = await database
      .selectFrom('kiln_amphora')
      .select(['id', 'status', 'server_name', 'compute_id', 'load_balancer_id'])
      .where(column as keyof typeof columns, 'in', values)
      .execute();
    rows.push(...found);
  }
  return rows;
}

/** Those that have a row, and those for which a VIP is reserved. */
async function livingLoadBalancers(database: KilnDatabase, ids: string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = await database
    .selectFrom('kiln_load_balancer')
    .select('id')
    .where('id', 'in', ids)
    .unionAll(
      database.selectFrom('kiln_vip_reservation').select('load_balancer_id as id').where('load_balancer_id', 'in', ids),
    )
    .execute();
  return new Set(rows.map(({ id }) => String(id)));
}

async function operationsOn(database: KilnDatabase, subjects: string[]): Promise<Map<string, 'under way' | 'ended'>> {
  if (subjects.length === 0) return new Map();
  const rows = await database
    .selectFrom('kiln_operation')
    .select(['subject', 'status'])
    .distinct()
    .where('subject', 'in', subjects)
    .execute();
  const found = new Map<string, 'under way' | 'ended'>();
  for (const { subject, status } of rows) {
    const isUnderWay = (unendedStatuses as readonly string[]).includes(status);
    if (isUnderWay || !found.has(subject)) found.set(subject, isUnderWay ? 'under way' : 'ended');
  }
  return found;
}

async function formerIdsAmong(database: KilnDatabase, ids: string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = await database.selectFrom('kiln_former_id').select('id').where('id', 'in', ids).execute();
  return new Set(rows.map(({ id }) => id));
}

function present(values: readonly (string | null)[]): string[] {
  return [...new Set(values.filter((value) => value !== null))];
}
