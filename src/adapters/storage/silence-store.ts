import { type RawBuilder, type Selectable, sql } from 'kysely';
import type { AmphoraStatus } from '../../model/amphora.ts';
import { KilnError } from '../../model/errors.ts';
import type { OperatingStatus, ProvisioningStatus, Topology } from '../../model/load-balancer.ts';
import { unendedStatuses } from '../../model/operation.ts';
import type { CircuitBreaker, SilenceFinding, SilenceSurvey } from '../../model/silence.ts';
import type { Clock } from '../../ports/clock.ts';
import type { SilenceMoment, SilenceStore, SilentAmphora } from '../../ports/silence-store.ts';
import { attempt } from './faults.ts';
import { enqueueOperation } from './journal.ts';
import type { KilnDatabase, Schema } from './schema.ts';

const BREAKER = 'failover';
/** Failovers by silence are counted for one heartbeat timeout; their rows are gone after so long. */
const FAILOVERS_KEPT_MS = 24 * 3600 * 1000;

/**
 * An amphora that serves (or should) and is silent. Written so that no index on the status can answer it: then SQLite, which
 * guesses that an equality finds less than a range does, would read all amphorae instead of the silent ones.
 */
const serves = sql<boolean>`case a.status when 'ALLOCATED' then 1 when 'ERROR' then 1 else 0 end = 1`;
/** Amphorae that are watched, `h` and `a`, with the load balancers `l` that they are of. */
const withOwners = sql`from kiln_amphora_health h
  join kiln_amphora a on a.id = h.amphora_id
  join kiln_load_balancer l on l.id = a.load_balancer_id`;
/** No operation holds its load balancer. */
const isFree = sql<boolean>`l.provisioning_status in ('ACTIVE', 'ERROR')`;
const isUnexplained = sql<boolean>`(h.finding is null or h.finding <> 'heartbeats-lost')`;

/** Another amphora of the load balancer that serves and is heard of, or answers. */
const other = (silentBefore: string): RawBuilder<unknown> => sql`
  select 1 from kiln_amphora s join kiln_amphora_health sh on sh.amphora_id = s.id
  where s.load_balancer_id = a.load_balancer_id and s.id <> a.id and case s.status when 'ALLOCATED' then 1 else 0 end = 1
    and (sh.last_heard >= ${silentBefore} or sh.finding = 'heartbeats-lost')`;
/** One that has its place (of a pair, its role), heard of or not: that one is watched for itself. */
const replacement = sql`
  select 1 from kiln_amphora s
  where s.load_balancer_id = a.load_balancer_id and s.id <> a.id and case s.status when 'ALLOCATED' then 1 else 0 end = 1
    and coalesce(s.role, '') = coalesce(a.role, '')`;

/** What makes a load balancer that is served DEGRADED: a pool or listener that is, or an amphora of its own that is silent. */
const lessThanOnline = (silentBefore: string): RawBuilder<unknown> => sql`
  select 1 from kiln_pool p where p.load_balancer_id = l.id and p.operating_status = 'DEGRADED'
  union all
  select 1 from kiln_listener li where li.load_balancer_id = l.id and li.operating_status = 'DEGRADED'
  union all
  select 1 from kiln_amphora s join kiln_amphora_health sh on sh.amphora_id = s.id
    where s.load_balancer_id = l.id and s.status in ('ALLOCATED', 'ERROR')
      and sh.last_heard < ${silentBefore} and (sh.finding is null or sh.finding <> 'heartbeats-lost')`;

/** Undoes the transaction: what was to be decided is not ours to decide any more. */
class NotOurs extends Error {}

/**
 * Silence in the tables `kiln_amphora_health`, `kiln_silence_failover` and `kiln_circuit_breaker`. What depends on a claim is
 * a conditional update, so that one of several controllers gets it, also on Galera.
 */
export function createSilenceStore(database: KilnDatabase, clock: Clock): SilenceStore {
  async function readBreaker(): Promise<CircuitBreaker> {
    const row = await database
      .selectFrom('kiln_circuit_breaker')
      .selectAll()
      .where('name', '=', BREAKER)
      .executeTakeFirst();
    if (!row) throw new KilnError('INTERNAL', 'the row of the circuit breaker is gone from kiln_circuit_breaker');
    return toBreaker(row);
  }

  async function countSilent({ silentBefore }: SilenceMoment, resumedAt: string) {
    const counts = sql`a.status = 'ALLOCATED' and ${isUnexplained} and h.last_heard > ${resumedAt}`;
    const sumOf = (condition: RawBuilder<unknown>) => sql`coalesce(sum(case when ${condition} then 1 else 0 end), 0)`;
    const { rows } = await sql<Record<'silent' | 'lost' | 'unexplained' | 'untried', number | string>>`
      select count(*) as silent, ${sumOf(sql`h.finding = 'heartbeats-lost'`)} as lost,
        ${sumOf(counts)} as unexplained, ${sumOf(sql`${counts} and h.attempts = 0`)} as untried
      from kiln_amphora_health h join kiln_amphora a on a.id = h.amphora_id
      where h.last_heard < ${silentBefore} and ${serves} and a.load_balancer_id is not null`.execute(database);
    const [row] = rows;
    return {
      silent: Number(row?.silent ?? 0),
      heartbeatsLost: Number(row?.lost ?? 0),
      unexplained: Number(row?.unexplained ?? 0),
      untried: Number(row?.untried ?? 0),
    };
  }

  async function countFailovers(recentSince: string, resumedAt: string) {
    const { rows } = await sql<Record<'recent' | 'running', number | string>>`
      select
        (select count(*) from kiln_silence_failover f
          where f.requested_at > ${recentSince} and f.last_heard > ${resumedAt} and not exists (
            select 1 from kiln_silence_failover e
            where e.requested_at < f.requested_at and e.amphora_id = f.amphora_id and e.last_heard = f.last_heard))
          as recent,
        (select count(*) from kiln_silence_failover f join kiln_operation o on o.id = f.operation_id
          where o.status in (${sql.join(unendedStatuses)})) as running`.execute(database);
    return { recentFailovers: Number(rows[0]?.recent ?? 0), runningFailovers: Number(rows[0]?.running ?? 0) };
  }

  async function decide(
    transaction: KilnDatabase,
    { id, examiner, lastHeard }: SilentAmphora,
    { finding, examineAfter }: { finding: SilenceFinding; examineAfter: string },
    now: string,
  ): Promise<void> {
    const { numUpdatedRows } = await transaction
      .updateTable('kiln_amphora_health')
      .set({
        ...{ finding, examine_after: examineAfter, examiner: null },
        ...(finding === 'unknown' ? {} : { attempts: sql`attempts + 1` }),
      })
      .where('amphora_id', '=', id)
      .where('examiner', '=', examiner)
      .where('examine_after', '>', now)
      .where('last_heard', '=', lastHeard)
      .executeTakeFirst();
    if (numUpdatedRows !== 1n) throw new NotOurs();
  }

  /** To ERROR, or out of it, where that is still to be done; the revision has them judged anew. @returns how many. */
  async function setOperatingStatus(ids: readonly string[], status: OperatingStatus): Promise<number> {
    if (ids.length === 0) return 0;
    const { numUpdatedRows } = await database
      .updateTable('kiln_load_balancer')
      .set({ operating_status: status, revision: sql`revision + 1` })
      .where('id', 'in', ids.toSorted())
      .where('operating_status', status === 'ERROR' ? '<>' : '=', 'ERROR')
      .executeTakeFirst();
    return Number(numUpdatedRows);
  }

  /** While the breaker was open they were only asked. Who examines one at this moment keeps it. */
  const examineUnknownAgain = () =>
    database
      .updateTable('kiln_amphora_health')
      .set({ examine_after: null })
      .where('finding', '=', 'unknown')
      .where('examiner', 'is', null)
      .execute();

  /** Its load balancer is held: once it is let go, whoever looks next examines the amphora again. */
  const giveBack = ({ id, examiner }: SilentAmphora) =>
    attempt(clock, () =>
      database
        .updateTable('kiln_amphora_health')
        .set({ examiner: null, examine_after: null })
        .where('amphora_id', '=', id)
        .where('examiner', '=', examiner)
        .execute(),
    );

  /** One transaction; false when it was undone because it is not ours. */
  const ifOurs = (work: (transaction: KilnDatabase) => Promise<void>): Promise<boolean> =>
    attempt(clock, async () => {
      try {
        await database.transaction().execute(work);
        return true;
      } catch (error) {
        if (error instanceof NotOurs) return false;
        throw error;
      }
    });

  return {
    survey: (moment, recentSince) =>
      attempt(clock, async (): Promise<SilenceSurvey> => {
        const breaker = await readBreaker();
        const resumedAt = breaker.resumedAt ?? '';
        const silent = await countSilent(moment, resumedAt);
        const failovers = await countFailovers(recentSince, resumedAt);
        return { breaker, ...silent, ...failovers };
      }),

    countServing: () =>
      attempt(clock, async () => {
        const row = await database
          .selectFrom('kiln_amphora')
          .select((builder) => builder.fn.countAll().as('count'))
          .where('status', '=', 'ALLOCATED')
          .where('load_balancer_id', 'is not', null)
          .executeTakeFirstOrThrow();
        return Number(row.count);
      }),

    list: ({ silentBefore }, limit) =>
      attempt(clock, async () => {
        const { rows } = await sql<
          Pick<ClaimedRow, 'amphora_id' | 'last_heard' | 'finding' | 'attempts' | 'load_balancer_id'> & {
            examine_after: string | null;
          }
        >`
          select h.amphora_id, h.last_heard, h.finding, h.attempts, h.examine_after, a.load_balancer_id
          from kiln_amphora_health h join kiln_amphora a on a.id = h.amphora_id
          where h.last_heard < ${silentBefore} and ${serves} and a.load_balancer_id is not null
          order by h.last_heard, h.amphora_id
          limit ${limit}`.execute(database);
        return rows.map((row) => ({
          id: row.amphora_id,
          loadBalancerId: row.load_balancer_id,
          lastHeard: row.last_heard,
          finding: row.finding as SilenceFinding | null,
          attempts: row.attempts,
          examineAfter: row.examine_after,
        }));
      }),

    claim: ({ now, silentBefore }, { examiner, until, limit, among }) =>
      attempt(clock, async () => {
        const isAmong = among === 'repairable' ? isFree : among === 'unexamined' ? sql`h.finding is null` : sql`1 = 1`;
        const { rows: found } = await sql<{ id: string }>`
          select h.amphora_id as id
          ${withOwners}
          where h.last_heard < ${silentBefore} and ${serves}
            and (h.examine_after is null or h.examine_after <= ${now}) and ${isAmong}
          order by h.attempts, h.last_heard, h.amphora_id
          limit ${limit}`.execute(database);
        const ids = found.map(({ id }) => id);
        if (ids.length === 0) return [];
        await database
          .updateTable('kiln_amphora_health')
          .set({ examiner, examine_after: until })
          .where('amphora_id', 'in', ids)
          .where('last_heard', '<', silentBefore)
          .where((where) => where.or([where('examine_after', 'is', null), where('examine_after', '<=', now)]))
          .execute();
        const { rows } = await sql<ClaimedRow>`
          select h.amphora_id, h.last_heard, h.finding, h.attempts, a.status, a.load_balancer_id, a.compute_id,
            a.lb_network_ip, l.provisioning_status, l.topology, case when exists (${replacement}) then 1 else 0 end as is_replaced
          ${withOwners}
          where h.amphora_id in (${sql.join(ids)}) and h.examiner = ${examiner} and ${isAmong}
          order by h.attempts, h.last_heard, h.amphora_id`.execute(database);
        return rows.map((row) => toSilentAmphora(row, examiner));
      }),

    async requestFailover(amphora, decision, operation, now) {
      const isAskedFor = await ifOurs(async (transaction) => {
        // First the load balancer, then the amphora, as heartbeats do.
        const { numUpdatedRows } = await transaction
          .updateTable('kiln_load_balancer')
          .set({ provisioning_status: 'PENDING_UPDATE', updated_at: now, revision: sql`revision + 1` })
          .where('id', '=', amphora.loadBalancerId)
          .where('provisioning_status', '=', amphora.loadBalancerStatus)
          .executeTakeFirst();
        if (numUpdatedRows !== 1n) throw new NotOurs();
        await decide(transaction, amphora, decision, now);
        await enqueueOperation(transaction, operation, now);
        const old = new Date(Date.parse(now) - FAILOVERS_KEPT_MS).toISOString();
        await transaction.deleteFrom('kiln_silence_failover').where('requested_at', '<', old).execute();
        await transaction
          .insertInto('kiln_silence_failover')
          .values({
            operation_id: operation.id,
            amphora_id: amphora.id,
            last_heard: amphora.lastHeard,
            requested_at: now,
          })
          .execute();
      });
      if (!isAskedFor) await giveBack(amphora);
      return isAskedFor;
    },

    record: (amphora, decision, operation, now) =>
      ifOurs(async (transaction) => {
        await decide(transaction, amphora, decision, now);
        if (operation) await enqueueOperation(transaction, operation, now);
      }),

    note: (amphorae, { finding, examineAfter }, now) =>
      attempt(clock, async () => {
        const [first] = amphorae;
        if (!first) return;
        await database
          .updateTable('kiln_amphora_health')
          .set({ finding, examine_after: examineAfter, examiner: null })
          .where('amphora_id', 'in', amphorae.map(({ id }) => id).sort())
          .where('examiner', '=', first.examiner)
          .where('examine_after', '>', now)
          .execute();
      }),

    markErrors: ({ silentBefore }, limit) =>
      attempt(clock, async () => {
        const { rows } = await sql<{ id: string }>`
          select distinct l.id
          ${withOwners}
          where h.last_heard < ${silentBefore} and ${serves} and h.finding <> 'heartbeats-lost'
            and l.operating_status <> 'ERROR' and l.admin_state_up = 1
            and not exists (${other(silentBefore)})
          limit ${limit}`.execute(database);
        return await setOperatingStatus(
          rows.map(({ id }) => id),
          'ERROR',
        );
      }),

    markServing: ({ silentBefore }, limit) =>
      attempt(clock, async () => {
        const { rows } = await sql<{ id: string; status: OperatingStatus }>`
          select distinct l.id, case when exists (${lessThanOnline(silentBefore)}) then 'DEGRADED' else 'ONLINE' end as status
          ${withOwners}
          where h.last_heard < ${silentBefore} and case a.status when 'ALLOCATED' then 1 else 0 end = 1 and h.finding = 'heartbeats-lost'
            and l.operating_status = 'ERROR' and l.admin_state_up = 1
            and not exists (select 1 from kiln_pool p where p.load_balancer_id = l.id and p.operating_status = 'ERROR')
          limit ${limit}`.execute(database);
        let marked = 0;
        for (const [status, those] of Map.groupBy(rows, (row) => row.status)) {
          const ids = those.map(({ id }) => id);
          marked += await setOperatingStatus(ids, status);
        }
        return marked;
      }),

    openBreaker: ({ at, silentCount, threshold }) =>
      attempt(clock, async () => {
        const { numUpdatedRows } = await database
          .updateTable('kiln_circuit_breaker')
          .set({ open_since: at, silent_count: silentCount, threshold, listen_until: null })
          .where('name', '=', BREAKER)
          .where('open_since', 'is', null)
          .executeTakeFirst();
        return numUpdatedRows === 1n;
      }),

    closeBreaker: (listenUntil) =>
      attempt(clock, async () => {
        const { numUpdatedRows } = await database
          .updateTable('kiln_circuit_breaker')
          .set({ open_since: null, silent_count: null, threshold: null, listen_until: listenUntil })
          .where('name', '=', BREAKER)
          .where('open_since', 'is not', null)
          .executeTakeFirst();
        if (numUpdatedRows !== 1n) return false;
        await examineUnknownAgain();
        return true;
      }),

    resume: (at) =>
      attempt(clock, async () => {
        const wasOpen = (await readBreaker()).openSince !== null;
        await database
          .updateTable('kiln_circuit_breaker')
          .set({ open_since: null, silent_count: null, threshold: null, listen_until: null, resumed_at: at })
          .where('name', '=', BREAKER)
          .execute();
        await examineUnknownAgain();
        return wasOpen;
      }),

    async forgetFuture(now) {
      await attempt(clock, () =>
        database.updateTable('kiln_amphora_health').set({ last_heard: now }).where('last_heard', '>', now).execute(),
      );
    },
  };
}

interface ClaimedRow {
  amphora_id: string;
  last_heard: string;
  finding: string | null;
  attempts: number;
  status: string;
  load_balancer_id: string;
  provisioning_status: string;
  topology: string;
  compute_id: string | null;
  lb_network_ip: string | null;
  is_replaced: number;
}

function toSilentAmphora(row: ClaimedRow, examiner: string): SilentAmphora {
  return {
    id: row.amphora_id,
    status: row.status as AmphoraStatus,
    loadBalancerId: row.load_balancer_id,
    loadBalancerStatus: row.provisioning_status as ProvisioningStatus,
    topology: row.topology as Topology,
    computeId: row.compute_id,
    lbNetworkIp: row.lb_network_ip,
    lastHeard: row.last_heard,
    finding: row.finding as SilenceFinding | null,
    attempts: row.attempts,
    isReplaced: row.is_replaced === 1,
    examiner,
  };
}

function toBreaker(row: Selectable<Schema['kiln_circuit_breaker']>): CircuitBreaker {
  return {
    openSince: row.open_since,
    silentCount: row.silent_count,
    threshold: row.threshold,
    listenUntil: row.listen_until,
    resumedAt: row.resumed_at,
  };
}
