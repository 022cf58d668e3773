import { leftoversOf } from '../core/operations/leftovers.ts';
import { lost, withLoadBalancerInError } from '../core/operations/settlement.ts';
import { KilnError } from '../model/errors.ts';
import {
  type AbortedOperation,
  hasEnded,
  type JournalEntry,
  type Leftover,
  type OperationReason,
  unendedStatuses,
} from '../model/operation.ts';
import type { AmphoraSettlement, AmphoraStore } from '../ports/amphora-store.ts';
import type { ClaimedOperation, Journal } from '../ports/journal.ts';
import type { LoadBalancerStore, Settlement } from '../ports/load-balancer-store.ts';
import type { Log } from '../ports/log.ts';
import type { Flow, RecordsOf } from './engine/flow.ts';
import { flowOfJournal, readPast, unknownStep } from './engine/read-past.ts';
import { seenFrom } from './engine/state.ts';
import type { LoadBalancerDeps } from './load-balancer/deps.ts';

/** Aborting acts through Kiln's own records alone: it works while every service of the cloud is down. */
export interface AbortDeps {
  journal: Journal;
  loadBalancers: LoadBalancerStore;
  amphorae: AmphoraStore;
  flows: readonly Flow<LoadBalancerDeps>[];
  /** Claims as this one does, so that others go on when it dies in the middle. */
  self: string;
  log: Log;
}

/** Who ends it, and why: for the log and for whoever looks at the operation later. */
export interface AbortedBy {
  /** Null where nobody signed in: on the command line. */
  who: string | null;
  reason: string | null;
}

const CLAIM_TRIES = 5;

/**
 * Ends an operation by hand: nothing more is done or undone. Whoever has it is kept out by the fence, what is pending is in
 * ERROR with the reason, and what may be left behind is named. Failover and deletion of the load balancer begin anew.
 * @throws OPERATION_NOT_FOUND, OPERATION_ENDED; RESOURCE_CONFLICT while it waits for another one.
 */
export async function abortOperation(
  deps: AbortDeps,
  operationId: string,
  by: AbortedBy = { who: null, reason: null },
): Promise<AbortedOperation> {
  for (let tries = 1; ; tries++) {
    try {
      return await abortOnce(deps, operationId, by);
    } catch (error) {
      // A worker's sweep took it for left behind, and claimed it in between.
      if (!(error instanceof KilnError) || error.code !== 'FENCED' || tries >= CLAIM_TRIES) throw error;
    }
  }
}

async function abortOnce(deps: AbortDeps, operationId: string, by: AbortedBy): Promise<AbortedOperation> {
  const { journal, log } = deps;
  const { claimed, lastWorker } = await takeOver(deps, operationId);
  const { id, fence, flow: flowName } = claimed.operation;
  const reason: OperationReason = {
    code: 'OPERATION_ABORTED',
    message: `an operator ended the operation${by.reason ? `: ${by.reason}` : ''}`,
    advice:
      claimed.operation.input.loadBalancerId === null
        ? 'Delete the amphora.'
        : 'Fail the load balancer over, or delete it.',
  };
  const flow = deps.flows.find(({ name }) => name === flowName);
  const known = flow && unknownStep(flow, claimed.entries) === null ? flowOfJournal(flow, claimed.entries) : null;
  const entries = known ? await leftBy(deps, known, claimed, reason) : leftByUnknown(claimed.entries, reason);
  const settlement = known
    ? await settlementOfKnown(deps, known, claimed, reason)
    : await settlementOfUnknown(deps, claimed, reason);
  await markAmphorae(deps, claimed, reason);
  await journal.finish(id, fence, { undone: reason }, { entries, settlement });

  const leftovers = [...claimed.entries, ...entries].flatMap((entry) => (entry.kind === 'left' ? entry.leftovers : []));
  log.warn({ operation: id, flow: flowName, lastWorker, leftovers, ...by }, 'an operation was aborted by hand');
  const ended = (await journal.get(id))?.operation ?? claimed.operation;
  return { ...ended, leftovers, lastWorker };
}

async function takeOver(
  { journal, self }: AbortDeps,
  operationId: string,
): Promise<{ claimed: ClaimedOperation; lastWorker: string | null }> {
  for (let tries = 1; ; tries++) {
    const operation = (await journal.get(operationId))?.operation;
    if (!operation) throw new KilnError('OPERATION_NOT_FOUND', `there is no operation ${operationId}`);
    const { status, fence, worker, subject } = operation;
    if (hasEnded(status)) {
      throw new KilnError('OPERATION_ENDED', `operation ${operationId} has ended: it is ${status}`);
    }
    const claimed = await journal.claim(operationId, self, fence);
    if (claimed) return { claimed, lastWorker: worker };
    if (tries < CLAIM_TRIES) continue;
    const others = await journal.list({ subject, limit: 100 });
    const other = others.find(
      (one) => one.id !== operationId && (one.status === 'running' || one.status === 'undoing'),
    );
    throw new KilnError(
      'RESOURCE_CONFLICT',
      `operation ${operationId} waits for ${other?.id ?? 'another one'} on the same load balancer`,
      { advice: `Abort that one, or wait for its end: \`kiln operation show ${other?.id ?? operationId}\`.` },
    );
  }
}

/** What each step that was begun, and neither undone nor given up, may have left. */
async function leftBy(
  records: RecordsOf<LoadBalancerDeps>,
  flow: Flow<LoadBalancerDeps>,
  { operation, entries }: ClaimedOperation,
  reason: OperationReason,
): Promise<JournalEntry[]> {
  const past = readPast(flow, operation.input, entries);
  const left: JournalEntry[] = [];
  for (const step of flow.steps) {
    if (!past.started.has(step.name) || past.undone.has(step.name) || past.left.has(step.name)) continue;
    const leftovers: readonly Leftover[] = (await step.leaves?.(records, seenFrom(past.state, step.scope))) ?? [];
    if (leftovers.length > 0) left.push({ kind: 'left', step: step.name, reason, leftovers });
  }
  return left;
}

function leftByUnknown(entries: readonly JournalEntry[], reason: OperationReason): JournalEntry[] {
  const leftovers = leftoversOf(entries);
  const step = entries.findLast(({ kind }) => kind === 'done')?.step;
  return step === undefined || leftovers.length === 0 ? [] : [{ kind: 'left', step, reason, leftovers }];
}

/** As the flow leaves the rows when it is undone; one that had begun leaves nobody knows what in the amphora. */
async function settlementOfKnown(
  records: RecordsOf<LoadBalancerDeps>,
  flow: Flow<LoadBalancerDeps>,
  { operation, entries }: ClaimedOperation,
  reason: OperationReason,
): Promise<Settlement | AmphoraSettlement | null> {
  const { state } = readPast(flow, operation.input, entries);
  const gaveUp = entries.length > 0;
  return (await flow.steps[0]?.settleUndone?.(records, state, { reason, gaveUp })) ?? null;
}

/** Nothing, where the operation held nothing: the load balancer is not pending, or is so for another operation. */
async function settlementOfUnknown(
  { loadBalancers, journal }: AbortDeps,
  { operation }: ClaimedOperation,
  reason: OperationReason,
): Promise<Settlement | null> {
  const loadBalancerId = String(operation.input.loadBalancerId ?? operation.subject);
  const tree = await loadBalancers.tree(loadBalancerId);
  if (!tree?.loadBalancer.provisioningStatus.startsWith('PENDING_')) return null;
  const others = await journal.list({ subject: loadBalancerId, limit: 100 });
  if (others.some(({ id, status }) => id !== operation.id && unendedStatuses.includes(status))) return null;
  return { loadBalancerId, ...withLoadBalancerInError(lost(tree), loadBalancerId), reason };
}

/** One that was being built or deleted can be deleted. */
async function markAmphorae(
  { amphorae }: AbortDeps,
  { operation }: ClaimedOperation,
  reason: OperationReason,
): Promise<void> {
  const loadBalancerId = String(operation.input.loadBalancerId ?? operation.subject);
  const { amphoraId } = operation.input;
  const ofOthers = typeof amphoraId === 'string' ? [await amphorae.get(amphoraId)] : [];
  for (const amphora of [...(await amphorae.list({ loadBalancerId })), ...ofOthers]) {
    if (amphora?.status === 'BOOTING' || amphora?.status === 'PENDING_DELETE') {
      await amphorae.update(amphora.id, { status: 'ERROR', reason });
    }
  }
}
