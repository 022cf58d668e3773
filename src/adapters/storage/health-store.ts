import { type RawBuilder, sql } from 'kysely';
import { KilnError } from '../../model/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { HealthStore, StatisticsSum } from '../../ports/health-store.ts';
import { integerSum, isMysql } from './engine.ts';
import { attempt } from './faults.ts';
import { applyHeartbeats, upsertStatistics } from './record-heartbeats.ts';
import type { KilnDatabase } from './schema.ts';
import { watchAmphora } from './watch-amphora.ts';

/** What heartbeats reported, in `kiln_listener_statistics` and `kiln_amphora_health`, and in the rows that they are about. */
export function createHealthStore(database: KilnDatabase, clock: Clock): HealthStore {
  const sum = (of: RawBuilder<unknown>) => integerSum(database, of);

  /**
   * Open connections of an amphora that does not serve are what they once were (octavia/common/stats.py, as is the rest).
   */
  async function sumOf(where: RawBuilder<unknown>): Promise<StatisticsSum> {
    const { rows } = await attempt(clock, () =>
      sql<Record<keyof StatisticsSum, number | string>>`
        select ${sum(sql`s.bytes_in`)} as ${sql.ref('bytesIn')},
          ${sum(sql`s.bytes_out`)} as ${sql.ref('bytesOut')},
          ${sum(sql`case when a.status = 'ALLOCATED' then s.active_connections else 0 end`)}
            as ${sql.ref('activeConnections')},
          ${sum(sql`s.total_connections`)} as ${sql.ref('totalConnections')},
          ${sum(sql`s.request_errors`)} as ${sql.ref('requestErrors')}
        from kiln_listener_statistics s left join kiln_amphora a on a.id = s.amphora_id
        where ${where}`.execute(database),
    );
    const [row] = rows;
    if (!row) throw new KilnError('INTERNAL', 'the database added up to nothing, not even 0');
    return {
      bytesIn: Number(row.bytesIn),
      bytesOut: Number(row.bytesOut),
      activeConnections: Number(row.activeConnections),
      totalConnections: Number(row.totalConnections),
      requestErrors: Number(row.requestErrors),
    };
  }

  return {
    async record(heartbeats) {
      if (heartbeats.length === 0) return;
      await attempt(clock, () =>
        database.transaction().execute((transaction) => applyHeartbeats(transaction, heartbeats)),
      );
    },

    statisticsOfLoadBalancer: (loadBalancerId) =>
      sumOf(sql`s.listener_id in (select id from kiln_listener where load_balancer_id = ${loadBalancerId})`),

    statisticsOfListener: (listenerId) => sumOf(sql`s.listener_id = ${listenerId}`),

    async statisticsOfAmphora(amphoraId) {
      const rows = await attempt(clock, () =>
        database
          .selectFrom('kiln_listener_statistics')
          .selectAll()
          .where('amphora_id', '=', amphoraId)
          .orderBy('listener_id')
          .execute(),
      );
      return rows.map((row) => ({
        listenerId: row.listener_id,
        amphoraId: row.amphora_id,
        bytesIn: row.bytes_in,
        bytesOut: row.bytes_out,
        activeConnections: row.active_connections,
        totalConnections: row.total_connections,
        requestErrors: row.request_errors,
      }));
    },

    async lastHeard(amphoraId) {
      const row = await attempt(clock, () =>
        database
          .selectFrom('kiln_amphora_health')
          .select('last_heard')
          .where('amphora_id', '=', amphoraId)
          .executeTakeFirst(),
      );
      return row?.last_heard ?? null;
    },

    async hearsAnyoneSince(at) {
      const heard = database
        .selectFrom('kiln_amphora_health')
        .select('amphora_id')
        .where('last_heard', '>=', at)
        .where('beats', '>', 0)
        .limit(1);
      return (await attempt(clock, () => heard.executeTakeFirst())) !== undefined;
    },

    watch: (amphoraId) => attempt(clock, () => watchAmphora(database, amphoraId, clock.now().toISOString())),

    async forget(amphoraId) {
      await attempt(clock, () =>
        database.transaction().execute(async (transaction) => {
          const rows = transaction
            .selectFrom('kiln_listener_statistics')
            .selectAll()
            .where('amphora_id', '=', amphoraId)
            .where('listener_id', 'in', transaction.selectFrom('kiln_listener').select('id'));
          const gone = await (isMysql(database) ? rows.forUpdate() : rows).execute();
          // Octavia, too, keeps statistics without an amphora under the listener's own ID.
          const kept = gone.map((row) => ({ ...row, amphora_id: row.listener_id, active_connections: 0 }));
          await upsertStatistics(transaction, kept, 'add');
          await transaction.deleteFrom('kiln_listener_statistics').where('amphora_id', '=', amphoraId).execute();
          await transaction.deleteFrom('kiln_amphora_health').where('amphora_id', '=', amphoraId).execute();
        }),
      );
    },
  };
}
