import { KilnError, toKilnError } from '../model/errors.ts';
import type { Job, JobReport } from '../model/housekeeping.ts';
import type { Clock } from '../ports/clock.ts';
import type { JobStore } from '../ports/job-store.ts';
import type { Log } from '../ports/log.ts';
import type { HousekeepingJob } from './job.ts';

export interface JobRunner {
  jobs: readonly HousekeepingJob[];
  store: JobStore;
  /** Who claims; of all processes this one alone has the name. */
  self: string;
  /** Whether the process that has a job may still be at it. */
  isAlive(worker: string): Promise<boolean>;
  clock: Clock;
  log: Log;
}

/** Jobs are looked at so often; a shorter interval of one of them makes it more often. */
const LOOK_EVERY_MS = 5_000;
/** Jobs that may be wanted at any time are asked so often. */
const ASK_EVERY_MS = 1_000;
/** Between two runs of a job of which the first left something to the second. */
const MORE_AFTER_MS = 1_000;

/** Does the jobs that are due and that nobody else is at, until the signal is aborted. Never rejects. */
export async function runJobs(runner: JobRunner, signal: AbortSignal): Promise<void> {
  const { jobs, store, log } = runner;
  const running = new Map<string, Promise<unknown>>();
  let wanted: string | null = null;
  while (!signal.aborted) {
    try {
      const rows = new Map((await store.list()).map((row) => [row.name, row]));
      for (const job of jobs) {
        const row = rows.get(job.name) ?? null;
        if (running.has(job.name) || !(await isOpen(runner, job, row, job.name === wanted))) continue;
        const ended = runOnce(runner, job, row, signal)
          .catch(() => {}) // Said and noted by runOnce.
          .finally(() => running.delete(job.name));
        running.set(job.name, ended);
      }
    } catch (err) {
      log.warn({ err }, 'jobs of housekeeping could not be looked at; it is tried again');
    }
    const shortest = Math.min(...jobs.map((job) => job.intervalSeconds() * 1000));
    const pauseMs = Math.min(shortest, running.size > 0 ? MORE_AFTER_MS : LOOK_EVERY_MS);
    wanted = await untilWanted(runner, running, pauseMs, signal);
  }
  await Promise.all(running.values());
}

/** Waits so long, or until there is work for a job that nobody in this process is at. @returns that job. */
async function untilWanted(
  { jobs, clock, log }: JobRunner,
  running: ReadonlyMap<string, unknown>,
  pauseMs: number,
  signal: AbortSignal,
): Promise<string | null> {
  const endMs = clock.monotonicMs() + pauseMs;
  const asked = jobs.filter(({ name, isWanted }) => isWanted && !running.has(name));
  const sliceMs = asked.length > 0 ? ASK_EVERY_MS : pauseMs;
  for (let leftMs = pauseMs; leftMs > 0 && !signal.aborted; leftMs = endMs - clock.monotonicMs()) {
    await clock.sleep(Math.min(sliceMs, leftMs), signal).catch(() => {});
    for (const { name, isWanted } of asked) {
      try {
        if (!signal.aborted && (await isWanted?.())) return name;
      } catch (err) {
        log.debug({ err, job: name }, 'whether there is work for a job could not be asked');
      }
    }
  }
  return null;
}

/**
 * Does one job now, whether it is due or not.
 * @returns null in place of a report when another process took it at this moment.
 * @throws IMMUTABLE when another process is at it, and whatever the run throws.
 */
export async function runJobNow(
  runner: JobRunner,
  job: HousekeepingJob,
  options: { dryRun: boolean },
  signal: AbortSignal,
): Promise<JobReport | null> {
  if (options.dryRun) return await job.run({ dryRun: true, byHand: true, stop: signal, assertHeld: async () => {} });
  const row = (await runner.store.list()).find(({ name }) => name === job.name) ?? null;
  if (row && (await isHeld(runner, row))) {
    throw new KilnError('IMMUTABLE', `${row.holder} is at job ${job.name} since ${row.startedAt}`, {
      advice: 'Wait until it has ended: `kiln housekeeping list` tells.',
    });
  }
  return await runOnce(runner, job, row, signal, true);
}

async function isHeld({ self, isAlive }: JobRunner, { holder }: Job): Promise<boolean> {
  return holder !== null && holder !== self && (await isAlive(holder));
}

/** Whether the job is due, wanted, or was left in the middle by a process that is dead. */
async function isOpen(runner: JobRunner, job: HousekeepingJob, row: Job | null, isWanted: boolean): Promise<boolean> {
  if (!row?.startedAt) return true;
  if (row.holder !== null) return !(await isHeld(runner, row));
  if (isWanted) return true;
  const sinceMs = runner.clock.now().getTime() - Date.parse(row.startedAt);
  const intervalMs = row.more ? MORE_AFTER_MS : job.intervalSeconds() * 1000;
  // A start in the future: some host's clock was wrong.
  return sinceMs >= intervalMs || sinceMs < -intervalMs;
}

async function runOnce(
  { store, self, log }: JobRunner,
  { name, run }: HousekeepingJob,
  row: Job | null,
  stop: AbortSignal,
  byHand = false,
): Promise<JobReport | null> {
  const fence = await store.claim(name, self, row?.fence ?? 0);
  if (fence === null) return null;
  try {
    const report = await run({ dryRun: false, byHand, stop, assertHeld: () => store.assertHeld(name, fence) });
    await store.finish(name, fence, { result: report.counts, more: report.more });
    if (Object.values(report.counts).some((count) => count > 0))
      log.info({ job: name, ...report.counts }, 'a job was done');
    return report;
  } catch (thrown) {
    const { code, message, advice } = toKilnError(thrown);
    log.error({ job: name, err: thrown }, 'a job of housekeeping failed; it is tried again at its next time');
    if (code !== 'FENCED') await store.finish(name, fence, { failure: { code, message, advice } }).catch(() => {});
    throw thrown;
  }
}
