import { sql } from 'kysely';
import type { FlowName } from '../../model/flow-name.ts';
import { REPAIR_PRIORITY, unendedStatuses } from '../../model/operation.ts';
import type { StateSurvey } from '../../model/state-survey.ts';
import type { Clock } from '../../ports/clock.ts';
import { attempt } from './faults.ts';
import type { KilnDatabase } from './schema.ts';

interface Row {
  kind: string;
  first: string | null;
  second: string | null;
  third: string | null;
  count: number;
}

/** One statement, with three groupings in it: of operations that have not ended, and of amphorae and load balancers by indices alone. */
export function createStateSurvey(database: KilnDatabase, clock: Clock): () => Promise<StateSurvey> {
  const cause = sql`case when priority >= ${REPAIR_PRIORITY} then 'silence' else 'request' end`;
  const query = sql<Row>`
    select 'operation' as kind, flow as first, status as second, ${cause} as third, count(*) as count
    from kiln_operation where status in (${sql.join(unendedStatuses)}) group by flow, status, ${cause}
    union all
    select 'amphora', status, coalesce(image_id, ''), '', count(*)
    from kiln_amphora where status <> 'DELETED' group by status, coalesce(image_id, '')
    union all
    select 'load balancer', provisioning_status, operating_status, '', count(*)
    from kiln_load_balancer group by provisioning_status, operating_status`;

  return async () => {
    const { rows } = await attempt(clock, () => query.execute(database));
    const of = (kind: string) => rows.filter((row) => row.kind === kind);
    return {
      operations: of('operation').map(({ first, second, third, count }) => ({
        flow: String(first) as FlowName,
        status: String(second),
        cause: third === 'silence' ? 'silence' : 'request',
        count: Number(count),
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
