import type { Job } from '../model/housekeeping.ts';
import type { OperationReason } from '../model/operation.ts';

/** Who does which job of housekeeping, and how it went: one row a job. Each method is one transaction. */
export interface JobStore {
  /** In order of name. A job that nobody has ever begun is missing. */
  list(): Promise<Job[]>;
  /**
   * Takes the job for a worker and raises its fence: whoever had it before is kept out from here on.
   * @param seenFence only if its fence is still this one (0: nobody ever had it): of several that saw it free, one gets it.
   * @returns the new fence; null when somebody else was faster.
   */
  claim(name: string, worker: string, seenFence: number): Promise<number | null>;
  /** FENCED when somebody else has the job by now. */
  assertHeld(name: string, fence: number): Promise<void>;
  /** The end of a run: the job is free. FENCED as `assertHeld`. */
  finish(name: string, fence: number, end: JobEnd): Promise<void>;
}

export type JobEnd = { result: Readonly<Record<string, number>>; more: boolean } | { failure: OperationReason };
