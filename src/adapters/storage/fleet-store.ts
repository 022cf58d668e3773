import { type RawBuilder, sql } from 'kysely';
import type { Clock } from '../../ports/clock.ts';
import type { AmphoraGroup, FleetStore, LoadBalancerGroup } from '../../ports/fleet-store.ts';
import { attempt } from './faults.ts';
import { readFlavorTags } from './release-fleet.ts';
import type { KilnDatabase } from './schema.ts';

const countIf = (condition: RawBuilder<unknown>) =>
  sql<number | string>`coalesce(sum(case when ${condition} then 1 else 0 end), 0)`;

/** Pairs whose two amphorae serve with different images, as `l`: what a statement selects from. */
export const mixedPairs = sql`(
  select load_balancer_id from kiln_amphora where case status when 'ALLOCATED' then 1 else 0 end = 1
  group by load_balancer_id having min(image_id) <> max(image_id)
) mixed join kiln_load_balancer l on l.id = mixed.load_balancer_id and l.topology = 'ACTIVE_STANDBY'`;

type Cell = number | string | null | undefined;

function groupOf(image: Cell, flavor: Cell) {
  const [imageId, flavorId] = [image, flavor].map((cell) => (cell == null ? null : String(cell)));
  return { imageId: imageId ?? null, flavorId: flavorId ?? null, key: JSON.stringify([imageId, flavorId]) };
}

/** A count of each group, by its key. */
function countsByGroup<Column extends string>(
  rows: readonly Record<Column | 'image_id' | 'flavor_id', Cell>[],
  column: Column,
): ReadonlyMap<string, number> {
  return new Map(rows.map((row) => [groupOf(row.image_id, row.flavor_id).key, Number(row[column])]));
}

/** The fleet in the tables `kiln_amphora` and `kiln_load_balancer`: grouped by the database, whatever their size. */
export function createFleetStore(database: KilnDatabase, clock: Clock): FleetStore {
  /** By indices alone, but for the flavor of each load balancer. */
  async function amphoraGroups(transaction: KilnDatabase, silentBefore: string): Promise<AmphoraGroup[]> {
    const { rows } = await sql<Record<string, number | string | null>>`
      select a.image_id as image_id, l.flavor_id as flavor_id, count(distinct a.load_balancer_id) as load_balancers,
        count(*) as amphorae, ${countIf(sql`a.status = 'ERROR'`)} as in_error
      from kiln_amphora a
        left join kiln_load_balancer l on l.id = a.load_balancer_id
      where a.status <> 'DELETED'
      group by a.image_id, l.flavor_id`.execute(transaction);
    const silent = await silentByGroup(transaction, silentBefore);
    return rows.map((row) => {
      const of = groupOf(row.image_id, row.flavor_id);
      return {
        imageId: of.imageId,
        flavorId: of.flavorId,
        loadBalancers: Number(row.load_balancers),
        amphorae: Number(row.amphorae),
        inError: Number(row.in_error),
        silent: silent.get(of.key) ?? 0,
      };
    });
  }

  /** A silent amphora is one that serves, or should: as silence-store.ts has it, by the same index. */
  async function silentByGroup(transaction: KilnDatabase, silentBefore: string): Promise<ReadonlyMap<string, number>> {
    const { rows } = await sql<Record<string, number | string | null>>`
      select a.image_id as image_id, l.flavor_id as flavor_id, count(*) as silent
      from kiln_amphora_health h
        join kiln_amphora a on a.id = h.amphora_id
        left join kiln_load_balancer l on l.id = a.load_balancer_id
      where h.last_heard < ${silentBefore} and case a.status when 'ALLOCATED' then 1 when 'ERROR' then 1 else 0 end = 1
        and a.load_balancer_id is not null
      group by a.image_id, l.flavor_id`.execute(transaction);
    return countsByGroup(rows, 'silent');
  }

  async function loadBalancerGroups(transaction: KilnDatabase): Promise<LoadBalancerGroup[]> {
    const { rows } = await sql<Record<string, number | string | null>>`
      select l.assigned_image_id as image_id, l.flavor_id as flavor_id, count(*) as load_balancers,
        ${countIf(sql`l.topology = 'ACTIVE_STANDBY'`)} as pairs
      from kiln_load_balancer l
      where l.provisioning_status <> 'DELETED'
      group by l.assigned_image_id, l.flavor_id`.execute(transaction);
    const { rows: mixed } = await sql<Record<string, number | string | null>>`
      select l.assigned_image_id as image_id, l.flavor_id as flavor_id, count(*) as mixed_pairs
      from ${mixedPairs}
      where l.provisioning_status <> 'DELETED'
      group by l.assigned_image_id, l.flavor_id`.execute(transaction);
    const mixedOf = countsByGroup(mixed, 'mixed_pairs');
    return rows.map((row) => {
      const of = groupOf(row.image_id, row.flavor_id);
      return {
        assignedImageId: of.imageId,
        flavorId: of.flavorId,
        loadBalancers: Number(row.load_balancers),
        pairs: Number(row.pairs),
        mixedPairs: mixedOf.get(of.key) ?? 0,
      };
    });
  }

  return {
    survey: (silentBefore) =>
      attempt(clock, () =>
        database
          .transaction()
          .setAccessMode('read only') // All of it as it was at one moment.
          .execute(async (transaction) => {
            const images = await transaction
              .selectFrom('kiln_amphora_image')
              .select(['id', 'name', 'created_at'])
              .execute();
            return {
              amphorae: await amphoraGroups(transaction, silentBefore),
              loadBalancers: await loadBalancerGroups(transaction),
              flavorTags: await readFlavorTags(transaction),
              images: new Map(images.map(({ id, name, created_at: createdAt }) => [id, { name, createdAt }])),
            };
          }),
      ),
  };
}
