import type { AmphoraStatus } from '../../model/amphora.ts';
import type { Clock } from '../../ports/clock.ts';
import type { AmphoraDirectory } from '../../ports/health-store.ts';
import { attempt } from './faults.ts';
import type { KilnDatabase } from './schema.ts';

/**
 * Looks senders of heartbeats up. The revision is the load balancer's row's, which every change and every new operating
 * status counts up; the end of an operation shows in the provisioning status.
 */
export function createAmphoraDirectory(database: KilnDatabase, clock: Clock): AmphoraDirectory {
  return {
    async find(amphoraIds) {
      if (amphoraIds.length === 0) return new Map();
      const rows = await attempt(clock, () =>
        database
          .selectFrom('kiln_amphora as a')
          .leftJoin('kiln_load_balancer as l', 'l.id', 'a.load_balancer_id')
          .select(['a.id', 'a.status', 'a.load_balancer_id', 'l.revision', 'l.provisioning_status'])
          .where('a.id', 'in', amphoraIds)
          .execute(),
      );
      return new Map(
        rows.map((row) => [
          row.id,
          {
            status: row.status as AmphoraStatus,
            loadBalancerId: row.load_balancer_id,
            revision: row.provisioning_status === null ? null : `${row.revision} ${row.provisioning_status}`,
          },
        ]),
      );
    },
  };
}
