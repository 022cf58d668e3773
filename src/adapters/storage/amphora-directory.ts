import { sql } from 'kysely';
import type { AmphoraStatus } from '../../model/amphora.ts';
import type { Clock } from '../../ports/clock.ts';
import type { AmphoraDirectory } from '../../ports/health-store.ts';
import { attempt } from './faults.ts';
import { listOf } from './many-values.ts';
import type { KilnDatabase } from './schema.ts';

/**
 * Looks senders of heartbeats up. The revision is the load balancer's row's, which every change and every new operating
 * status counts up; the end of an operation shows in the provisioning status.
 * @param heartbeatTimeoutSeconds after which an amphora counts as silent.
 */
export function createAmphoraDirectory(
  database: KilnDatabase,
  clock: Clock,
  heartbeatTimeoutSeconds: () => number,
): AmphoraDirectory {
  return {
    async find(amphoraIds) {
      if (amphoraIds.length === 0) return new Map();
      const silentBefore = new Date(clock.now().getTime() - heartbeatTimeoutSeconds() * 1000).toISOString();
      // Only pairs are counted.
      const serving = sql<number | string | null>`case when l.topology = 'ACTIVE_STANDBY' then (
        select count(*) from kiln_amphora s join kiln_amphora_health h on h.amphora_id = s.id
        where s.load_balancer_id = a.load_balancer_id and s.status = 'ALLOCATED'
          and (h.last_heard >= ${silentBefore} or h.finding = 'heartbeats-lost')) end`;
      const rows = await attempt(clock, () =>
        database
          .selectFrom('kiln_amphora as a')
          .leftJoin('kiln_load_balancer as l', 'l.id', 'a.load_balancer_id')
          .select([
            'a.id',
            'a.status',
            'a.load_balancer_id',
            'l.revision',
            'l.provisioning_status',
            serving.as('serving'),
          ])
          .where(sql<boolean>`a.id in ${listOf(database, amphoraIds)}`)
          .execute(),
      );
      return new Map(
        rows.map((row) => {
          const lacksPartner = row.serving !== null && Number(row.serving) < 2;
          const known = {
            status: row.status as AmphoraStatus,
            loadBalancerId: row.load_balancer_id,
            revision:
              row.provisioning_status === null
                ? null
                : `${row.revision} ${row.provisioning_status}${lacksPartner ? ' alone' : ''}`,
            lacksPartner,
          };
          return [row.id, known];
        }),
      );
    },
  };
}
