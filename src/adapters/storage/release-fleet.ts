import { sql } from 'kysely';
import type { FlavorCapabilities } from '../../model/flavor.ts';
import { type FlowName, oneAmphoraFlows } from '../../model/flow-name.ts';
import type { Topology } from '../../model/load-balancer.ts';
import type { FleetMember } from '../../model/release-plan.ts';
import type { LateLoadBalancer, LateQuestion } from '../../model/release-view.ts';
import type { KilnDatabase } from './schema.ts';

/** Operations looked at for how long failovers take. */
const HISTORY = 500;

/** Flavor → its `amp_image_tag`; flavors without one are absent. */
export async function readFlavorTags(transaction: KilnDatabase): Promise<Map<string, string>> {
  const { rows } = await sql<{ id: string; data: string }>`
    select f.id as id, p.flavor_data as data
    from kiln_flavor f join kiln_flavor_profile p on p.id = f.flavor_profile_id
    where p.flavor_data like '%amp_image_tag%'`.execute(transaction);
  return new Map(
    rows.flatMap(({ id, data }) => {
      const { amp_image_tag: tag } = JSON.parse(data) as FlavorCapabilities;
      return tag ? [[id, tag] as const] : [];
    }),
  );
}

/** The load balancers whose tag is this one, in four statements. @param defaultTag of the flavors that have none. */
export async function membersOf(transaction: KilnDatabase, tag: string, defaultTag: string): Promise<FleetMember[]> {
  const tags = await readFlavorTags(transaction);
  const { rows: loadBalancers } = await sql<Record<string, string | null>>`
    select id, name, topology, provisioning_status, operating_status, flavor_id, availability_zone
    from kiln_load_balancer where provisioning_status <> 'DELETED' order by id`.execute(transaction);
  const { rows: amphorae } = await sql<{ load_balancer_id: string; image_id: string | null }>`
    select load_balancer_id, image_id from kiln_amphora
    where status = 'ALLOCATED' and load_balancer_id is not null order by created_at, id`.execute(transaction);
  const { rows: used } = await sql<{ load_balancer_id: string }>`
    select distinct l.load_balancer_id from kiln_listener l join kiln_listener_statistics s on s.listener_id = l.id
    where s.total_connections > 0`.execute(transaction);
  const imagesOf = new Map<string, (string | null)[]>();
  for (const { load_balancer_id: id, image_id: imageId } of amphorae) {
    const images = imagesOf.get(id) ?? [];
    images.push(imageId);
    imagesOf.set(id, images);
  }
  const withTraffic = new Set(used.map((row) => row.load_balancer_id));
  return loadBalancers
    .filter(({ flavor_id: flavorId }) => (tags.get(flavorId ?? '') ?? defaultTag) === tag)
    .map((row) => {
      const id = String(row.id);
      const images = imagesOf.get(id) ?? [];
      return {
        loadBalancerId: id,
        name: row.name ?? '',
        topology: row.topology as Topology,
        provisioningStatus: String(row.provisioning_status),
        operatingStatus: String(row.operating_status),
        place: { flavorId: row.flavor_id ?? null, zone: row.availability_zone ?? null },
        imageIds: [...new Set(images.filter((imageId) => imageId !== null))],
        amphorae: images.length,
        hasTraffic: withTraffic.has(id),
      };
    });
}

/** So many load balancers join a release at once; the others when these are done. */
const MOST_LATE = 100;

/** Load balancers that a release does not know, by what they run, in two statements. @param defaultTag of the flavors that have none. */
export async function lateOnes(
  transaction: KilnDatabase,
  releaseId: string,
  { tag, runs, createdAfterMs, createdBeforeMs }: LateQuestion,
  defaultTag: string,
): Promise<LateLoadBalancer[]> {
  const tags = [...(await readFlavorTags(transaction))];
  const flavors = (isWanted: (of: string) => boolean) => tags.flatMap(([id, of]) => (isWanted(of) ? [id] : []));
  const time = (ms: number) => new Date(ms).toISOString();
  const rows = await transaction
    .selectFrom('kiln_amphora as a')
    .innerJoin('kiln_load_balancer as l', 'l.id', 'a.load_balancer_id')
    .leftJoin('kiln_release_target as t', (join) =>
      join.onRef('t.load_balancer_id', '=', 'l.id').on('t.release_id', '=', releaseId),
    )
    .select(['l.id', 'l.topology', ({ fn }) => fn.min<string>('a.image_id').as('image_id')])
    .where('t.load_balancer_id', 'is', null)
    .where('a.status', 'in', ['BOOTING', 'READY', 'ALLOCATED'])
    .where((amphora) =>
      'one' in runs ? amphora('a.image_id', 'in', runs.one) : amphora('a.image_id', 'not in', runs.otherThan),
    )
    .where('l.provisioning_status', 'not in', ['ERROR', 'DELETED', 'PENDING_DELETE'])
    .where('l.created_at', '>=', time(createdAfterMs))
    .where('l.created_at', '<=', time(createdBeforeMs))
    .where(({ eb, or }) => {
      const own = flavors((of) => of === tag);
      const others = flavors((of) => of !== tag);
      const hasFlavor = own.length > 0 ? [eb('l.flavor_id', 'in', own)] : [];
      if (tag !== defaultTag) return or(hasFlavor);
      const hasNone = others.length > 0 ? [eb('l.flavor_id', 'not in', others)] : [eb('l.flavor_id', 'is not', null)];
      return or([eb('l.flavor_id', 'is', null), ...hasNone]);
    })
    .groupBy(['l.id', 'l.topology'])
    .orderBy('l.id')
    .limit(MOST_LATE)
    .execute();
  return rows.map((row) => ({
    loadBalancerId: String(row.id),
    topology: row.topology as Topology,
    imageId: row.image_id,
  }));
}

/** How long the failovers of late took, in the middle; null: there were none. */
export async function usualMoveSeconds(database: KilnDatabase): Promise<number | null> {
  const rows = await database
    .selectFrom('kiln_operation')
    .select(['flow', 'created_at', 'updated_at'])
    .where('status', '=', 'done')
    .orderBy('updated_at', 'desc')
    .limit(HISTORY)
    .execute();
  const ofOneAmphora: ReadonlySet<FlowName> = new Set(oneAmphoraFlows);
  const seconds = rows
    .filter(({ flow }) => ofOneAmphora.has(flow))
    .map((row) => Math.ceil((Date.parse(row.updated_at) - Date.parse(row.created_at)) / 1000))
    .sort((one, other) => one - other);
  return seconds[Math.floor(seconds.length / 2)] ?? null;
}
