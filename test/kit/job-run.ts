import type { JobRun } from '../../src/housekeeping/job.ts';

/** A run of a job by a process that keeps it, and goes on. */
export const jobRun: JobRun = {
  dryRun: false,
  byHand: false,
  stop: new AbortController().signal,
  assertHeld: async () => {},
};
