import { type RawBuilder, sql } from 'kysely';
import { type TrafficWindow, trafficWindowMs } from '../../model/traffic.ts';
import type { Clock } from '../../ports/clock.ts';
import type { TrafficSamples } from '../../ports/traffic-samples.ts';
import { integerSum } from './engine.ts';
import { attempt } from './faults.ts';
import { offered, upsert } from './many-values.ts';
import type { KilnDatabase, Schema } from './schema.ts';

/** Listeners of one statement. */
const BATCH = 1_000;

/** A window has so many slots, from its first one on: those of its span, one before them, and some for looks that come late. */
const slots: Readonly<Record<TrafficWindow, { first: number; count: number }>> = {
  hour: { first: 0, count: 64 },
  day: { first: 64, count: 100 },
};

function slotOf(window: TrafficWindow, nowMs: number): number {
  const { first, count } = slots[window];
  return first + (Math.floor(nowMs / trafficWindowMs[window].stepMs) % count);
}

type Row = Schema['kiln_traffic_sample'];
const key = ['load_balancer_id', 'listener_id', 'slot'] as const satisfies readonly (keyof Row)[];
const written = [
  'at_ms',
  'bytes_in',
  'bytes_out',
  'active_connections',
  'total_connections',
  'request_errors',
] as const satisfies readonly (keyof Row)[];
const columns = [...key, ...written];

/** In the table `kiln_traffic_sample`: of each listener a ring of slots for the last hour, and one for the last day. */
export function createTrafficSamples(database: KilnDatabase, clock: Clock): TrafficSamples {
  /** Of the last day's ring, by this process: each of its slots is written once, as far as one can. */
  let quarterTaken: number | null = null;

  /** Read without locks, so that heartbeats wait for nobody. */
  async function readBatch(after: string): Promise<Omit<Row, 'slot' | 'at_ms'>[]> {
    const sum = (of: RawBuilder<unknown>) => integerSum(database, of);
    const { rows } = await sql<Record<keyof Omit<Row, 'slot' | 'at_ms'>, string | number>>`
      select s.listener_id, l.load_balancer_id,
        ${sum(sql`s.bytes_in`)} as bytes_in, ${sum(sql`s.bytes_out`)} as bytes_out,
        ${sum(sql`case when a.status = 'ALLOCATED' then s.active_connections else 0 end`)} as active_connections,
        ${sum(sql`s.total_connections`)} as total_connections, ${sum(sql`s.request_errors`)} as request_errors
      from kiln_listener_statistics s join kiln_listener l on l.id = s.listener_id
        left join kiln_amphora a on a.id = s.amphora_id
      where s.listener_id > ${after}
      group by s.listener_id, l.load_balancer_id order by s.listener_id limit ${sql.lit(BATCH)}`.execute(database);
    return rows.map((row) => ({
      listener_id: String(row.listener_id),
      load_balancer_id: String(row.load_balancer_id),
      bytes_in: Number(row.bytes_in),
      bytes_out: Number(row.bytes_out),
      active_connections: Number(row.active_connections),
      total_connections: Number(row.total_connections),
      request_errors: Number(row.request_errors),
    }));
  }

  async function write(rows: Row[]): Promise<void> {
    await upsert(database, {
      table: 'kiln_traffic_sample',
      columns,
      key,
      rows: rows.map((row) => columns.map((column) => row[column])),
      set: Object.fromEntries(written.map((column) => [column, offered(database, column)])),
    });
  }

  return {
    async take(nowMs, beforeBatch) {
      const quarter = Math.floor(nowMs / trafficWindowMs.day.stepMs);
      const windows: TrafficWindow[] = quarter === quarterTaken ? ['hour'] : ['hour', 'day'];
      for (let after = ''; ; ) {
        await beforeBatch();
        const batch = await attempt(clock, () => readBatch(after));
        for (const window of batch.length > 0 ? windows : []) {
          const slot = slotOf(window, nowMs);
          await attempt(clock, () => write(batch.map((row) => ({ ...row, slot, at_ms: nowMs }))));
        }
        const last = batch.at(-1);
        if (!last || batch.length < BATCH) break;
        after = last.listener_id;
      }
      quarterTaken = quarter;
    },

    async list(loadBalancerId, window, sinceMs) {
      const { first, count } = slots[window];
      const rows = await attempt(clock, () =>
        database
          .selectFrom('kiln_traffic_sample')
          .selectAll()
          .where('load_balancer_id', '=', loadBalancerId)
          .where('slot', '>=', first)
          .where('slot', '<', first + count)
          .orderBy('at_ms')
          .orderBy('listener_id')
          .execute(),
      );
      const baseMs = Math.max(...rows.map(({ at_ms: atMs }) => atMs).filter((atMs) => atMs < sinceMs), 0);
      return rows
        .filter(({ at_ms: atMs }) => atMs >= baseMs)
        .map((row) => ({
          listenerId: row.listener_id,
          atMs: Number(row.at_ms),
          bytesIn: Number(row.bytes_in),
          bytesOut: Number(row.bytes_out),
          activeConnections: Number(row.active_connections),
          totalConnections: Number(row.total_connections),
          requestErrors: Number(row.request_errors),
        }));
    },
  };
}
