import { sql } from 'kysely';
import type { HealthMoment } from '../../model/release-view.ts';
import type { KilnDatabase } from './schema.ts';

/** How load balancers are at this moment, by what their heartbeats have left in the tables: four statements. */
export async function healthNow(
  database: KilnDatabase,
  loadBalancerIds: readonly string[],
  nowMs: number,
): Promise<HealthMoment[]> {
  if (loadBalancerIds.length === 0) return [];
  const ids = sql.join(loadBalancerIds);
  const { rows: loadBalancers } = await sql<{ id: string; operating_status: string; revision: number | string }>`
    select id, operating_status, revision from kiln_load_balancer where id in (${ids}) order by id`.execute(database);
  const { rows: amphorae } = await sql<AmphoraRow>`
    select a.load_balancer_id, a.image_id, a.agent_version, h.last_heard
    from kiln_amphora a left join kiln_amphora_health h on h.amphora_id = a.id
    where a.load_balancer_id in (${ids}) and a.status = 'ALLOCATED' order by a.id`.execute(database);
  const { rows: listeners } = await sql<ListenerRow>`
    select l.id, l.load_balancer_id, l.operating_status, l.admin_state_up,
      coalesce(sum(s.total_connections), 0) as connections, coalesce(sum(s.request_errors), 0) as errors
    from kiln_listener l left join kiln_listener_statistics s on s.listener_id = l.id
    where l.load_balancer_id in (${ids})
    group by l.id, l.load_balancer_id, l.operating_status, l.admin_state_up`.execute(database);
  const { rows: members } = await sql<MemberRow>`
    select m.id, p.load_balancer_id, m.operating_status
    from kiln_member m join kiln_pool p on p.id = m.pool_id
    where p.load_balancer_id in (${ids})`.execute(database);

  const of = <Row extends { load_balancer_id: string }>(rows: readonly Row[], id: string) =>
    rows.filter((row) => row.load_balancer_id === id);
  return loadBalancers.map(({ id, operating_status: operatingStatus, revision }) => {
    const own = of(amphorae, id);
    const heard = own.map(({ last_heard: at }) => (at === null ? null : Date.parse(at)));
    const ownListeners = of(listeners, id);
    return {
      loadBalancerId: id,
      atMs: nowMs,
      imageIds: [...new Set(own.flatMap(({ image_id: imageId }) => (imageId === null ? [] : [imageId])))],
      agentVersion: own[0]?.agent_version ?? null,
      lastHeardMs: heard.length === 0 || heard.includes(null) ? null : Math.min(...(heard as number[])),
      listeners: Object.fromEntries(
        ownListeners.flatMap((row) => (row.admin_state_up === 1 ? [[row.id, row.operating_status]] : [])),
      ),
      members: Object.fromEntries(of(members, id).map((row) => [row.id, row.operating_status])),
      operatingStatus,
      revision: Number(revision),
      connections: ownListeners.reduce((sum, row) => sum + Number(row.connections), 0),
      requestErrors: ownListeners.reduce((sum, row) => sum + Number(row.errors), 0),
    };
  });
}

interface AmphoraRow {
  load_balancer_id: string;
  image_id: string | null;
  agent_version: string | null;
  last_heard: string | null;
}
interface ListenerRow {
  id: string;
  load_balancer_id: string;
  operating_status: string;
  admin_state_up: number;
  connections: number | string;
  errors: number | string;
}
interface MemberRow {
  id: string;
  load_balancer_id: string;
  operating_status: string;
}
