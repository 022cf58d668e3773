import { createHash } from 'node:crypto';
import { type RawBuilder, sql } from 'kysely';
import { compareEvents, type EventSource, eventId, type KilnEvent } from '../../model/event.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventStore } from '../../ports/events.ts';
import { attempt } from './faults.ts';
import type { KilnDatabase } from './schema.ts';

/** One shape for all that happens. */
interface Row {
  source: EventSource;
  /** One of the two. */
  at_ms: number | string | null;
  at: string | null;
  /** Of the release, the operation or the image; `n` counts within a release. */
  id: string;
  n: number | null;
  kind: string;
  /** Who, which flow, which tag. */
  who: string;
  /** The load balancer, or the name of the image. */
  about: string | null;
  reason: string | null;
  data: string | null;
}

/** Where something is recorded: what is selected of it, its time, and which of its rows are meant. */
interface Source {
  columns: RawBuilder<unknown>;
  table: RawBuilder<unknown>;
  time: RawBuilder<unknown>;
  isMs?: true;
  only?: RawBuilder<unknown>;
}

const operation = (kind: 'queued' | 'done' | 'undone', time: RawBuilder<unknown>): Source => ({
  columns: sql`'operation' as source, null as at_ms, ${time} as at, id, null as n, ${sql.lit(kind)} as kind, flow as who,
    subject as about, ${kind === 'queued' ? sql`null` : sql`reason`} as reason, input as data`,
  table: sql`kiln_operation`,
  time,
  ...(kind !== 'queued' && { only: sql`status = ${sql.lit(kind)}` }),
});

const tag = (kind: 'tagged' | 'untagged', time: RawBuilder<unknown>, only: RawBuilder<unknown>): Source => ({
  columns: sql`'tag' as source, null as at_ms, ${time} as at, image_id as id, null as n, ${sql.lit(kind)} as kind,
    tag as who, image_name as about, null as reason, null as data`,
  table: sql`kiln_tagged_image`,
  time,
  only,
});

/** Each is read by an index that ends with its time, but the last two: of those there are few. */
const sources: readonly Source[] = [
  {
    columns: sql`'release' as source, at_ms, null as at, release_id as id, n, kind, actor as who,
      load_balancer_id as about, reason, data`,
    table: sql`kiln_release_event`,
    time: sql`at_ms`,
    isMs: true,
  },
  operation('queued', sql`created_at`),
  operation('done', sql`updated_at`),
  operation('undone', sql`updated_at`),
  // What carried the tag at the first look was given it nobody knows when.
  tag('tagged', sql`seen_at`, sql`was_there = 0`),
  tag('untagged', sql`gone_at`, sql`gone_at is not null`),
];

/** What happened, in one statement over all that is recorded with its time. */
export function createEventStore(database: KilnDatabase, clock: Clock): EventStore {
  /** @param sinceMs null: the newest ones. */
  async function read(sinceMs: number | null, limit: number): Promise<KilnEvent[]> {
    const branches = sources.map(({ columns, table, time, isMs, only }, index) => {
      const from = sinceMs === null ? null : isMs ? sinceMs : new Date(sinceMs).toISOString();
      const conditions = [...(only ? [only] : []), ...(from === null ? [] : [sql`${time} >= ${from}`])];
      const where = conditions.length === 0 ? sql`` : sql`where ${sql.join(conditions, sql` and `)}`;
      const order = sinceMs === null ? sql`desc` : sql`asc`;
      return sql`select * from (select ${columns} from ${table} ${where} order by ${time} ${order} limit ${limit})
        as ${sql.ref(`s${index}`)}`;
    });
    const { rows } = await attempt(clock, () => sql<Row>`${sql.join(branches, sql` union all `)}`.execute(database));
    const events = rows.map(toEvent).sort(compareEvents);
    return sinceMs === null ? events.slice(-limit) : events.slice(0, limit);
  }

  return { since: read, newest: (limit) => read(null, limit) };
}

function toEvent(row: Row): KilnEvent {
  const { source, kind, id, n, who, about } = row;
  const atMs = row.at === null ? Number(row.at_ms) : Date.parse(row.at);
  const digest = createHash('sha256')
    .update(JSON.stringify([source, kind, id, n, who]))
    .digest('base64url');
  const common = { id: eventId(atMs, digest), atMs, source, kind, actor: null, reason: '' };
  const nothing = { loadBalancerId: null, releaseId: null, operationId: null };
  const data = JSON.parse(row.data ?? '{}') as Record<string, unknown>;
  switch (source) {
    case 'release':
      return {
        ...common,
        ...nothing,
        actor: who,
        loadBalancerId: about,
        releaseId: id,
        reason: row.reason ?? '',
        data,
      };
    case 'operation': {
      const { loadBalancerId } = data;
      const reason = row.reason === null ? '' : (JSON.parse(row.reason) as { message: string }).message;
      const of = { operationId: id, loadBalancerId: typeof loadBalancerId === 'string' ? loadBalancerId : null };
      return { ...common, ...nothing, ...of, reason, data: { flow: who, subject: about } };
    }
    case 'tag':
      return { ...common, ...nothing, data: { tag: who, image_id: id, image_name: about } };
  }
}
