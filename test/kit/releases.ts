import { initialProgress, newTarget } from '../../src/core/releases/apply-step.ts';
import { KilnError } from '../../src/model/errors.ts';
import { defaultReleasePolicy, type Release, type ReleaseSpec, type Target } from '../../src/model/release.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { ReleaseStore } from '../../src/ports/release-store.ts';
import type { Releases } from '../../src/ports/releases.ts';
import { createReleaseFeed } from '../../src/services/release-feed.ts';
import { createReleases, type ReleasesDeps } from '../../src/services/releases.ts';

/** A release as it is stored; say only what the test is about. */
export function aRelease(id: string, over: Partial<ReleaseSpec> = {}, atMs = 0): Release {
  return {
    spec: {
      id,
      tag: 'amphora',
      image: { id: 'image-2', name: 'amphora-2', hashAlgo: 'sha512', hash: 'h2', ownerId: 'owner' },
      baseline: { taggedImageIds: ['image-1'] },
      policy: defaultReleasePolicy,
      probes: [{ flavorId: null, zone: null }],
      targets: 0,
      lastWave: 1,
      sameImageIds: [],
      expectedMoveSeconds: 60,
      planDigest: 'digest',
      ...over,
    },
    progress: initialProgress,
    intent: { want: 'run', by: 'alice', atMs, reason: 'patch', revision: 1 },
    createdAtMs: atMs,
    updatedAtMs: atMs,
    endedAtMs: null,
    fence: 1,
  };
}

/** A load balancer of a release, still to move. */
export function aTarget(releaseId: string, loadBalancerId: string, over: Partial<Target> = {}): Target {
  const planned = {
    loadBalancerId,
    wave: 0,
    position: 0,
    topology: 'SINGLE',
    fromImageId: 'image-1',
    fromHash: 'h1',
  } as const;
  return { ...newTarget(releaseId, planned, 0), ...over };
}

/** Releases over a store, where nothing can be planned and every former image can be booted, unless a test says otherwise. */
export function releasesOver(store: ReleaseStore, clock: Clock, over: Partial<ReleasesDeps> = {}): Releases {
  return createReleases({
    planner: async () => {
      throw new KilnError('REQUEST_INVALID', 'no image is released here');
    },
    store,
    feed: createReleaseFeed(store, clock),
    resolver: { resolveAssigned: async () => ({ choice: null as never }) },
    clock,
    ...over,
  });
}
