import { sql } from 'kysely';
import type { FlowName } from '../../model/flow-name.ts';
import { REPAIR_PRIORITY } from '../../model/operation.ts';
import type { StateSurvey } from '../../model/state-survey.ts';
import type { Clock } from '../../ports/clock.ts';
import { isMysql } from './engine.ts';
import { attempt } from './faults.ts';
import type { KilnDatabase } from './schema.ts';

interface Row {
  kind: string;
  first: string | null;
  second: string | null;
  third: string | null;
  count: number;
  seconds: number | null;
}

/** One statement, with three groupings in it. */
export function createStateSurvey(database: KilnDatabase, clock: Clock): () => Promise<StateSurvey> {
  const took = isMysql(database)
    ? sql`timestampdiff(microsecond, left(created_at, 23), left(updated_at, 23)) / 1e6`
    : sql`(julianday(updated_at) - julianday(created_at)) * 86400`;
  const query = sql<Row>`
    select 'operation' as kind, flow as first, status as second,
      case when priority >= ${REPAIR_PRIORITY} then 'silence' else 'request' end as third,
      count(*) as count, sum(case when status in ('done', 'undone') then ${took} else 0 end) as seconds
    from kiln_operation group by flow, status, case when priority >= ${REPAIR_PRIORITY} then 'silence' else 'request' end
    union all
    select 'amphora', status, coalesce(image_id, ''), '', count(*), 0
    from kiln_amphora where status <> 'DELETED' group by status, coalesce(image_id, '')
    union all
    select 'load balancer', provisioning_status, operating_status, '', count(*), 0
    from kiln_load_balancer group by provisioning_status, operating_status`;

  return async () => {
    const { rows } = await attempt(clock, () => query.execute(database));
    const of = (kind: string) => rows.filter((row) => row.kind === kind);
    return {
      operations: of('operation').map(({ first, second, third, count, seconds }) => ({
        flow: String(first) as FlowName,
        status: String(second),
        cause: third === 'silence' ? 'silence' : 'request',
        count: Number(count),
        seconds: Number(seconds ?? 0),
      })),
      amphorae: of('amphora').map(({ first, second, count }) => ({
        status: String(first),
        imageId: second ?? '',
        count: Number(count),
      })),
      loadBalancers: of('load balancer').map(({ first, second, count }) => ({
        provisioningStatus: String(first),
        operatingStatus: String(second),
        count: Number(count),
      })),
    };
  };
}
