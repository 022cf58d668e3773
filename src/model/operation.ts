import type { FlowName } from './flow-name.ts';

/** Plain data that survives being written as JSON and read again. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** Why an operation was undone: the error's code, message and advice. */
export interface OperationReason {
  code: string;
  message: string;
  advice: string;
}

/**
 * queued: nobody works on it. running: its flow goes forward. undoing: its flow goes back. done, undone: ended.
 * A running or undoing operation whose worker died is claimed by another worker and goes on from its journal.
 */
export const operationStatuses = ['queued', 'running', 'undoing', 'done', 'undone'] as const;
export type OperationStatus = (typeof operationStatuses)[number];
export const endedStatuses = ['done', 'undone'] as const satisfies readonly OperationStatus[];
export type EndedStatus = (typeof endedStatuses)[number];
export const hasEnded = (status: OperationStatus): status is EndedStatus =>
  (endedStatuses as readonly OperationStatus[]).includes(status);
/** Of an operation that has not ended. */
export const unendedStatuses: readonly OperationStatus[] = operationStatuses.filter((status) => !hasEnded(status));

/** How long to leave alone what found no place among the operations that may be under way, in all processes. */
export const NO_PLACE_PAUSE_MS = 2_000;

/** Of failovers that follow from silence: before everything that anybody asks for. */
export const REPAIR_PRIORITY = 20;

/** A change that was asked for: a row written in the same transaction as the status change that announces it. */
export interface Operation {
  id: string;
  flow: FlowName;
  /** What it changes, such as a load balancer's ID: two operations on one subject never run side by side. */
  subject: string;
  input: JsonObject;
  /** Larger first: a failover goes before a creation. */
  priority: number;
  status: OperationStatus;
  /** Raised by every claim. Who writes with an older one is refused. */
  fence: number;
  worker: string | null;
  reason: OperationReason | null;
  createdAt: string;
  updatedAt: string;
}

/** An operation that is asked for. */
export type NewOperation = Pick<Operation, 'id' | 'flow' | 'subject' | 'input' | 'priority'>;

/** Something that an operation made in the cloud and that could not be taken back. */
export type Leftover = {
  /** As its service calls it: server, port, security group, amphora. */
  readonly kind: string;
  /** Null where only its name is known: the answer that had the ID was never recorded. */
  readonly id: string | null;
  readonly name: string | null;
};

/** An operation that was ended by hand. */
export interface AbortedOperation extends Operation {
  /** What it may have made and nobody takes back now. */
  leftovers: readonly Leftover[];
  /** Who had it; it may still end the step that it is at. Null when nobody had. */
  lastWorker: string | null;
}

/**
 * One line of an operation's journal. `started` is written before a step does anything and `done` before the next one
 * starts; `failed` turns the flow around; `undone` is written when a step's undoing is complete. `stuck` says since when
 * an undoing, or a step behind the point of no return, fails; `left` that it was given up, and what is left behind.
 * `note` is for people alone. A journal's first entry has the version of its flow; absent: 1.
 */
export type JournalEntry =
  | { kind: 'started'; step: string; version?: number }
  | { kind: 'done'; step: string; output: JsonObject }
  | { kind: 'failed'; step: string; reason: OperationReason; details?: JsonObject }
  | { kind: 'undone'; step: string }
  | { kind: 'stuck'; step: string; at: string; reason: OperationReason }
  | { kind: 'left'; step: string; reason: OperationReason; leftovers: readonly Leftover[] }
  | { kind: 'note'; step: string; message: string };
