import { type ExpressionBuilder, sql } from 'kysely';
import { type FlowName, releaseFlows } from '../../model/flow-name.ts';
import { unendedStatuses } from '../../model/operation.ts';
import type { ProbePlace, Target, TargetState } from '../../model/release.ts';
import type { AmphoraNow, ProbeNow, TargetNow } from '../../model/release-view.ts';
import type { ReleaseLook, ReleaseView } from '../../ports/release-store.ts';
import { lateOnes } from './release-fleet.ts';
import { toRelease, toTarget } from './release-rows.ts';
import type { KilnDatabase, Schema } from './schema.ts';
import { ALL_ROLES } from './worker-registry.ts';

const busyStates: readonly TargetState[] = ['moving', 'watching', 'reverting'];

/** All that a decision needs of the database, in a transaction that only reads: a fixed number of statements. */
export async function lookAtRelease(
  transaction: KilnDatabase,
  releaseId: string,
  look: ReleaseLook,
): Promise<ReleaseView | null> {
  const row = await transaction.selectFrom('kiln_release').selectAll().where('id', '=', releaseId).executeTakeFirst();
  if (!row) return null;
  const release = toRelease(row);
  const nowMs = look.now.getTime();
  const { phase, wave } = release.progress;
  const isBack = phase === 'rolling-back' && release.intent.want !== 'abort';
  const ofRelease = transaction.selectFrom('kiln_release_target').where('release_id', '=', releaseId);
  const busy = await ofRelease.selectAll().where('state', 'in', busyStates).limit(look.busyLimit).execute();

  type Where = ExpressionBuilder<Schema, 'kiln_release_target'>;
  /** Those that go back, or back first: failed, and worse than before or half of a pair. */
  const goesBack = ({ eb, or, and }: Where) =>
    isBack
      ? eb('state', 'in', ['moved', 'failed'])
      : and([eb('state', '=', 'failed'), or([eb('verdict', '=', 'fail'), eb('mixed_since_ms', 'is not', null)])]);
  const goesOn = ({ eb, and }: Where) => and([eb('state', '=', 'pending'), eb('wave', '=', wave)]);
  const back = await ofRelease
    .selectAll()
    .where(goesBack)
    .where('not_before_ms', '<=', nowMs)
    .orderBy('badness', 'desc')
    .orderBy('wave')
    .orderBy('position')
    .limit(look.nextLimit)
    .execute();
  const on = isBack
    ? []
    : await ofRelease
        .selectAll()
        .where(goesOn)
        .where('not_before_ms', '<=', nowMs)
        .orderBy('wave')
        .orderBy('position')
        .limit(look.nextLimit)
        .execute();
  const later = await ofRelease
    .select(({ fn }) => fn.min<number>('not_before_ms').as('at'))
    .where((where) => (isBack ? goesBack(where) : where.or([goesBack(where), goesOn(where)])))
    .where('not_before_ms', '>', nowMs)
    .executeTakeFirst();

  const busyTargets = busy.map(toTarget);
  const nextTargets = [...back, ...on].slice(0, look.nextLimit).map(toTarget);
  const now = await targetsNow(transaction, [...busyTargets, ...nextTargets], look);
  return {
    release,
    busy: busyTargets.map(now),
    next: nextTargets.map(now),
    nextDueMs: later?.at == null ? null : Number(later.at),
    unendedOperations: await countOperations(transaction, releaseId, releaseFlows),
    repairs: await countRepairs(transaction),
    workers: await countWorkers(transaction, look.beatAfter),
    unwell: await countUnwell(transaction, look.silentBefore),
    probes: await probesNow(transaction, releaseId),
    late: look.late && (await lateOnes(transaction, releaseId, look.late, look.defaultTag)),
  };
}

async function targetsNow(
  transaction: KilnDatabase,
  targets: readonly Target[],
  { silentBefore }: ReleaseLook,
): Promise<(target: Target) => TargetNow> {
  const ids = targets.map(({ loadBalancerId }) => loadBalancerId);
  if (ids.length === 0) return (target) => ({ target, loadBalancer: null, operation: null, sample: null });
  const statuses = await transaction
    .selectFrom('kiln_load_balancer')
    .select(['id', 'provisioning_status'])
    .where('id', 'in', ids)
    .execute();
  const statusOf = new Map(statuses.map((row) => [row.id, String(row.provisioning_status)]));
  const amphorae = await transaction
    .selectFrom('kiln_amphora as a')
    .leftJoin('kiln_amphora_health as h', 'h.amphora_id', 'a.id')
    .select(['a.id', 'a.load_balancer_id', 'a.role', 'a.image_id', 'a.status', 'h.last_heard'])
    .where('a.load_balancer_id', 'in', ids)
    .where('a.status', 'in', ['ALLOCATED', 'ERROR'])
    .orderBy('a.created_at')
    .orderBy('a.id')
    .execute();
  const amphoraeOf = new Map<string, AmphoraNow[]>();
  for (const { id, load_balancer_id: of, role, image_id: imageId, status, last_heard: heard } of amphorae) {
    const hasItsPlace = (other: (typeof amphorae)[number]) =>
      other.status === 'ALLOCATED' && other.load_balancer_id === of && other.role === role;
    // What is left of one that is replaced is no part of the load balancer any more.
    if (status === 'ERROR' && amphorae.some(hasItsPlace)) continue;
    const isServing = status === 'ALLOCATED' && (heard === null || heard >= silentBefore);
    const amphora: AmphoraNow = {
      id,
      role: (role ?? 'STANDALONE') as AmphoraNow['role'],
      imageId: imageId ?? '',
      isServing,
    };
    amphoraeOf.set(String(of), [...(amphoraeOf.get(String(of)) ?? []), amphora]);
  }
  const operationIds = targets.flatMap(({ operationId }) => (operationId === null ? [] : [operationId]));
  const operations = await operationsNow(transaction, operationIds);
  return (target) => {
    const provisioningStatus = statusOf.get(target.loadBalancerId);
    return {
      target,
      loadBalancer:
        provisioningStatus === undefined
          ? null
          : { provisioningStatus, amphorae: amphoraeOf.get(target.loadBalancerId) ?? [] },
      operation: target.operationId === null ? null : (operations.get(target.operationId) ?? null),
      sample: null,
    };
  };
}

type OperationNow = NonNullable<TargetNow['operation']>;

async function operationsNow(
  transaction: KilnDatabase,
  operationIds: readonly string[],
): Promise<Map<string, OperationNow & { updatedAtMs: number }>> {
  if (operationIds.length === 0) return new Map();
  const rows = await transaction
    .selectFrom('kiln_operation')
    .select(['id', 'status', 'reason', 'updated_at'])
    .where('id', 'in', operationIds)
    .execute();
  return new Map(
    rows.map(({ id, status, reason, updated_at: updatedAt }) => {
      const error = reason === null ? null : (JSON.parse(reason) as { code: string; message: string });
      const end = status === 'done' || status === 'undone' ? status : 'unended';
      return [
        id,
        {
          status: end,
          error: error && { code: error.code, message: error.message },
          updatedAtMs: Date.parse(updatedAt),
        },
      ];
    }),
  );
}

/**
 * Of a release. Operations that have not ended are few, whatever the size of the fleet.
 * @param flows which of them.
 */
export async function countOperations(
  transaction: KilnDatabase,
  releaseId: string,
  flows: readonly FlowName[] = [...releaseFlows, 'probe-image'],
): Promise<number> {
  const { count } = await transaction
    .selectFrom('kiln_operation')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('status', 'in', unendedStatuses)
    .where('flow', 'in', flows)
    .where('input', 'like', `%"releaseId":"${releaseId}"%`)
    .executeTakeFirstOrThrow();
  return Number(count);
}

async function countRepairs(transaction: KilnDatabase): Promise<{ running: number; queued: number }> {
  const rows = await transaction
    .selectFrom('kiln_silence_failover as f')
    .innerJoin('kiln_operation as o', 'o.id', 'f.operation_id')
    .select(['o.status', ({ fn }) => fn.countAll<number>().as('count')])
    .where('o.status', 'in', unendedStatuses)
    .groupBy('o.status')
    .execute();
  const counts = { running: 0, queued: 0 };
  for (const { status, count } of rows) counts[status === 'queued' ? 'queued' : 'running'] += Number(count);
  return counts;
}

async function countWorkers(
  transaction: KilnDatabase,
  beatAfter: string,
): Promise<{ processes: number; busy: number }> {
  const workers = await transaction
    .selectFrom('kiln_worker')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where(({ eb, or }) => or([eb('role', '=', ALL_ROLES), eb('role', 'like', '%worker%')]))
    .where('beat_at', '>', beatAfter)
    .executeTakeFirstOrThrow();
  const busy = await transaction
    .selectFrom('kiln_operation')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('status', 'in', unendedStatuses)
    .where('worker', 'is not', null)
    .executeTakeFirstOrThrow();
  return { processes: Number(workers.count), busy: Number(busy.count) };
}

/** By indices of what is in ERROR and of what is silent. */
async function countUnwell(transaction: KilnDatabase, silentBefore: string): Promise<number> {
  const { rows } = await sql<Record<'errors' | 'silent', number | string>>`
    select
      (select count(*) from kiln_load_balancer where provisioning_status = 'ERROR') as errors,
      (select count(distinct a.load_balancer_id) from kiln_amphora_health h join kiln_amphora a on a.id = h.amphora_id
        where h.last_heard < ${silentBefore} and case a.status when 'ALLOCATED' then 1 else 0 end = 1
          and a.load_balancer_id is not null) as silent`.execute(transaction);
  return Number(rows[0]?.errors ?? 0) + Number(rows[0]?.silent ?? 0);
}

async function probesNow(transaction: KilnDatabase, releaseId: string): Promise<ProbeNow[]> {
  const rows = await transaction
    .selectFrom('kiln_release_probe')
    .selectAll()
    .where('release_id', '=', releaseId)
    .orderBy('place')
    .execute();
  const operations = await operationsNow(
    transaction,
    rows.map((row) => row.operation_id),
  );
  return rows.map((row) => {
    const [flavorId = null, zone = null] = JSON.parse(row.place) as (string | null)[];
    const place: ProbePlace = { flavorId, zone };
    const operation = operations.get(row.operation_id);
    const ended = operation && operation.status !== 'unended' ? operation : null;
    // One that was purged, or aborted and purged, says nothing any more: it is tried again.
    const gone = operation ? null : { code: 'OPERATION_NOT_FOUND', message: 'its operation is gone' };
    const state = gone || ended?.status === 'undone' ? 'failed' : ended ? 'passed' : 'running';
    return {
      place,
      attempt: row.attempt,
      imageFaults: row.image_faults,
      startedAtMs: Number(row.started_ms),
      state,
      endedAtMs: gone ? Number(row.started_ms) : (ended?.updatedAtMs ?? null),
      error: gone ?? (ended?.status === 'undone' ? ended.error : null),
    };
  });
}
