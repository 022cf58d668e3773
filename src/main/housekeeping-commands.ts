import { createWorkerIdentity } from '../adapters/process/worker-identity.ts';
import type { HousekeepingCommands } from '../cli/context.ts';
import { runJobNow } from '../housekeeping/run-jobs.ts';
import { KilnError } from '../model/errors.ts';
import { type HousekeepingDeps, wireJobs } from './roles/housekeeping.ts';
import { whileSeen } from './roles/seen-process.ts';
import type { RuntimeContext } from './wire.ts';

/** What `kiln housekeeping` acts through: the database, with or without a `kiln serve`. Workers find what it enqueues. */
export function housekeepingCommands(
  state: HousekeepingDeps,
  runtime: RuntimeContext,
  signal: AbortSignal,
): HousekeepingCommands {
  const runner = wireJobs(state, runtime, createWorkerIdentity(), () => {}, []);
  const { jobs, store } = runner;

  return {
    async list() {
      const rows = new Map((await store.list()).map((row) => [row.name, row]));
      return jobs.map(({ name, summary, intervalSeconds }) => ({
        name,
        summary,
        intervalSeconds: intervalSeconds(),
        last: rows.get(name) ?? null,
      }));
    },
    async run(name, { dryRun }) {
      const job = jobs.find((one) => one.name === name);
      if (!job) {
        throw new KilnError('USAGE', `there is no job "${name}"`, {
          advice: `Jobs are: ${jobs.map((one) => one.name).join(', ')}.`,
        });
      }
      if (dryRun) return await runJobNow(runner, job, { dryRun }, signal);
      return await whileSeen(runner, () => runJobNow(runner, job, { dryRun }, signal));
    },
  };
}
