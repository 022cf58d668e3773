import type { Clock } from '../ports/clock.ts';
import type { Purge } from '../ports/purge.ts';
import type { HousekeepingJob, JobRun } from './job.ts';

export interface PurgeSettings {
  /** [house_keeping] cleanup_interval. */
  cleanupIntervalSeconds: number;
  /** [house_keeping] amphora_expiry_age. */
  amphoraExpirySeconds: number;
  /** [house_keeping] load_balancer_expiry_age. */
  operationExpirySeconds: number;
  /** [kiln] release_expiry_seconds. */
  releaseExpirySeconds: number;
}

/** Rows of one transaction: short enough that nobody waits for it. */
const BATCH = 100;
/** Between two batches, in which everybody else gets at the tables. */
const PAUSE_MS = 200;

/** Removes rows that have come of age. */
export function purgeJob(deps: { purge: Purge; clock: Clock; settings: () => PurgeSettings }): HousekeepingJob {
  const { purge, clock, settings } = deps;

  async function all(run: JobRun, batch: (limit: number) => Promise<number>): Promise<number> {
    let purged = 0;
    while (!run.stop.aborted) {
      await run.assertHeld();
      const count = await batch(BATCH);
      purged += count;
      if (count < BATCH) break;
      await clock.sleep(PAUSE_MS, run.stop).catch(() => {});
    }
    return purged;
  }

  async function allReleases(run: JobRun, before: string): Promise<number> {
    let removed = 0;
    while (!run.stop.aborted) {
      await run.assertHeld();
      const batch = await purge.releases(before, BATCH);
      removed += batch.removed;
      if (!batch.more) break;
      await clock.sleep(PAUSE_MS, run.stop).catch(() => {});
    }
    return removed;
  }

  return {
    name: 'purge',
    summary: 'Remove operations and releases that ended, and rows of amphorae that were deleted, long ago',
    intervalSeconds: () => settings().cleanupIntervalSeconds,
    async run(run) {
      const { amphoraExpirySeconds, operationExpirySeconds, releaseExpirySeconds } = settings();
      const before = (seconds: number) => new Date(clock.now().getTime() - seconds * 1000).toISOString();
      const old = {
        operations: before(operationExpirySeconds),
        amphorae: before(amphoraExpirySeconds),
        releases: before(releaseExpirySeconds),
      };
      const counts = run.dryRun
        ? await purge.count(old)
        : {
            operations: await all(run, (limit) => purge.operations(old.operations, limit)),
            amphorae: await all(run, (limit) => purge.amphorae(old.amphorae, limit)),
            releases: await allReleases(run, old.releases),
          };
      return { counts, items: [], more: false };
    },
  };
}
