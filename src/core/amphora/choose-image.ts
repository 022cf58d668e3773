/**
 * Which image does a new amphora boot, and why? This file is the answer; nothing else in Kiln decides it.
 *
 * 1. `whatToBoot` turns settings and flavor into either an image ID or a search by tag.
 * 2. `chooseImage` picks one image out of what Glance listed for that search, or says why there is none.
 * 3. `refusals` says why each other image that carries the tag was not a candidate.
 *
 * All three are pure: same input, same answer.
 */
import type { ComputeFlavor } from '../../model/compute.ts';
import { KilnError } from '../../model/errors.ts';
import type { Image, ImageCandidate, ImageChoice, ImageChoiceRule, NearMiss, TagSource } from '../../model/image.ts';
import { architectureOf, imageMisfits, normalArchitecture } from './image-fit.ts';
import { shellWord } from './shell-word.ts';

/** `amp_image_owner_id` with this value trusts every project, as Octavia does. */
export const ANY_OWNER = 'any';

/** The options of [controller_worker] that decide the image; an empty string means "not set". */
export interface ImageSettings {
  ampImageId: string;
  ampImageTag: string;
  ampImageOwnerId: string;
  ampImageTagPolicy: 'newest' | 'unique';
}

/** A search for candidates: active, not hidden, exactly this tag, and this owner (or any). */
export interface ImageSearch {
  tag: string;
  tagSource: TagSource;
  /** A project's ID, or ANY_OWNER. */
  owner: string;
}

type WhatToBoot =
  | { by: 'id'; imageId: string /** A tag was set as well and is ignored. */; ignoredTag: string | null }
  | { by: 'tag'; search: ImageSearch };

/**
 * Image ID or tag, and whose images count?
 * A tag that the caller asks for comes first; then `amp_image_id`, which wins over every tag as it did in Octavia while
 * both lived; then the flavor's tag; then the tag of the configuration.
 * @param ownProjectId the project Kiln authenticates as: the owner that is trusted when none is configured.
 * @throws IMAGE_NOT_CONFIGURED when there is neither an ID nor a tag.
 */
export function whatToBoot(
  settings: ImageSettings,
  requested: { value: string; source: TagSource } | null,
  ownProjectId: string,
): WhatToBoot {
  const owner = settings.ampImageOwnerId || ownProjectId;
  const wanted = requested?.value ? requested : null;
  if (wanted?.source === 'request') {
    return { by: 'tag', search: { tag: wanted.value, tagSource: wanted.source, owner } };
  }
  const tag =
    wanted ?? (settings.ampImageTag ? ({ value: settings.ampImageTag, source: 'configuration' } as const) : null);
  if (settings.ampImageId) return { by: 'id', imageId: settings.ampImageId, ignoredTag: tag?.value ?? null };
  if (!tag) {
    throw new KilnError(
      'IMAGE_NOT_CONFIGURED',
      'no amphora image is configured: neither the flavor nor [controller_worker] amp_image_tag names a tag',
    );
  }
  return { by: 'tag', search: { tag: tag.value, tagSource: tag.source, owner } };
}

/** The choice when an ID was given. @param image what Glance says of it; null where Glance was not asked. */
export function choiceById(
  imageId: string,
  rule: Extract<ImageChoiceRule, 'configured-id' | 'requested-id' | 'assigned'>,
  chosenAt: Date,
  image: Image | null = null,
): ImageChoice {
  return {
    imageId,
    rule,
    tag: null,
    tagSource: null,
    ownerRequired: null,
    image,
    candidates: [],
    chosenAt: chosenAt.toISOString(),
  };
}

/**
 * Picks the image. Every condition is checked here again, whatever the listing was asked for: Glance compares tags
 * without case and accents on MySQL, and drops a second tag on page two.
 * @param listed what Glance listed; more than the candidates does no harm.
 * @param flavor the Nova flavor the image has to fit; null leaves the fit to Nova.
 * @throws IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS (policy `unique`), IMAGE_DOES_NOT_FIT (the chosen one; an older image that
 * would fit is never taken in its place, for that would hide a broken release).
 */
export function chooseImage(
  search: ImageSearch,
  listed: readonly Image[],
  flavor: ComputeFlavor | null,
  policy: ImageSettings['ampImageTagPolicy'],
  chosenAt: Date,
): ImageChoice {
  const candidates = withoutRepeats(listed).filter((image) => reasonsAgainst(image, search, flavor).length === 0);
  candidates.sort(newestFirst);

  const chosen = candidates[0];
  if (!chosen) throw noCandidate(search, listed, flavor);
  if (candidates.length > 1 && policy === 'unique') throw ambiguous(search, candidates);
  if (flavor) {
    const misfits = imageMisfits(chosen, flavor);
    if (misfits.length > 0) {
      throw new KilnError(
        'IMAGE_DOES_NOT_FIT',
        `image ${named(chosen)}, chosen by tag \`${search.tag}\`, does not fit flavor ${flavor.id} (${flavor.name}): ${misfits.join('; ')}`,
        { details: { imageId: chosen.id, flavorId: flavor.id, misfits } },
      );
    }
  }
  return {
    imageId: chosen.id,
    rule: candidates.length === 1 ? 'only-candidate' : 'newest-of-several',
    tag: search.tag,
    tagSource: search.tagSource,
    ownerRequired: search.owner,
    image: chosen,
    candidates: candidates.map(asCandidate),
    chosenAt: chosenAt.toISOString(),
  };
}

/** Why each listed image that carries the tag is not a candidate; those that are candidates are left out. */
export function refusals(search: ImageSearch, listed: readonly Image[], flavor: ComputeFlavor | null): NearMiss[] {
  return withoutRepeats(listed)
    .sort(newestFirst)
    .map((image) => ({ image, reasons: reasonsAgainst(image, search, flavor) }))
    .filter(({ reasons }) => reasons.length > 0)
    .map(({ image, reasons }) => ({ imageId: image.id, name: image.name, reason: reasons.join(' and ') }));
}

/** The rules of candidacy, in one place; each answers with a clause for people. No reasons: a candidate. */
function reasonsAgainst(image: Image, search: ImageSearch, flavor: ComputeFlavor | null): string[] {
  const reasons: string[] = [];
  if (!image.tags.includes(search.tag)) reasons.push(`does not carry exactly \`${search.tag}\``);
  if (image.status !== 'active') reasons.push(`is ${image.status}`);
  if (image.osHidden) reasons.push('is hidden');
  if (search.owner !== ANY_OWNER && image.owner !== search.owner) {
    reasons.push(`belongs to ${image.owner === null ? 'no project' : `project ${image.owner}`}, not ${search.owner}`);
  }
  const asked = flavor ? architectureOf(flavor) : null;
  const offered = normalArchitecture(image.architecture);
  if (asked && offered && asked !== offered) reasons.push(`is for ${offered}, the flavor for ${asked}`);
  return reasons;
}

/**
 * Why an image must not be booted although its ID is known to be the right one; null when nothing speaks against it. It need
 * not carry the tag any more, and may be hidden: only releases obey those. Whose image it is counts as ever.
 */
export function whyNotByItsId(image: Image, owner: string, flavor: ComputeFlavor | null): string | null {
  const search: ImageSearch = { tag: '', tagSource: 'request', owner };
  const reasons = reasonsAgainst({ ...image, tags: [''], osHidden: false }, search, flavor);
  if (reasons.length === 0 && flavor) reasons.push(...imageMisfits(image, flavor));
  return reasons.length === 0 ? null : reasons.join(' and ');
}

/** Newest first; `created_at` has a resolution of a second, so equal times go by ID, descending, as Glance sorts them. */
function newestFirst(a: Image, b: Image): number {
  const byTime = timeOf(b) - timeOf(a);
  if (byTime !== 0) return byTime;
  return a.id < b.id ? 1 : a.id > b.id ? -1 : 0;
}

/** Smaller than any date; finite, so that two of them are equal when subtracted. */
const BEFORE_ALL_TIMES = -Number.MAX_SAFE_INTEGER;

/** A time nobody can read counts as the oldest: such an image is never preferred. */
function timeOf(image: Image): number {
  const time = Date.parse(image.createdAt);
  return Number.isNaN(time) ? BEFORE_ALL_TIMES : time;
}

function withoutRepeats(images: readonly Image[]): Image[] {
  return [...new Map(images.map((image) => [image.id, image])).values()];
}

function asCandidate(image: Image): ImageCandidate {
  return { id: image.id, name: image.name, createdAt: image.createdAt };
}

function named(image: { id: string; name: string | null }): string {
  return image.name ? `${image.id} (${image.name})` : image.id;
}

function noCandidate(search: ImageSearch, listed: readonly Image[], flavor: ComputeFlavor | null): KilnError {
  const refused = refusals(search, listed, flavor);
  const owned = search.owner === ANY_OWNER ? 'of any project' : `owned by project ${search.owner}`;
  const wanted = `no active, visible image ${owned} carries the tag \`${search.tag}\``;
  if (refused.length === 0) {
    return new KilnError('IMAGE_NOT_FOUND', `${wanted}, and no other image that Kiln can see carries it`, {
      details: { ...search, refused },
      advice:
        `Tag the image that amphorae shall boot, as its owner: \`kiln image tag IMAGE ${shellWord(search.tag)}\` or ` +
        `\`openstack image set --tag ${shellWord(search.tag)} IMAGE\`. If Glance has none yet: \`kiln image push FILE --tag ${shellWord(search.tag)}\`.`,
    });
  }
  const shown = refused.slice(0, 5).map((miss) => `${miss.imageId} ${miss.reason}`);
  if (refused.length > shown.length) shown.push(`and ${refused.length - shown.length} more`);
  const count =
    refused.length === 1 ? '1 image carries it and was refused' : `${refused.length} images carry it and were refused`;
  return new KilnError('IMAGE_NOT_FOUND', `${wanted}; ${count}: ${shown.join('; ')}`, {
    details: { ...search, refused },
    advice: listed.some((image) => search.owner !== ANY_OWNER && image.owner !== search.owner)
      ? 'Tag an image of the right project; if one of these belongs to a project that you trust with your load balancers, ' +
        'name it in [controller_worker] amp_image_owner_id.'
      : 'Fix one of these images, or tag another one.',
  });
}

function ambiguous(search: ImageSearch, candidates: readonly Image[]): KilnError {
  const list = candidates.map((image) => `${named(image)} of ${image.createdAt}`).join('; ');
  return new KilnError(
    'IMAGE_AMBIGUOUS',
    `${candidates.length} images carry the tag \`${search.tag}\` and amp_image_tag_policy = unique allows one: ${list}`,
    {
      details: { ...search, candidates: candidates.map(asCandidate) },
      advice: `Take the tag off all but one image (\`kiln image untag IMAGE ${shellWord(search.tag)}\`), or set amp_image_tag_policy = newest.`,
    },
  );
}
