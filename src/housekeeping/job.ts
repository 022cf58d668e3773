import type { JobReport } from '../model/housekeeping.ts';

/** Input of one run of a job. */
export interface JobRun {
  /** Say what would be done, and do nothing. */
  dryRun: boolean;
  /** Somebody waits for it: what needs time is waited for, and done in this run. */
  byHand: boolean;
  /** Aborted when the process is to stop. */
  stop: AbortSignal;
  /** To be called before each part of the work: throws FENCED when another process has the job by now. */
  assertHeld(): Promise<void>;
}

/** Work that is done at intervals, by one of all processes. A run that was killed is begun anew: it finds what is left. */
export interface HousekeepingJob {
  /** As `kiln housekeeping run` takes it; the key of its row. */
  name: string;
  /** For people: one line. */
  summary: string;
  /** Asked for at each look. */
  intervalSeconds(): number;
  /** Whether there is work, whatever the interval says: asked once a second while nobody in this process is at it, and so one cheap question. */
  isWanted?(): Promise<boolean>;
  run(run: JobRun): Promise<JobReport>;
}
