import type { JsonObject, OperationReason } from './operation.ts';

/** What the database knows of a job. Times are ISO 8601 UTC. */
export interface Job {
  name: string;
  fence: number;
  /** Who is at it; null when nobody is. */
  holder: string | null;
  /** The last run left something to the next one, which need not wait for the interval. */
  more: boolean;
  startedAt: string | null;
  endedAt: string | null;
  succeededAt: string | null;
  /** What the last run that succeeded counted. */
  result: Readonly<Record<string, number>> | null;
  /** Why the last run failed; null when it did not. */
  failure: OperationReason | null;
}

/** What one run came to. */
export interface JobReport {
  /** What was done, or would be in a dry run: by kind. */
  counts: Readonly<Record<string, number>>;
  /** One line for each thing that was found, where it is worth it. */
  items: readonly string[];
  /** The same for machines, where a line is not enough. */
  details?: readonly JsonObject[];
  /** Something is left that the next run does. */
  more: boolean;
}
