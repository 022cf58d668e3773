/** Releases as operators see and steer them: started from a plan, looked at, asked to go on, to wait, to end, to go back. */

import { randomUUID } from 'node:crypto';
import { conflict, notFound } from '../core/lbaas/api-errors.ts';
import { initialProgress, newTarget } from '../core/releases/apply-step.ts';
import { differences } from '../core/releases/plan-digest.ts';
import { tallyOf } from '../core/releases/tallies.ts';
import { mapAtMost } from '../lib/map-at-most.ts';
import { KilnError } from '../model/errors.ts';
import { endedPhases, type Intent, type Release, type Target } from '../model/release.ts';
import type { ReleasePlan } from '../model/release-plan.ts';
import type { Clock } from '../ports/clock.ts';
import type { ImageResolver } from '../ports/image-resolver.ts';
import type { ReleaseStore, StoredRelease } from '../ports/release-store.ts';
import type { Instruction, ReleaseFeed, ReleasePlanner, Releases, WayBack } from '../ports/releases.ts';

export interface ReleasesDeps {
  planner: ReleasePlanner;
  store: Pick<
    ReleaseStore,
    'create' | 'get' | 'list' | 'active' | 'targets' | 'events' | 'tail' | 'waysBack' | 'instruct'
  >;
  feed: ReleaseFeed;
  resolver: Pick<ImageResolver, 'resolveAssigned'>;
  clock: Clock;
  /** A release was started, or somebody has spoken to one. */
  changed?(): void;
}

/** A controller that writes at the same moment: who is beaten to it so often has another problem. */
const TRIES = 20;
const LONGEST_PAUSE_MS = 100;
const IMAGES_AT_ONCE = 8;

export function createReleases({ planner, store, feed, resolver, clock, changed = () => {} }: ReleasesDeps): Releases {
  async function get(releaseId: string): Promise<StoredRelease> {
    const release = await store.get(releaseId);
    if (!release) throw notFound('Release', releaseId);
    return release;
  }

  async function refuseWhileActive(tag: string): Promise<void> {
    const running = (await store.active()).find(({ spec }) => spec.tag === tag);
    if (!running) return;
    const { spec, progress, intent } = running;
    throw new KilnError(
      'RESOURCE_CONFLICT',
      `release ${spec.id} of tag ${tag} to image ${spec.image.name} has not ended: it is ${progress.phase}, ` +
        `and ${intent.by} wants it to ${intent.want}. Wait for its end, or abort it or roll it back first`,
      { advice: `\`kiln release show ${spec.id}\` says how far it is.` },
    );
  }

  async function problemOf(imageId: string): Promise<string | null> {
    const found = await resolver.resolveAssigned(imageId, { flavorId: null });
    return 'refused' in found ? found.refused : null;
  }

  /** Says what the store makes of the newest state; null: somebody wrote at the same moment. */
  async function record(releaseId: string, instruction: Instruction): Promise<StoredRelease | null> {
    const release = await get(releaseId);
    const { intent, progress } = release;
    const isSame =
      intent.want === instruction.want && intent.reason === instruction.reason && intent.by === instruction.by;
    if (isSame && instruction.revision === intent.revision - 1) return release;
    if (endedPhases.includes(progress.phase)) {
      throw conflict(
        `release ${releaseId} has ended (${progress.phase}) and takes no more instructions: plan and start another one, of the former image to go back`,
      );
    }
    if (instruction.revision !== intent.revision) {
      throw conflict(
        `revision is ${instruction.revision}, and the release's intent is at ${intent.revision} by now: ${intent.by} said ` +
          `${intent.want}${intent.reason && ` (${intent.reason})`}. Look at it, and send it again with revision ${intent.revision}`,
      );
    }
    // "run" again accepts what holds it; any other instruction again changes nothing.
    const isWaiting = progress.holds.some(({ clears }) => clears === 'operator');
    if (intent.want === instruction.want && !(instruction.want === 'run' && isWaiting)) return release;
    const { want, by, reason } = instruction;
    try {
      return await store.instruct(release, { want, by, reason, atMs: clock.now().getTime() });
    } catch (error) {
      if (error instanceof KilnError && error.code === 'FENCED') return null;
      throw error;
    }
  }

  return {
    plan: planner,

    async start({ planDigest, ...request }, { by, reason }) {
      const plan = await planner(request);
      await refuseWhileActive(plan.tag);
      if (plan.digest !== planDigest) {
        throw new KilnError(
          'RESOURCE_CONFLICT',
          `the plan is out of date: ${differences(planDigest, plan.digest).join(', and ')} changed since. Plan again, and look at it`,
          { advice: '`kiln release plan` shows it as it is now.', details: { digest: plan.digest } },
        );
      }
      if (plan.targets.length === 0) {
        throw conflict(
          `there is nothing to release: no load balancer of tag ${plan.tag} would be moved to image ${plan.image.id}`,
        );
      }
      const release = releaseOf(plan, randomUUID(), { by, reason, atMs: clock.now().getTime() });
      const targets = targetsOf(plan, release);
      const event = { atMs: release.createdAtMs, actor: by, kind: 'intent', loadBalancerId: null, reason };
      try {
        await store.create(release, targets, tallyOf(targets), {
          ...event,
          data: { want: 'run', revision: 1, planDigest },
        });
      } catch (error) {
        // Somebody else was faster: that one is named.
        if (error instanceof KilnError && error.code === 'RESOURCE_CONFLICT') await refuseWhileActive(plan.tag);
        throw error;
      }
      changed();
      return await get(release.spec.id);
    },

    list: async (limit, marker) => await store.list(limit, marker === null ? undefined : await get(marker)),

    get,

    async startOf(releaseId) {
      const [first] = await store.events(releaseId, 0, 1);
      return first ?? null;
    },

    async targets(releaseId, query) {
      const found = await store.targets(releaseId, query);
      if (found.length === 0) await get(releaseId);
      return found;
    },

    async events(releaseId, after, limit) {
      const found = await store.tail(releaseId, after, limit);
      if (!found) throw notFound('Release', releaseId);
      return found.events;
    },

    follow: feed.follow,

    async wayBack(releaseId) {
      const { spec } = await get(releaseId);
      const ways = [...(await store.waysBack(releaseId))].sort(([, one], [, other]) => other - one);
      const images = await mapAtMost(IMAGES_AT_ONCE, ways, async ([imageId, loadBalancers]) => {
        return { imageId, loadBalancers, problem: await problemOf(imageId) } satisfies WayBack['images'][number];
      });
      const loadBalancers = images.reduce((sum, image) => sum + image.loadBalancers, 0);
      return { loadBalancers, images, taggedImageIds: spec.baseline.taggedImageIds };
    },

    async instruct(releaseId, instruction) {
      for (let tries = 1; tries <= TRIES; tries++) {
        const release = await record(releaseId, instruction);
        if (release) {
          changed();
          return release;
        }
        await clock.sleep(Math.random() * LONGEST_PAUSE_MS);
      }
      throw conflict(`release ${releaseId} is being written all the time; send it again`);
    },
  };
}

function releaseOf(plan: ReleasePlan, id: string, start: Pick<Intent, 'by' | 'reason' | 'atMs'>): Release {
  const { tag, image, baseline, policy, probes, expectedMoveSeconds, digest, targets, waves, sameImageIds } = plan;
  const lastWave = Math.max(...waves.map(({ wave }) => wave));
  return {
    spec: {
      id,
      tag,
      image,
      baseline,
      policy,
      probes,
      targets: targets.length,
      lastWave,
      sameImageIds,
      expectedMoveSeconds,
      planDigest: digest,
    },
    progress: initialProgress,
    intent: { want: 'run', revision: 1, ...start },
    createdAtMs: start.atMs,
    updatedAtMs: start.atMs,
    endedAtMs: null,
    fence: 1,
  };
}

function targetsOf({ targets }: ReleasePlan, { spec, createdAtMs }: Release): Target[] {
  return targets.map((target) => newTarget(spec.id, target, createdAtMs));
}
