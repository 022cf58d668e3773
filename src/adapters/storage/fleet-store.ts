import { type RawBuilder, sql } from 'kysely';
import type { Clock } from '../../ports/clock.ts';
import type { AmphoraGroup, FleetStore, LoadBalancerGroup } from '../../ports/fleet-store.ts';
import { attempt } from './faults.ts';
import { readFlavorTags } from './release-fleet.ts';
import type { KilnDatabase } from './schema.ts';

const countIf = (condition: RawBuilder<unknown>) =>
  sql<number | string>`coalesce(sum(case when ${condition} then 1 else 0 end), 0)`;

/** The fleet in the tables `kiln_amphora` and `kiln_load_balancer`: grouped by the database, whatever their size. */
export function createFleetStore(database: KilnDatabase, clock: Clock): FleetStore {
  /** A silent amphora is one that serves, or should: as silence-store.ts has it. */
  async function amphoraGroups(transaction: KilnDatabase, silentBefore: string): Promise<AmphoraGroup[]> {
    const isSilent = sql`a.status in ('ALLOCATED', 'ERROR') and a.load_balancer_id is not null and h.last_heard < ${silentBefore}`;
    const { rows } = await sql<Record<string, number | string | null>>`
      select a.image_id as image_id, l.flavor_id as flavor_id, count(distinct a.load_balancer_id) as load_balancers,
        count(*) as amphorae, ${countIf(sql`a.status = 'ERROR'`)} as in_error, ${countIf(isSilent)} as silent
      from kiln_amphora a
        left join kiln_load_balancer l on l.id = a.load_balancer_id
        left join kiln_amphora_health h on h.amphora_id = a.id
      where a.status <> 'DELETED'
      group by a.image_id, l.flavor_id`.execute(transaction);
    return rows.map((row) => ({
      imageId: row.image_id === null ? null : String(row.image_id),
      flavorId: row.flavor_id === null ? null : String(row.flavor_id),
      loadBalancers: Number(row.load_balancers),
      amphorae: Number(row.amphorae),
      inError: Number(row.in_error),
      silent: Number(row.silent),
    }));
  }

  async function loadBalancerGroups(transaction: KilnDatabase): Promise<LoadBalancerGroup[]> {
    const isPair = sql`l.topology = 'ACTIVE_STANDBY'`;
    const { rows } = await sql<Record<string, number | string | null>>`
      select l.assigned_image_id as assigned_image_id, l.flavor_id as flavor_id, count(*) as load_balancers,
        ${countIf(isPair)} as pairs, ${countIf(sql`${isPair} and serving.images > 1`)} as mixed_pairs
      from kiln_load_balancer l
        left join (
          select load_balancer_id, count(distinct image_id) as images from kiln_amphora
          where status = 'ALLOCATED' group by load_balancer_id
        ) serving on serving.load_balancer_id = l.id
      where l.provisioning_status <> 'DELETED'
      group by l.assigned_image_id, l.flavor_id`.execute(transaction);
    return rows.map((row) => ({
      assignedImageId: row.assigned_image_id === null ? null : String(row.assigned_image_id),
      flavorId: row.flavor_id === null ? null : String(row.flavor_id),
      loadBalancers: Number(row.load_balancers),
      pairs: Number(row.pairs),
      mixedPairs: Number(row.mixed_pairs),
    }));
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
