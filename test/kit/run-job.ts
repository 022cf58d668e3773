import type { HousekeepingJob } from '../../src/housekeeping/job.ts';
import type { JobReport } from '../../src/model/housekeeping.ts';

/** One run of a job by a process that keeps it. */
export const runOf = (job: HousekeepingJob, { dryRun = false } = {}): Promise<JobReport> =>
  job.run({ dryRun, byHand: false, stop: new AbortController().signal, assertHeld: async () => {} });
