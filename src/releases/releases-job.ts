import type { HousekeepingJob, JobRun } from '../housekeeping/job.ts';
import type { Bell } from '../lib/bell.ts';
import { growingPauseMs } from '../lib/growing-pause.ts';
import { KilnError } from '../model/errors.ts';
import type { JobReport } from '../model/housekeeping.ts';
import { endedPhases } from '../model/release.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { ReleaseStore, StoredRelease } from '../ports/release-store.ts';
import type { CarryOn } from './carry-on.ts';

/** Releases are noticed when they start; this is in case of that failing. */
const INTERVAL_SECONDS = 60;
/** While one is under way: so often it is asked whether something happened in another process that it waits for. */
const ASK_EVERY_MS = 1_000;
/** A run ends after so long, and the next one begins: so others see that it goes well. */
const RUN_MS = 60_000;
/** What fails is tried again, later each time. */
const pauses = { firstMs: 1_000, longestMs: 60_000 };

/** What this process remembers of a release while it carries it on; whoever comes next looks at once. */
interface Watched {
  /** Of the monotonic clock: a clock that is put back delays nothing. */
  dueMs: number;
  intentRevision: number;
  unended: number;
  faults: number;
}

/** Carries on the releases that have not ended. As with all jobs, one of all processes is at it, and the next one when that dies. */
export function releasesJob(deps: {
  releases: Pick<ReleaseStore, 'active' | 'countUnended'>;
  carryOn: CarryOn;
  clock: Clock;
  log: Log;
  /** Rung when something has happened in this process: an operation has ended, an operator has spoken. */
  bell: Bell;
}): HousekeepingJob {
  const { releases, carryOn, clock, log, bell } = deps;

  async function isDue({ spec, intent }: StoredRelease, watched: Watched | undefined): Promise<boolean> {
    if (!watched || clock.monotonicMs() >= watched.dueMs) return true;
    if (watched.faults > 0) return false;
    return intent.revision !== watched.intentRevision || (await releases.countUnended(spec.id)) < watched.unended;
  }

  /** @returns how many operations were asked for. @throws what ends the run: another process has the job. */
  async function attend(release: StoredRelease, watching: Map<string, Watched>, run: JobRun): Promise<number> {
    const { id } = release.spec;
    const former = watching.get(id);
    const { revision: intentRevision } = release.intent;
    try {
      const { wakeInMs, operations } = await carryOn(id, run.assertHeld);
      if (wakeInMs === null) watching.delete(id);
      else {
        const dueMs = clock.monotonicMs() + wakeInMs;
        watching.set(id, { dueMs, intentRevision, unended: await releases.countUnended(id), faults: 0 });
      }
      return operations;
    } catch (err) {
      // Whoever has the job now will see to it; whoever changed the release has not taken the job.
      await run.assertHeld();
      const faults = err instanceof KilnError && err.code === 'FENCED' ? 0 : (former?.faults ?? 0) + 1;
      const pauseMs = growingPauseMs(Math.max(1, faults), pauses);
      watching.set(id, { dueMs: clock.monotonicMs() + pauseMs, intentRevision, unended: 0, faults });
      if (faults > 0)
        log.error({ release: id, err }, `release ${id} can't be carried on now; again in ${pauseMs / 1000} s`);
      return 0;
    }
  }

  async function tell(): Promise<JobReport> {
    const active = await releases.active();
    const items = active.map(({ spec, progress: { phase, wave, holds } }) => {
      const held = holds.length > 0 ? `, held by ${holds.map(({ code }) => code).join(', ')}` : '';
      return `release ${spec.id} of image ${spec.image.id}: ${phase}, wave ${wave}${held}`;
    });
    return { counts: { releases: active.length }, items, more: false };
  }

  return {
    name: 'releases',
    summary: 'Carry releases of images on: probe, canary, waves, and the way back',
    intervalSeconds: () => INTERVAL_SECONDS,
    isWanted: async () => (await releases.active()).length > 0,
    async run(run) {
      if (run.dryRun) return await tell();
      const watching = new Map<string, Watched>();
      const endMs = clock.monotonicMs() + RUN_MS;
      let operations = 0;
      const listener = bell.listen();
      try {
        for (;;) {
          const active = await releases.active();
          for (const release of active) {
            if (run.stop.aborted) break;
            const isOpen = !endedPhases.includes(release.progress.phase);
            if (isOpen && (await isDue(release, watching.get(release.spec.id))))
              operations += await attend(release, watching, run);
          }
          const isOver = run.byHand || run.stop.aborted || clock.monotonicMs() >= endMs;
          if (active.length === 0 || isOver) return { counts: { operations }, items: [], more: active.length > 0 };
          const dueMs = Math.min(...active.map(({ spec }) => watching.get(spec.id)?.dueMs ?? Number.POSITIVE_INFINITY));
          const pauseMs = Math.max(1, Math.min(ASK_EVERY_MS, dueMs - clock.monotonicMs()));
          await listener.wait((rung) => clock.sleep(pauseMs, AbortSignal.any([rung, run.stop])));
        }
      } finally {
        listener.close();
      }
    },
  };
}
