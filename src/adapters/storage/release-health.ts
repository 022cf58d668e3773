import { sql } from 'kysely';
import type { TargetState } from '../../model/release.ts';
import type { HealthMoment } from '../../model/release-view.ts';
import type { SampleGroups } from '../../ports/release-store.ts';
import { toTarget } from './release-rows.ts';
import type { KilnDatabase } from './schema.ts';

/** How load balancers are at this moment, by what their heartbeats have left in the tables: five statements. */
export async function healthNow(
  database: KilnDatabase,
  loadBalancerIds: readonly string[],
  nowMs: number,
): Promise<HealthMoment[]> {
  if (loadBalancerIds.length === 0) return [];
  const ids = sql.join(loadBalancerIds);
  const { rows: loadBalancers } = await sql<LoadBalancerRow>`
    select id, operating_status, admin_state_up from kiln_load_balancer where id in (${ids}) order by id`.execute(
    database,
  );
  const { rows: amphorae } = await sql<AmphoraRow>`
    select a.id, a.load_balancer_id, a.image_id, h.last_heard, h.beats, h.restarts
    from kiln_amphora a left join kiln_amphora_health h on h.amphora_id = a.id
    where a.load_balancer_id in (${ids}) and a.status = 'ALLOCATED' order by a.id`.execute(database);
  const { rows: listeners } = await sql<ListenerRow>`
    select l.id, l.load_balancer_id, l.operating_status, l.admin_state_up, l.updated_at,
      coalesce(sum(s.total_connections), 0) as connections, coalesce(sum(s.request_errors), 0) as errors,
      sum(s.failures) as failures
    from kiln_listener l left join kiln_listener_statistics s on s.listener_id = l.id
    where l.load_balancer_id in (${ids})
    group by l.id, l.load_balancer_id, l.operating_status, l.admin_state_up, l.updated_at`.execute(database);
  const { rows: members } = await sql<MemberRow>`
    select m.id, p.load_balancer_id, m.operating_status, m.updated_at
    from kiln_member m join kiln_pool p on p.id = m.pool_id
    where p.load_balancer_id in (${ids})`.execute(database);
  const { rows: pools } = await sql<ChangeableRow>`
    select p.load_balancer_id, p.updated_at
    from kiln_pool p where p.load_balancer_id in (${ids})
    union all
    select p.load_balancer_id, m.updated_at
    from kiln_health_monitor m join kiln_pool p on p.id = m.pool_id
    where p.load_balancer_id in (${ids})`.execute(database);

  const of = byLoadBalancer({ amphorae, listeners, members, pools });
  return loadBalancers.map(({ id, operating_status: operatingStatus, admin_state_up: isUp }) => {
    const own = of(id);
    return {
      loadBalancerId: id,
      atMs: nowMs,
      amphorae: own.amphorae.map((row) => ({
        id: row.id,
        imageId: row.image_id,
        lastHeardMs: row.last_heard === null ? null : Date.parse(row.last_heard),
        beats: Number(row.beats ?? 0),
        restarts: Number(row.restarts ?? 0),
      })),
      listeners: Object.fromEntries(
        own.listeners.flatMap((row) => (row.admin_state_up === 1 ? [[row.id, row.operating_status]] : [])),
      ),
      members: Object.fromEntries(own.members.map((row) => [row.id, row.operating_status])),
      operatingStatus,
      configuration: [isUp, ...[own.listeners, own.pools, own.members].map(stampOf)].join(' '),
      counters: Object.fromEntries(
        own.listeners.map((row) => [
          row.id,
          {
            connections: Number(row.connections),
            requestErrors: Number(row.errors),
            ...(row.failures !== null && { failures: Number(row.failures) }),
          },
        ]),
      ),
    };
  });
}

/** By the index of targets by state, wave and position, from either end. */
export async function sampleGroups(
  database: KilnDatabase,
  releaseId: string,
  limits: { coming: number; moved: number; control: number },
): Promise<SampleGroups> {
  const inState = (state: TargetState, limit: number, direction: 'asc' | 'desc') =>
    database
      .selectFrom('kiln_release_target')
      .selectAll()
      .where('release_id', '=', releaseId)
      .where('state', '=', state)
      .orderBy('wave', direction)
      .orderBy('position', direction)
      .limit(limit)
      .execute();
  const coming = await inState('pending', limits.coming, 'asc');
  const control = await inState('pending', limits.control, 'desc');
  const moved = await inState('moved', limits.moved, 'desc');
  const idOf = ({ load_balancer_id: id }: { load_balancer_id: string }) => id;
  return { coming: coming.map(idOf), control: control.map(idOf), moved: moved.map(toTarget) };
}

interface Rows {
  amphorae: readonly AmphoraRow[];
  listeners: readonly ListenerRow[];
  members: readonly MemberRow[];
  pools: readonly ChangeableRow[];
}

function byLoadBalancer(rows: Rows): (id: string) => Rows {
  const group = <Row extends { load_balancer_id: string }>(all: readonly Row[]) =>
    Map.groupBy(all, ({ load_balancer_id: id }) => id);
  const amphorae = group(rows.amphorae);
  const listeners = group(rows.listeners);
  const members = group(rows.members);
  const pools = group(rows.pools);
  return (id) => ({
    amphorae: amphorae.get(id) ?? [],
    listeners: listeners.get(id) ?? [],
    members: members.get(id) ?? [],
    pools: pools.get(id) ?? [],
  });
}

/** Another one when a row was made, changed or removed: what is new, or changed, is newer than all that was there. */
function stampOf(rows: readonly ChangeableRow[]): string {
  const times = rows.map(({ updated_at: at }) => at ?? '').sort();
  return `${rows.length}@${times.at(-1) ?? ''}`;
}

interface LoadBalancerRow {
  id: string;
  operating_status: string;
  admin_state_up: number;
}
interface AmphoraRow {
  id: string;
  load_balancer_id: string;
  image_id: string | null;
  last_heard: string | null;
  beats: number | string | null;
  restarts: number | string | null;
}
interface ChangeableRow {
  load_balancer_id: string;
  /** Null until it is in effect. */
  updated_at: string | null;
}
interface ListenerRow extends ChangeableRow {
  id: string;
  operating_status: string;
  admin_state_up: number;
  connections: number | string;
  errors: number | string;
  failures: number | string | null;
}
interface MemberRow extends ChangeableRow {
  id: string;
  operating_status: string;
}
