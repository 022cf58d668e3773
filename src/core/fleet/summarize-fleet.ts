import type { Fleet, FleetImage, FleetTag, FleetWarning, ImagePresence } from '../../model/fleet.ts';
import type { Image } from '../../model/image.ts';

interface Group {
  imageId: string | null;
  flavorId: string | null;
  loadBalancers: number;
  amphorae: number;
  inError: number;
  silent: number;
}

interface AssignedGroup {
  assignedImageId: string | null;
  flavorId: string | null;
  loadBalancers: number;
  pairs: number;
  mixedPairs: number;
}

/** What the fleet is summarized from. */
export interface FleetFacts {
  amphorae: readonly Group[];
  loadBalancers: readonly AssignedGroup[];
  /** What a new amphora boots, by flavor; null: without a flavor that has a tag of its own. */
  tagOf: (flavorId: string | null) => FleetTag;
  tags: readonly FleetTag[];
  /** What Glance said of an image. */
  glance: (imageId: string) => { presence: ImagePresence; image: Image | null };
  /** What Kiln wrote down of it when it was booted. */
  recorded: (imageId: string) => { name: string | null; createdAt: string | null } | undefined;
  /** Null: images never count as old. */
  maxAgeDays: number | null;
  now: Date;
}

const DAY_MS = 86_400_000;

/** Counts by image, and what somebody should look at. Pure. */
export function summarizeFleet(facts: FleetFacts): Fleet {
  const images = imagesOf(facts);
  const sum = <Row>(rows: readonly Row[], of: (row: Row) => number) => rows.reduce((all, row) => all + of(row), 0);
  return {
    at: facts.now.toISOString(),
    tags: facts.tags,
    images,
    totals: {
      loadBalancers: sum(facts.loadBalancers, (row) => row.loadBalancers),
      pairs: sum(facts.loadBalancers, (row) => row.pairs),
      mixedPairs: sum(facts.loadBalancers, (row) => row.mixedPairs),
      amphorae: sum(images, (row) => row.amphorae),
      behind: sum(images, (row) => row.behind),
      inError: sum(images, (row) => row.inError),
      silent: sum(images, (row) => row.silent),
      imageGone: sum(images, (row) => (row.presence === 'gone' ? row.amphorae : 0)),
    },
    warnings: [...facts.tags.flatMap((tag) => warningsOfTag(tag, facts)), ...images.flatMap(warningsOfImage)],
  };
}

function imagesOf(facts: FleetFacts): FleetImage[] {
  const ids = new Set([
    ...facts.tags.flatMap(({ imageId }) => (imageId === null ? [] : [imageId])),
    ...facts.amphorae.map(({ imageId }) => imageId),
    ...facts.loadBalancers.flatMap(({ assignedImageId: id }) => (id === null ? [] : [id])),
  ]);
  const images = [...ids].map((id) => imageOf(id, facts));
  return images.sort(
    (one, other) =>
      Number(other.currentForTags.length > 0) - Number(one.currentForTags.length > 0) ||
      (other.createdAt ?? '').localeCompare(one.createdAt ?? '') ||
      (one.imageId ?? '').localeCompare(other.imageId ?? ''),
  );
}

function imageOf(imageId: string | null, facts: FleetFacts): FleetImage {
  const { presence, image } = imageId === null ? { presence: 'unknown' as const, image: null } : facts.glance(imageId);
  const recorded = imageId === null ? undefined : facts.recorded(imageId);
  const createdAt = image?.createdAt ?? recorded?.createdAt ?? null;
  const made: FleetImage = {
    imageId,
    name: image?.name ?? recorded?.name ?? null,
    createdAt,
    presence,
    currentForTags: imageId === null ? [] : facts.tags.filter((tag) => tag.imageId === imageId).map(({ tag }) => tag),
    loadBalancers: 0,
    assigned: facts.loadBalancers
      .filter(({ assignedImageId }) => imageId !== null && assignedImageId === imageId)
      .reduce((all, group) => all + group.loadBalancers, 0),
    amphorae: 0,
    inError: 0,
    silent: 0,
    behind: 0,
    behindSeconds: null,
  };
  for (const group of facts.amphorae) {
    if (group.imageId !== imageId) continue;
    made.loadBalancers += group.loadBalancers;
    made.amphorae += group.amphorae;
    made.inError += group.inError;
    made.silent += group.silent;
    const current = facts.tagOf(group.flavorId);
    if (current.imageId === null || current.imageId === imageId) continue;
    made.behind += group.amphorae;
    const seconds = secondsBetween(createdAt, current.imageCreatedAt);
    if (seconds !== null && seconds > (made.behindSeconds ?? Number.NEGATIVE_INFINITY)) made.behindSeconds = seconds;
  }
  return made;
}

function secondsBetween(earlier: string | null, later: string | null): number | null {
  const milliseconds = Date.parse(later ?? '') - Date.parse(earlier ?? '');
  return Number.isNaN(milliseconds) ? null : Math.floor(milliseconds / 1000);
}

const nameOfTag = (tag: string | null) => (tag === null ? 'amp_image_id' : `the tag \`${tag}\``);
const named = (id: string | null, name: string | null) => (name ? `${id} (${name})` : String(id));

function warningsOfTag(tag: FleetTag, { maxAgeDays, now }: Pick<FleetFacts, 'maxAgeDays' | 'now'>): FleetWarning[] {
  if (tag.error) {
    const { message, advice } = tag.error;
    return [{ code: 'IMAGE_NONE', message: `${nameOfTag(tag.tag)} gives no image: ${message}`, advice }];
  }
  const warnings: FleetWarning[] = [];
  if (tag.candidates > 1) {
    warnings.push({
      code: 'IMAGE_CANDIDATES',
      message: `${tag.candidates} images are candidates for ${nameOfTag(tag.tag)}; the newest one is booted`,
      advice: `See them with \`kiln image list --tag ${tag.tag}\`, and take the tag off those that are not to be booted: \`kiln image untag IMAGE ${tag.tag}\`.`,
    });
  }
  const days = tagAgeDays(tag, now);
  if (days !== null && maxAgeDays !== null && days > maxAgeDays) {
    warnings.push({
      code: 'IMAGE_OLD',
      message: `image ${named(tag.imageId, tag.imageName)}, which ${nameOfTag(tag.tag)} gives, is ${days} days old; more than ${maxAgeDays} ([kiln] image_max_age_days) count as old`,
      advice: 'Build a new one, with the security updates of since then, and push it with the same tag.',
    });
  }
  return warnings;
}

function tagAgeDays({ imageCreatedAt }: FleetTag, now: Date): number | null {
  const seconds = secondsBetween(imageCreatedAt, now.toISOString());
  return seconds === null ? null : Math.floor((seconds * 1000) / DAY_MS);
}

function warningsOfImage({ imageId, name, presence, amphorae }: FleetImage): FleetWarning[] {
  if (presence !== 'gone' || amphorae === 0) return [];
  const ran = amphorae === 1 ? '1 amphora runs' : `${amphorae} amphorae run`;
  return [
    {
      code: 'IMAGE_GONE',
      message: `${ran} image ${named(imageId, name)}, which is gone from Glance or no longer to be seen: Nova can not rebuild or evacuate them`,
      advice:
        'Bring their load balancers to an image that is there: `openstack loadbalancer failover LOAD_BALANCER`, one after another.',
    },
  ];
}
