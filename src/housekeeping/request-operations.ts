import type { JobReport } from '../model/housekeeping.ts';
import type { JobRun } from './job.ts';

/** Shown in a dry run. */
const SHOWN_LIMIT = 1_000;

/** One run of a job that asks workers for an operation on each of its candidates, with so many under way at a time. */
export async function requestOperations<Candidate>(
  run: JobRun,
  job: {
    due(limit: number): Promise<Candidate[]>;
    countRunning(): Promise<number>;
    atOnce: number;
    /** @returns false when it is due no more. */
    request(candidate: Candidate): Promise<boolean>;
    /** For people: one line. */
    lineOf(candidate: Candidate): string;
  },
): Promise<JobReport> {
  if (run.dryRun) {
    const found = await job.due(SHOWN_LIMIT);
    return { counts: { requested: found.length }, items: found.map(job.lineOf), more: false };
  }
  const room = Math.max(0, job.atOnce - (await job.countRunning()));
  const found = await job.due(room + 1);
  const requested: string[] = [];
  for (const candidate of found.slice(0, room)) {
    if (run.stop.aborted) break;
    await run.assertHeld();
    if (await job.request(candidate)) requested.push(job.lineOf(candidate));
  }
  return { counts: { requested: requested.length }, items: requested, more: found.length > room };
}
