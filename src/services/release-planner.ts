/** Brings together what the database says of a tag's load balancers and what Glance says of images: the plan of a release. */

import { openingAt, roomForMoveMs } from '../core/releases/maintenance-window.ts';
import { makePlan } from '../core/releases/make-plan.ts';
import { makePolicy } from '../core/releases/policy.ts';
import { mapAtMost } from '../lib/map-at-most.ts';
import { KilnError, noneIfGone } from '../model/errors.ts';
import type { Image } from '../model/image.ts';
import type { ReleaseImage } from '../model/release.ts';
import type { FleetMember, ReleasePlan } from '../model/release-plan.ts';
import type { Clock } from '../ports/clock.ts';
import type { FlavorStore } from '../ports/flavor-store.ts';
import type { ImageResolver } from '../ports/image-resolver.ts';
import type { ImageService } from '../ports/images.ts';
import type { ReleaseStore } from '../ports/release-store.ts';
import type { ReleasePlanner } from '../ports/releases.ts';

export interface ReleasePlannerDeps {
  releases: Pick<ReleaseStore, 'members' | 'usualMoveSeconds' | 'rejectedBy'>;
  flavors: Pick<FlavorStore, 'flavorCapabilities'>;
  resolver: Pick<ImageResolver, 'resolve' | 'resolveAssigned' | 'releasable'>;
  /** Null where no Glance is used (`image_noop_driver`). */
  images: Pick<ImageService, 'get'> | null;
  clock: Pick<Clock, 'now'>;
  settings: () => {
    /** `amp_image_tag`; empty: none. */
    tag: string;
    /** `amp_image_id`; empty: none. */
    imageId: string;
    /** `amp_flavor_id`. */
    flavorId: string;
  };
}

/** Glance is asked for no more former images than this. */
const MOST_IMAGES = 100;
const IMAGES_AT_ONCE = 8;

/**
 * Changes nothing.
 * @throws REQUEST_INVALID: there is no such image, or it may not be booted. RESOURCE_CONFLICT: it was rejected.
 */
export function createReleasePlanner({
  releases,
  flavors,
  resolver,
  images,
  clock,
  settings,
}: ReleasePlannerDeps): ReleasePlanner {
  async function find(imageId: string): Promise<Image | null> {
    return (await images?.get(imageId).catch(noneIfGone)) ?? null;
  }

  async function imageOf(imageId: string | null, tag: string): Promise<Image> {
    const source = tag === settings().tag ? 'configuration' : 'flavor';
    const id = imageId ?? (await resolver.resolve({ tag: { value: tag, source }, flavorId: null })).imageId;
    const image = await find(id);
    if (image) return image;
    throw new KilnError('REQUEST_INVALID', `Glance has no image ${id} that Kiln may see`, {
      advice: 'See `kiln image list`; --image takes the ID of an image.',
    });
  }

  /** @throws REQUEST_INVALID where the load balancers of one of their flavors could not boot it. */
  async function assertBootable(image: Image, members: readonly FleetMember[]): Promise<void> {
    const refuse = (why: string) => {
      throw new KilnError('REQUEST_INVALID', `image ${image.id} can't be released: it ${why}`, {
        advice: 'Fix the image, or release another one; `kiln image list` shows them.',
      });
    };
    if (image.osHidden) refuse('is hidden, and nothing is booted by the tag of a hidden image');
    const octaviaFlavors = [...new Set(members.map(({ place }) => place.flavorId))];
    const capabilities = await Promise.all(octaviaFlavors.map((flavorId) => flavors.flavorCapabilities(flavorId)));
    const computeFlavors = new Set(capabilities.map((one) => one.compute_flavor || settings().flavorId));
    for (const flavorId of computeFlavors.size > 0 ? computeFlavors : [settings().flavorId]) {
      const found = await resolver.resolveAssigned(image.id, { flavorId });
      if ('refused' in found) refuse(found.refused);
    }
  }

  async function hashesOf(imageIds: readonly string[]): Promise<Map<string, string | null>> {
    const hashOf = async (id: string) => [id, (await find(id))?.hashValue ?? null] as const;
    return new Map(await mapAtMost(IMAGES_AT_ONCE, imageIds.slice(0, MOST_IMAGES), hashOf));
  }

  /** @throws REQUEST_INVALID where no move would ever start. */
  function assertWindows(plan: ReleasePlan): void {
    const neededMs = roomForMoveMs(plan);
    const { isOpen, changesAtMs } = openingAt(plan.policy.windows, clock.now().getTime(), neededMs);
    if (isOpen || changesAtMs !== null) return;
    const minutes = Math.ceil(neededMs / 60_000);
    throw new KilnError('REQUEST_INVALID', `windows: none is ever open for ${minutes} minutes, and a move needs that`, {
      advice: `A pair is replaced in two moves, each watched: give a window at least ${minutes} minutes, or watch for less.`,
    });
  }

  return async ({ imageId, tag: wanted, isAgain, policy: choice }) => {
    const policy = makePolicy(choice, isAgain);
    const { tag: defaultTag, imageId: configuredId } = settings();
    const tag = wanted ?? defaultTag;
    if (!images || configuredId !== '' || tag === '') {
      throw new KilnError(
        'REQUEST_INVALID',
        'images are released by tag, and no tag decides here which image is booted',
        {
          advice: 'Set [controller_worker] amp_image_tag, take out amp_image_id, and use the real image driver.',
        },
      );
    }
    const image = await imageOf(imageId, tag);
    const members = await releases.members(tag, defaultTag);
    await assertBootable(image, members);
    const { hashAlgorithm: hashAlgo, hashValue: hash } = image;
    const rejectedBy = hashAlgo && hash ? await releases.rejectedBy(hashAlgo, hash) : null;
    if (rejectedBy !== null && !isAgain) {
      throw new KilnError(
        'RESOURCE_CONFLICT',
        `image ${image.id} has the content that release ${rejectedBy} rejected`,
        {
          advice: 'Release another image; or this one all the same, with --again.',
        },
      );
    }
    const tagged = await resolver.releasable(tag);
    const released: ReleaseImage = {
      id: image.id,
      name: image.name ?? image.id,
      hashAlgo,
      hash,
      ownerId: image.owner ?? '',
    };
    const plan = makePlan({
      tag,
      image: released,
      taggedImageIds: tagged.map(({ id }) => id),
      policy,
      members,
      hashes: await hashesOf([...new Set(members.flatMap(({ imageIds }) => imageIds))]),
      moveSeconds: await releases.usualMoveSeconds(),
      bakesLastWave: true,
      measuresAhead: true,
      nowMs: clock.now().getTime(),
    });
    assertWindows(plan);
    return plan;
  };
}
