import { makePlan } from '../core/releases/make-plan.ts';
import { KilnError } from '../model/errors.ts';
import type { Image } from '../model/image.ts';
import { defaultReleasePolicy, type ReleasePolicy } from '../model/release.ts';
import type { ReleasePlan } from '../model/release-plan.ts';
import type { ImageService } from '../ports/images.ts';
import type { OctaviaPlanRequest } from '../ports/octavia-releases.ts';
import type { ReleaseDeps } from './deps.ts';
import { listTagged, whyNotBootable } from './find-image.ts';
import { membersOf, type OctaviaFleet, readFleet } from './read-fleet.ts';

/** Milder than Kiln's own: Octavia's failovers wait in the same queue as its repairs. */
export const octaviaPolicy: ReleasePolicy = {
  ...defaultReleasePolicy,
  maxParallel: 2,
  beforeSeconds: 30,
  settleSeconds: 30,
  watchSeconds: 60,
  canaryBakeSeconds: 300,
  waveBakeSeconds: 120,
  canaryMaxFailures: 0,
  maxFailures: 0,
};

export interface OctaviaPlan {
  plan: ReleasePlan;
  image: Image;
  /** Where a way back puts the tag; null: to no image, so that there is none. */
  baseline: Image | null;
  fleet: OctaviaFleet;
}

/** Changes nothing. */
export async function planOverOctavia(
  { octavia, images, clock }: Pick<ReleaseDeps, 'octavia' | 'clock'> & { images: Pick<ImageService, 'get' | 'list'> },
  { imageId, tag, policy }: OctaviaPlanRequest,
): Promise<OctaviaPlan> {
  const [fleet, tagged] = await Promise.all([readFleet(octavia), listTagged(images, tag)]);
  const image = imageId === null ? tagged[0] : await images.get(imageId);
  if (!image) {
    throw new KilnError('IMAGE_NOT_FOUND', `no active image carries the tag \`${tag}\`, and --image names none`, {
      advice: 'Name the image with --image, and the tag that amp_image_tag of octavia.conf has with --tag.',
    });
  }
  assertBootable(image);
  const members = membersOf(fleet, tag);
  // The newest of those that carry the tag is what Octavia boots.
  const baseline = tagged.find(({ id }) => id !== image.id) ?? null;
  const plan = makePlan({
    tag,
    image: {
      id: image.id,
      name: image.name ?? image.id,
      hashAlgo: image.hashAlgorithm,
      hash: image.hashValue,
      ownerId: image.owner ?? '',
    },
    taggedImageIds: tagged.map(({ id }) => id),
    policy: { ...octaviaPolicy, ...policy },
    members,
    hashes: new Map([...tagged, image].map(({ id, hashValue }) => [id, hashValue])),
    moveSeconds: null,
    bakesLastWave: false,
    measuresAhead: false,
    nowMs: clock.now().getTime(),
  });
  return { plan: withOthers(plan, fleet, members.length), image, baseline, fleet };
}

function assertBootable(image: Image): void {
  const why = whyNotBootable(image);
  if (why === null) return;
  throw new KilnError('REQUEST_INVALID', `image ${image.id} can't be released: it ${why}`, {
    advice: 'Release another image, or fix this one; `openstack image list --tag TAG` shows them.',
  });
}

/** Those that no plan of this tag is about are reported all the same. */
function withOthers(plan: ReleasePlan, { others, loadBalancers }: OctaviaFleet, members: number): ReleasePlan {
  const examples = others.slice(0, 3).map(({ id }) => id);
  const skipped = [...plan.skipped];
  if (others.length > 0) {
    skipped.push({ reason: 'have a provider without amphorae', loadBalancers: others.length, examples });
  }
  if (loadBalancers.length > members) {
    const reason = 'have a flavor with another amp_image_tag, or none';
    skipped.push({ reason, loadBalancers: loadBalancers.length - members, examples: [] });
  }
  return { ...plan, skipped };
}

/** What Kiln as the controller would do and an Octavia that runs already does not let anybody do. Shown with each plan. */
export const cantBeHad: readonly string[] = [
  'The image is not pinned: Octavia boots what the tag gives at that moment. The tag is watched, and what was booted is looked at.',
  'The tag moves before the canary, so that a load balancer that is created or repaired meanwhile takes the new image too.',
  'Repairs do not go first: Octavia takes them in the same order as these failovers.',
  'A load balancer of one amphora is without service while its address moves, as in any failover of Octavia.',
  'A way back is a failover to the image that carried the tag before; one amphora alone can not be undone.',
  'Answers of 5xx are not counted: Octavia counts connections and the errors of clients.',
  'It runs in this process: keep it running, or go on later with `kiln release resume --octavia`.',
];
