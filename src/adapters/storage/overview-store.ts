import { type RawBuilder, type Selectable, sql } from 'kysely';
import { pendingStatuses } from '../../model/load-balancer.ts';
import { unendedStatuses } from '../../model/operation.ts';
import type { SilenceFinding } from '../../model/silence.ts';
import type { Clock } from '../../ports/clock.ts';
import type { FirstOf, ListedLoadBalancer, OverviewStore } from '../../ports/overview-store.ts';
import { attempt } from './faults.ts';
import { mixedPairs } from './fleet-store.ts';
import { operationFromRow } from './journal.ts';
import { type PagedTable, selectPageOf } from './list-query.ts';
import { columnsOf } from './resource-tables.ts';
import type { KilnDatabase, Schema } from './schema.ts';

type OperationRow = Selectable<Schema['kiln_operation']>;

/** What lists of operations may be filtered and sorted by. */
const pagedOperations: PagedTable = {
  table: 'kiln_operation',
  kind: 'operation',
  key: 'id',
  columns: columnsOf({
    id: 'string',
    flow: 'string',
    subject: 'string',
    status: 'string',
    createdAt: 'string',
    updatedAt: 'string',
  }),
};

/** What operators look at, from the tables of load balancers, amphorae and operations. */
export function createOverviewStore(database: KilnDatabase, clock: Clock): OverviewStore {
  /** The first of the load balancers that meet a condition, with their number, in one statement. */
  async function first(
    condition: RawBuilder<unknown>,
    order: RawBuilder<unknown>,
    limit: number,
    from = sql`kiln_load_balancer l`,
  ): Promise<FirstOf<ListedLoadBalancer>> {
    const { rows } = await attempt(clock, () =>
      sql<{ id: string; name: string; provisioning_status: string; updated_at: string; total: number | string }>`
        select l.id, l.name, l.provisioning_status, coalesce(l.updated_at, l.created_at) as updated_at,
          count(*) over () as total
        from ${from} where ${condition} order by ${order} limit ${limit}`.execute(database),
    );
    return {
      total: Number(rows[0]?.total ?? 0),
      items: rows.map((row) => ({
        id: row.id,
        name: row.name,
        provisioningStatus: row.provisioning_status,
        updatedAt: row.updated_at,
      })),
    };
  }
  const oldest = sql`coalesce(l.updated_at, l.created_at), l.id`;

  return {
    inError: (limit) => first(sql`l.provisioning_status = 'ERROR'`, oldest, limit),

    pendingSince: (before, limit) =>
      first(
        sql`l.provisioning_status in (${sql.join(pendingStatuses)}) and coalesce(l.updated_at, l.created_at) < ${before}`,
        oldest,
        limit,
      ),

    mixedPairs: (limit) => first(sql`l.provisioning_status <> 'DELETED'`, sql`l.id`, limit, mixedPairs),

    async stalledOperations(before, limit) {
      const rows = await attempt(clock, () =>
        database
          .selectFrom('kiln_operation')
          .selectAll()
          .select(sql<number | string>`count(*) over ()`.as('total'))
          .where('status', 'in', unendedStatuses)
          .where('updated_at', '<', before)
          .orderBy('updated_at')
          .orderBy('id')
          .limit(limit)
          .execute(),
      );
      return { total: Number(rows[0]?.total ?? 0), items: rows.map(operationFromRow) };
    },

    async operations(query) {
      const rows = await attempt(clock, () => selectPageOf(database, pagedOperations, query));
      return rows.map((row) => operationFromRow(row as unknown as OperationRow));
    },

    async lastHeardOf(amphoraIds) {
      if (amphoraIds.length === 0) return new Map();
      const rows = await attempt(clock, () =>
        database
          .selectFrom('kiln_amphora_health')
          .select(['amphora_id', 'last_heard', 'finding'])
          .where('amphora_id', 'in', amphoraIds)
          .execute(),
      );
      return new Map(
        rows.map((row) => [
          row.amphora_id,
          { lastHeard: row.last_heard, finding: row.finding as SilenceFinding | null },
        ]),
      );
    },
  };
}
