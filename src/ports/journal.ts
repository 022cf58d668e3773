import type { FlowName } from '../model/flow-name.ts';
import type { JournalEntry, NewOperation, Operation, OperationReason } from '../model/operation.ts';
import type { AmphoraSettlement, AmphoraWrite } from './amphora-store.ts';
import type { Settlement } from './load-balancer-store.ts';

export interface ClaimedOperation {
  operation: Operation;
  /** In the order in which they were written. */
  entries: readonly JournalEntry[];
}

/** Places among the operations that may be under way at once, whatever process carries them out. */
export interface RunPlaces {
  /** How many there are, as this process has it. */
  limit: number;
  /** What this process can carry out: it waits for nothing else. */
  flows: readonly FlowName[];
}

/** There was no place: they are all taken, or the last one is for `first`, which is more urgent, or has waited longer. */
export interface NoPlace {
  full: true;
  first: Pick<Operation, 'id'> | null;
}

/** How far a flow has come. */
export interface Progress {
  entries: readonly JournalEntry[];
  /** Written in this order. */
  amphorae: readonly AmphoraWrite[];
}

/** Where operations and what their flows have done so far are kept. What a method wrote is durable when it resolves. */
export interface Journal {
  /** A new operation, `queued` with fence 0. Repeating it with the same ID changes nothing. */
  enqueue(operation: NewOperation): Promise<void>;
  /**
   * Takes the operation for a worker and raises its fence: whoever had it before is kept out from here on.
   * @param seenFence only if its fence is still this one: of several that found it unclaimed, one gets it.
   * @returns null when it has ended, does not exist, was claimed by somebody else since it was seen (or at this very
   * moment), or another operation on its subject is under way.
   */
  claim(operationId: string, worker: string, seenFence?: number): Promise<ClaimedOperation | null>;
  /**
   * As `claim`, within the places that there are. An operation whose worker died has its place still. When but one is left it
   * goes to the most urgent operation that was never begun, and of those to the oldest.
   * @param seen what `get` gave a moment ago: it is read again only where it has changed since.
   */
  claimPlace(
    operationId: string,
    worker: string,
    seenFence: number,
    places: RunPlaces,
    seen?: ClaimedOperation,
  ): Promise<ClaimedOperation | NoPlace | null>;
  /** Gives it and its place back, to be claimed by whoever comes; status and journal stay. FENCED as `record`. */
  release(operationId: string, fence: number): Promise<void>;
  /**
   * Appends entries, all or none. `failed` turns the operation to `undoing`; who does not have the operation may write that with
   * the fence it was seen with, and so ask whoever has it to go back. FENCED when somebody else has claimed the operation since: stop at once and touch nothing.
   */
  record(operationId: string, fence: number, ...entries: readonly JournalEntry[]): Promise<void>;
  /** As `record`, with rows of amphorae, in one transaction. */
  recordWith(operationId: string, fence: number, progress: Progress): Promise<void>;
  /**
   * The end, with the last progress and what becomes of the load balancer's rows, in one transaction: nobody sees the one
   * without the other. Rows that are gone stay gone. FENCED as `record`.
   */
  finish(
    operationId: string,
    fence: number,
    end: 'done' | { undone: OperationReason },
    last?: Partial<Progress> & { settlement?: Settlement | AmphoraSettlement | null },
  ): Promise<void>;
  /**
   * Operations that have not ended and that nobody has, most urgent first, then oldest first.
   * @param flows only of these: what nobody here can carry out must not crowd out the others.
   */
  unclaimed(limit: number, flows?: readonly FlowName[]): Promise<Operation[]>;
  /** Operations that somebody has: to find those whose worker is dead. */
  claimed(): Promise<Operation[]>;
  /** Newest first; with a subject, those on it alone. */
  list(options: { subject?: string; limit: number }): Promise<Operation[]>;
  /** The entries of several operations, at the cost of one. Those that have none are left out. */
  entriesOf(operationIds: readonly string[]): Promise<ReadonlyMap<string, readonly JournalEntry[]>>;
  /** Null when there is none. */
  get(operationId: string): Promise<ClaimedOperation | null>;
}
