import { KilnError } from '../../../src/model/errors.ts';
import type { JournalEntry, Operation } from '../../../src/model/operation.ts';
import type { AmphoraSettlement, AmphoraWrite } from '../../../src/ports/amphora-store.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import type { ClaimedOperation, Journal, Progress } from '../../../src/ports/journal.ts';
import type { Settlement } from '../../../src/ports/load-balancer-store.ts';
import { type Switches, withSwitches } from '../fault-injection.ts';

export type FakeJournal = Journal & Switches<keyof Journal>;

/**
 * A journal in memory. Values go through JSON, as they do in a database.
 * @param settle carries out what an operation leaves in the rows when it ends.
 * @param amend carries out what goes on record with entries.
 */
export function createFakeJournal(
  clock: Pick<Clock, 'now'>,
  settle: (settlement: Settlement | AmphoraSettlement) => void = () => {},
  amend: (write: AmphoraWrite) => void = () => {},
): FakeJournal {
  const operations = new Map<string, Operation>();
  const entries = new Map<string, JournalEntry[]>();
  const now = () => clock.now().toISOString();
  const copy = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value;
  const hasEnded = ({ status }: Operation) => status === 'done' || status === 'undone';

  function held(operationId: string, fence: number): Operation {
    const operation = operations.get(operationId);
    if (!operation || operation.fence !== fence || hasEnded(operation)) {
      throw new KilnError('FENCED', `operation ${operationId} is no longer ours`);
    }
    return operation;
  }
  function change(operation: Operation, fields: Partial<Operation>): Operation {
    const changed = { ...operation, ...fields, updatedAt: now() };
    operations.set(operation.id, changed);
    return changed;
  }
  const unended = () => [...operations.values()].filter((operation) => !hasEnded(operation));

  function claim(operationId: string, worker: string, seenFence?: number): ClaimedOperation | null {
    const operation = operations.get(operationId);
    if (!operation || hasEnded(operation)) return null;
    if (seenFence !== undefined && seenFence !== operation.fence) return null;
    const rivals = unended().filter(({ id, subject }) => id !== operationId && subject === operation.subject);
    if (rivals.some(({ status }) => status !== 'queued')) return null;
    const status = operation.status === 'queued' ? 'running' : operation.status;
    const taken = change(operation, { status, worker, fence: operation.fence + 1 });
    return { operation: copy(taken), entries: copy(entries.get(operationId) ?? []) };
  }
  function firstInLine(flows: readonly string[], { id, priority, createdAt }: Operation): Operation | null {
    const busy = new Set(unended().flatMap(({ status, subject }) => (status === 'queued' ? [] : [subject])));
    const [first] = unended()
      .filter(({ status, flow, subject }) => status === 'queued' && flows.includes(flow) && !busy.has(subject))
      .filter((one) => one.priority > priority || (one.priority === priority && one.createdAt < createdAt))
      .sort((a, b) => b.priority - a.priority || a.createdAt.localeCompare(b.createdAt));
    return first && first.id !== id ? first : null;
  }

  function recordWith(operationId: string, fence: number, { entries: added, amphorae }: Progress): void {
    const operation = held(operationId, fence);
    amphorae.forEach(amend);
    entries.get(operationId)?.push(...copy(added));
    for (const entry of added) {
      if (entry.kind === 'failed') change(operation, { status: 'undoing', reason: entry.reason });
    }
  }

  return withSwitches<Journal>({
    async enqueue(operation) {
      if (operations.has(operation.id)) return;
      const at = now();
      operations.set(operation.id, {
        ...copy(operation),
        status: 'queued',
        fence: 0,
        worker: null,
        reason: null,
        createdAt: at,
        updatedAt: at,
      });
      entries.set(operation.id, []);
    },
    claim: async (operationId, worker, seenFence) => claim(operationId, worker, seenFence),
    async claimPlace(operationId, worker, seenFence, { limit, flows }) {
      const operation = operations.get(operationId);
      if (!operation || hasEnded(operation) || operation.fence !== seenFence) return null;
      const taken = unended().filter((other) => other.worker !== null);
      if (!taken.some(({ id }) => id === operationId)) {
        const left = limit - taken.length;
        if (left <= 0) return { full: true, first: null };
        const first = left === 1 ? firstInLine(flows, operation) : null;
        if (first) return { full: true, first };
      }
      return claim(operationId, worker, seenFence);
    },
    async release(operationId, fence) {
      change(held(operationId, fence), { worker: null });
    },
    record: async (operationId, fence, ...added) => recordWith(operationId, fence, { entries: added, amphorae: [] }),
    recordWith: async (operationId, fence, progress) => recordWith(operationId, fence, progress),
    async finish(operationId, fence, end, { entries: added = [], amphorae = [], settlement = null } = {}) {
      const operation = held(operationId, fence);
      amphorae.forEach(amend);
      if (settlement) settle(settlement);
      entries.get(operationId)?.push(...copy(added));
      const fields = end === 'done' ? { status: 'done' as const } : { status: 'undone' as const, reason: end.undone };
      change(operation, { ...fields, worker: null });
    },
    async unclaimed(limit, flows) {
      return unended()
        .filter(({ worker, flow }) => worker === null && (flows?.includes(flow) ?? true))
        .sort((a, b) => b.priority - a.priority || a.createdAt.localeCompare(b.createdAt))
        .slice(0, limit);
    },
    claimed: async () => unended().filter(({ worker }) => worker !== null),
    async list({ subject, limit }) {
      return [...operations.values()]
        .filter((operation) => subject === undefined || operation.subject === subject)
        .sort((a, b) => b.createdAt.localeCompare(a.createdAt) || (a.id < b.id ? 1 : -1))
        .slice(0, limit);
    },
    async entriesOf(operationIds) {
      const known = operationIds.filter((id) => (entries.get(id) ?? []).length > 0);
      return new Map(known.map((id) => [id, copy(entries.get(id) ?? [])]));
    },
    async get(operationId) {
      const operation = operations.get(operationId);
      return operation ? { operation: copy(operation), entries: copy(entries.get(operationId) ?? []) } : null;
    },
  });
}
