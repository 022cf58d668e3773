import { planAmphoraDeletion } from '../core/lbaas/changes.ts';
import { inferNextSteps } from '../core/releases/infer-next-steps.ts';
import { lateQuestion } from '../core/releases/late.ts';
import { isSamePlace, probeAmphoraId } from '../core/releases/probe.ts';
import { type Decision, type Window, windowLimits } from '../core/releases/window.ts';
import { abortable } from '../lib/abortable.ts';
import { createTtlMap } from '../lib/ttl-map.ts';
import { toKilnError } from '../model/errors.ts';
import type { Operation } from '../model/operation.ts';
import type { FailureClass } from '../model/release.ts';
import type { AmphoraRegister, AmphoraStore } from '../ports/amphora-store.ts';
import type { Clock } from '../ports/clock.ts';
import type { ImageService } from '../ports/images.ts';
import type { Log } from '../ports/log.ts';
import type { ReleaseStore, ReleaseView } from '../ports/release-store.ts';
import type { ObservedHealth, ReleaseHealth } from '../services/release-health.ts';
import { changeOf, isTagStep, type TagStep } from './change-of.ts';
import type { GlanceLook } from './glance-look.ts';
import { createTagRefusals } from './tag-refusals.ts';

export interface CarryOnDeps {
  releases: ReleaseStore;
  amphorae: Pick<AmphoraStore & AmphoraRegister, 'get' | 'requestDeletion'>;
  health: ReleaseHealth;
  glance: GlanceLook;
  images: Pick<ImageService, 'addTag' | 'removeTag'> | null;
  clock: Clock;
  log: Log;
  newId(): string;
  settings: () => {
    /** [health_manager] heartbeat_timeout. */
    heartbeatTimeoutSeconds: number;
    /** [kiln] worker_lease_seconds. */
    workerLeaseSeconds: number;
    /** [task_flow] max_workers. */
    maxWorkers: number;
    /** [controller_worker] amp_image_tag. */
    tag: string;
  };
  /** To workers. */
  announce(operation: Pick<Operation, 'id' | 'priority'>): void;
  /** A load balancer has failed; for the metrics. */
  failed(failureClass: FailureClass | null): void;
}

export interface CarriedOn {
  /** Null: the release has ended, or there is none. */
  wakeInMs: number | null;
  operations: number;
}

/** For a tag to be put on an image, or taken off. */
const TAG_PATIENCE_MS = 30_000;
/** The size of the fleet is counted anew after so long. */
const COUNT_FRESH_MS = 60_000;
/** What could not be removed is tried again after so long. */
const REMOVAL_AGAIN_MS = 60_000;

/** One pass over a release: looks, decides, writes the decision, and then does what is outside the database. */
export type CarryOn = (releaseId: string, assertHeld: () => Promise<void>) => Promise<CarriedOn>;

/**
 * Dying anywhere in between loses nothing: what is not written is decided again, and what is not done outside is seen to be
 * missing. @throws FENCED when somebody else has changed the release since it was read.
 */
export function createCarryOn(deps: CarryOnDeps): CarryOn {
  const { releases, clock, log } = deps;
  let fleet: { count: number; atMs: number } | null = null;
  const tagRefusals = createTagRefusals(clock);
  /** Amphorae of probes: since when. */
  const askedForRemoval = createTtlMap<number>(() => clock.monotonicMs(), REMOVAL_AGAIN_MS);

  async function countFleet(): Promise<number> {
    const nowMs = clock.monotonicMs();
    if (fleet === null || nowMs - fleet.atMs > COUNT_FRESH_MS) {
      fleet = { count: await releases.countLoadBalancers(), atMs: nowMs };
    }
    return fleet.count;
  }

  async function look(releaseId: string): Promise<ReleaseView | null> {
    const release = await releases.get(releaseId);
    if (!release) return null;
    const now = clock.now();
    const { heartbeatTimeoutSeconds, workerLeaseSeconds, tag } = deps.settings();
    const limits = windowLimits(release.spec.policy);
    const before = (seconds: number) => new Date(now.getTime() - seconds * 1000).toISOString();
    return await releases.look(releaseId, {
      now,
      nextLimit: limits.next,
      // Those that are taken back come on top of what is not judged yet.
      busyLimit: 2 * limits.unproven,
      silentBefore: before(heartbeatTimeoutSeconds),
      beatAfter: before(workerLeaseSeconds),
      late: lateQuestion(release, release.tallies, now.getTime()),
      defaultTag: tag,
    });
  }

  async function windowOf(view: ReleaseView, health: ObservedHealth): Promise<Window> {
    const { release, busy, next, nextDueMs, unendedOperations, repairs, workers, unwell, probes, late } = view;
    const { progress, intent, tallies } = release;
    const isTagMoving = progress.phase === 'tagging' || progress.phase === 'rolling-back';
    const hasWord = intent.revision !== progress.intentRevision;
    return {
      progress,
      intent,
      counts: tallies.counts,
      wave: tallies.waves[progress.wave] ?? { open: 0, pass: 0, fail: 0, noData: 0 },
      busy: busy.map((now) => ({ ...now, sample: health.sampleOf(now.target) })),
      next: next.map((now) => ({ ...now, sample: health.sampleOf(now.target) })),
      nextDueMs,
      unendedOperations,
      repairs,
      // They are those of all processes together.
      workerSlots: { total: workers.processes > 0 ? deps.settings().maxWorkers : 0, busy: workers.busy },
      ...(await deps.glance.look(release, isTagMoving || hasWord)),
      tagRefusal: tagRefusals.find(release.spec.id),
      fleet: { loadBalancers: await countFleet(), unwell },
      probes,
      late,
      cohorts: health.cohorts,
    };
  }

  /**
   * Of a probe that was given up something may be left, on record in ERROR; of one that failed by its host the server is, until the next
   * try has another one.
   */
  async function removeProbes({ release, probes }: ReleaseView, { steps }: Decision): Promise<void> {
    for (const { place, attempt, state } of probes) {
      const amphoraOf = (tried: number) => probeAmphoraId(release.spec.id, place, tried);
      const isTriedAgain = steps.some((step) => step.kind === 'probe' && isSamePlace(step.place, place));
      const isPlaced = state !== 'running' || (await deps.amphorae.get(amphoraOf(attempt)))?.lbNetworkIp != null;
      for (let one = 1; one <= attempt; one++) {
        const isNeeded = one === attempt ? state === 'running' || isTriedAgain : one === attempt - 1 && !isPlaced;
        if (!isNeeded) await removeProbe(amphoraOf(one));
      }
    }
  }

  async function removeProbe(amphoraId: string): Promise<void> {
    const nowMs = clock.monotonicMs();
    const askedMs = askedForRemoval.get(amphoraId);
    if (askedMs !== undefined && nowMs - askedMs < REMOVAL_AGAIN_MS) return;
    if ((await deps.amphorae.get(amphoraId))?.status !== 'ERROR') return;
    askedForRemoval.set(amphoraId, nowMs);
    const operation = planAmphoraDeletion(deps, amphoraId, null);
    await deps.amphorae.requestDeletion(amphoraId, operation);
    deps.announce(operation);
    log.info({ amphora: amphoraId }, 'what a probe of an image has left is removed');
  }

  /** A refusal is reported, and tried again later: it may need an operator. */
  async function moveTag(view: ReleaseView, step: TagStep): Promise<void> {
    const { id } = view.release.spec;
    try {
      await putTag(view, step);
      tagRefusals.moved(id);
    } catch (err) {
      tagRefusals.refused(id, toKilnError(err).message);
      log.error({ release: id, image: step.imageId, err }, `tag ${view.release.spec.tag} could not be moved`);
    }
  }

  async function putTag(view: ReleaseView, { kind, imageId }: TagStep): Promise<void> {
    const { spec } = view.release;
    const { images } = deps;
    if (!images) return;
    if (kind === 'tagRemove' && !(await deps.glance.tagged(spec)).some((id) => id !== imageId)) {
      log.warn({ release: spec.id, image: imageId }, 'the tag stays: it is on no other image');
      return;
    }
    const signal = AbortSignal.timeout(TAG_PATIENCE_MS);
    const done = kind === 'tagAdd' ? images.addTag(imageId, spec.tag) : images.removeTag(imageId, spec.tag);
    await abortable(done, signal);
    const did = kind === 'tagAdd' ? 'put on' : 'taken off';
    log.info({ release: spec.id, tag: spec.tag, image: imageId }, `tag ${spec.tag} was ${did} image ${imageId}`);
  }

  return async (releaseId, assertHeld) => {
    const view = await look(releaseId);
    if (view === null || view.release.endedAtMs !== null) return { wakeInMs: null, operations: 0 };
    const { release } = view;
    const health = await deps.health.observe(view, clock.now().getTime());
    const window = await windowOf(view, health);
    const nowMs = clock.now().getTime();
    const decision = inferNextSteps(window, release.spec, nowMs);
    const change = changeOf(view, decision, nowMs, deps.newId);
    await assertHeld();
    // Before a release ends: afterwards nobody looks at it again.
    await removeProbes(view, decision);
    const queued = change ? await releases.commit(release, change, nowMs) : [];
    for (const operation of queued) deps.announce(operation);
    for (const { before, after } of change?.targets ?? []) {
      if (after.state === 'failed' && before.state !== 'failed') deps.failed(after.failureClass);
    }
    for (const reason of decision.because) log.info({ release: releaseId }, `release ${releaseId}: ${reason}`);
    for (const step of decision.steps) {
      if (!isTagStep(step)) continue;
      await assertHeld();
      await moveTag(view, step);
    }
    const { wakeAtMs } = decision;
    const atMs = wakeAtMs === null ? null : Math.min(wakeAtMs, health.againAtMs ?? wakeAtMs);
    return { wakeInMs: atMs === null ? null : Math.max(0, atMs - nowMs), operations: queued.length };
  };
}
