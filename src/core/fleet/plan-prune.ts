import type { Image } from '../../model/image.ts';
import type { KnownImages } from './image-use.ts';

/** What of octavia.conf says which images amphorae boot. */
export interface PruneSettings {
  /** The project whose images are trusted. */
  owner: string;
  /** `amp_image_tag`; null: not set. */
  tag: string | null;
  /** `amp_image_id`; null: not set. */
  imageId: string | null;
}

export interface PrunePlan {
  /** Newest first. */
  deletions: readonly Image[];
  /** Amphora images that stay, each with the reason. Newest first. */
  kept: readonly { image: Image; reason: string }[];
}

/** In any other status Glance is still at it, or has done with it. */
const atRest: ReadonlySet<string> = new Set(['active', 'deactivated']);

/**
 * Which images may go. Only amphora images are looked at: those of the trusted project that booted an amphora once, or carry
 * a tag by which amphorae find their image. Of those that nothing needs, the newest `keep` stay as well. Pure.
 */
export function planPrune(
  listed: readonly Image[],
  known: KnownImages,
  settings: PruneSettings,
  keep: number,
): PrunePlan {
  const deletions: Image[] = [];
  const kept: { image: Image; reason: string }[] = [];
  const own = listed.filter(({ owner }) => owner === settings.owner).sort(newestFirst);
  let spared = 0;
  for (const image of own) {
    if (!isAmphoraImage(image, known, settings)) continue;
    const reason = whyNeeded(image, known, settings);
    if (reason !== null) kept.push({ image, reason });
    else if (spared < keep) {
      spared++;
      kept.push({ image, reason: `one of the newest ${keep} that nothing needs` });
    } else deletions.push(image);
  }
  return { deletions, kept };
}

/** Why an image must not be deleted; null: nothing speaks for it. Asked again right before the deletion. */
export function whyNeeded(
  image: Image,
  { uses, flavorTags, releases }: KnownImages,
  settings: PruneSettings,
): string | null {
  const use = uses.get(image.id);
  if (use && use.amphorae > 0) return use.amphorae === 1 ? '1 amphora runs it' : `${use.amphorae} amphorae run it`;
  if (use && use.assigned > 0) {
    return use.assigned === 1 ? '1 load balancer is assigned it' : `${use.assigned} load balancers are assigned it`;
  }
  const need = releases.get(image.id);
  if (need)
    return need.hasEnded
      ? `the way back of release ${need.releaseId} leads to it`
      : `release ${need.releaseId} needs it`;
  if (image.id === settings.imageId) return 'amp_image_id names it';
  const tag = image.tags.find((one) => one === settings.tag || flavorTags.includes(one));
  if (tag !== undefined) return `it carries the tag \`${tag}\``;
  if (image.protected) return 'it is protected';
  if (image.owner !== settings.owner) return `it belongs to ${image.owner ?? 'no project'}`;
  return atRest.has(image.status) ? null : `it is ${image.status}`;
}

function isAmphoraImage({ id, tags }: Image, { booted, flavorTags }: KnownImages, { tag, imageId }: PruneSettings) {
  return booted.has(id) || id === imageId || tags.some((one) => one === tag || flavorTags.includes(one));
}

function newestFirst(one: Image, other: Image): number {
  return other.createdAt.localeCompare(one.createdAt) || other.id.localeCompare(one.id);
}
