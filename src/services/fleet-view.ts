/** Brings together what the database says of the fleet and what Glance says of its images. */

import { summarizeFleet } from '../core/fleet/summarize-fleet.ts';
import { mapAtMost } from '../lib/map-at-most.ts';
import { KilnError, toKilnError } from '../model/errors.ts';
import type { Fleet, FleetTag, ImagePresence } from '../model/fleet.ts';
import type { Image } from '../model/image.ts';
import type { Clock } from '../ports/clock.ts';
import type { FleetStore, FleetSurvey } from '../ports/fleet-store.ts';
import type { ImageResolver } from '../ports/image-resolver.ts';
import type { ImageService } from '../ports/images.ts';

export interface FleetViewDeps {
  fleet: FleetStore;
  resolver: Pick<ImageResolver, 'resolve'>;
  /** Null where no Glance is used (`image_noop_driver`). */
  images: Pick<ImageService, 'get'> | null;
  clock: Clock;
  settings: () => {
    heartbeatTimeoutSeconds: number;
    /** Null: images never count as old. */
    imageMaxAgeDays: number | null;
  };
}

export type FleetView = (signal?: AbortSignal) => Promise<Fleet>;

/** Glance is asked for no more images than this: more in use at once are a sign of something else. */
const MOST_IMAGES = 100;
const IMAGES_AT_ONCE = 8;
/** Further tags of flavors are left out. */
const MOST_TAGS = 50;

type Glance = { presence: ImagePresence; image: Image | null };
const unknown: Glance = { presence: 'unknown', image: null };

/**
 * The fleet as it is now. The database groups it; Glance is asked once for each tag and once for each image in use. When
 * Glance can't say, what the database knows is there all the same.
 */
export function createFleetView(deps: FleetViewDeps): FleetView {
  const { fleet, resolver, images, clock, settings } = deps;

  async function resolveTag(flavorTag: string | null, loadBalancers: number, signal?: AbortSignal) {
    const tag = flavorTag === null ? null : ({ value: flavorTag, source: 'flavor' } as const);
    const none = { tag: flavorTag, imageId: null, imageName: null, imageCreatedAt: null, loadBalancers };
    try {
      const choice = await resolver.resolve({ tag, flavorId: null, ...(signal && { signal }) });
      const { imageId, image } = choice;
      const made: FleetTag = {
        tag: choice.tag,
        imageId,
        imageName: image?.name ?? null,
        imageCreatedAt: image?.createdAt ?? null,
        candidates: Math.max(choice.candidates.length, 1),
        loadBalancers,
        error: null,
      };
      return { made, image };
    } catch (thrown) {
      signal?.throwIfAborted();
      const { code, message, advice, details } = toKilnError(thrown);
      const searched = typeof details.tag === 'string' ? details.tag : flavorTag;
      const candidates = Array.isArray(details.candidates) ? details.candidates.length : 0;
      const made: FleetTag = { ...none, tag: searched, candidates, error: { code, message, advice } };
      return { made, image: null };
    }
  }

  async function ask(imageId: string, signal?: AbortSignal): Promise<Glance> {
    if (!images) return unknown;
    try {
      return { presence: 'present', image: await images.get(imageId, signal) };
    } catch (thrown) {
      signal?.throwIfAborted();
      const isGone = thrown instanceof KilnError && thrown.code === 'SERVICE_NOT_FOUND';
      return isGone ? { presence: 'gone', image: null } : unknown;
    }
  }

  return async (signal) => {
    const now = clock.now();
    const { heartbeatTimeoutSeconds, imageMaxAgeDays } = settings();
    const survey = await fleet.survey(new Date(now.getTime() - heartbeatTimeoutSeconds * 1000).toISOString());

    const byTag = countByTag(survey);
    const resolved = new Map(
      await mapAtMost(IMAGES_AT_ONCE, [...byTag].slice(0, MOST_TAGS), async ([tag, count]) => {
        return [tag, await resolveTag(tag, count, signal)] as const;
      }),
    );

    const glance = new Map<string, Glance>();
    for (const { image } of resolved.values()) if (image) glance.set(image.id, { presence: 'present', image });
    const asked = inUse(survey, [...resolved.values()]).filter((id) => !glance.has(id));
    await mapAtMost(IMAGES_AT_ONCE, asked.slice(0, MOST_IMAGES), async (id) => glance.set(id, await ask(id, signal)));
    const glanceOf = (imageId: string) => glance.get(imageId) ?? unknown;

    // An ID that is configured (amp_image_id) gives the same for every flavor; what Glance says of it came later.
    const fallback = resolved.get(null)?.made as FleetTag;
    const madeOf = (tag: string | null) => withGlance(resolved.get(tag)?.made ?? fallback, glanceOf);
    return summarizeFleet({
      amphorae: survey.amphorae,
      loadBalancers: survey.loadBalancers,
      tagOf: (flavorId) => madeOf(tagOfFlavor(survey, flavorId)),
      tags: distinctTags([...resolved.keys()].map(madeOf)),
      glance: glanceOf,
      recorded: (imageId) => survey.images.get(imageId),
      maxAgeDays: imageMaxAgeDays,
      now,
    });
  };
}

function tagOfFlavor({ flavorTags }: FleetSurvey, flavorId: string | null): string | null {
  return flavorId === null ? null : (flavorTags.get(flavorId) ?? null);
}

/** Load balancers by their flavor's tag; null: the configuration's, which is always there, and first. */
function countByTag(survey: FleetSurvey): Map<string | null, number> {
  const counts = new Map<string | null, number>([[null, 0]]);
  for (const { flavorId, loadBalancers } of survey.loadBalancers) {
    const tag = tagOfFlavor(survey, flavorId);
    counts.set(tag, (counts.get(tag) ?? 0) + loadBalancers);
  }
  return counts;
}

function inUse(survey: FleetSurvey, tags: readonly { made: FleetTag }[]): string[] {
  const ids = [
    ...tags.map(({ made }) => made.imageId),
    ...survey.amphorae.map(({ imageId }) => imageId),
    ...survey.loadBalancers.map(({ assignedImageId }) => assignedImageId),
  ];
  return [...new Set(ids)].filter((id) => id !== null);
}

function withGlance(tag: FleetTag, glanceOf: (imageId: string) => Glance): FleetTag {
  const image = tag.imageId === null ? null : glanceOf(tag.imageId).image;
  return image ? { ...tag, imageName: image.name, imageCreatedAt: image.createdAt } : tag;
}

/** A flavor may name the tag that the configuration names as well, and `amp_image_id` wins over them all. */
function distinctTags(tags: readonly FleetTag[]): FleetTag[] {
  const distinct = new Map<string | null, FleetTag>();
  for (const tag of tags) {
    const known = distinct.get(tag.tag);
    distinct.set(tag.tag, known ? { ...known, loadBalancers: known.loadBalancers + tag.loadBalancers } : tag);
  }
  return [...distinct.values()];
}
