import type { ReleaseNeed } from '../../model/release-view.ts';

/** Who uses an image. */
export interface ImageUse {
  /** Amphorae that run it, in any status but DELETED. */
  amphorae: number;
  /** Load balancers that are assigned it: a repair boots it. */
  assigned: number;
}

/** What Kiln knows of images, beside Glance. */
export interface KnownImages {
  /** Those that are in use. */
  uses: ReadonlyMap<string, ImageUse>;
  /** Those that booted an amphora once. */
  booted: ReadonlySet<string>;
  /** Tags of flavors by which amphorae find their images. */
  flavorTags: readonly string[];
  /** Image → the release that needs it. */
  releases: ReadonlyMap<string, ReleaseNeed>;
}

interface Groups {
  amphorae: readonly { imageId: string | null; amphorae: number }[];
  loadBalancers: readonly { assignedImageId: string | null; loadBalancers: number }[];
  flavorTags: ReadonlyMap<string, string>;
  images: ReadonlyMap<string, unknown>;
}

export function knownImages(
  { amphorae, loadBalancers, flavorTags, images }: Groups,
  needs: readonly ReleaseNeed[],
): KnownImages {
  const uses = new Map<string, ImageUse>();
  const add = (imageId: string | null, more: Partial<ImageUse>) => {
    if (imageId === null) return;
    const { amphorae: running, assigned } = uses.get(imageId) ?? { amphorae: 0, assigned: 0 };
    uses.set(imageId, { amphorae: running + (more.amphorae ?? 0), assigned: assigned + (more.assigned ?? 0) });
  };
  for (const group of amphorae) add(group.imageId, { amphorae: group.amphorae });
  for (const group of loadBalancers) add(group.assignedImageId, { assigned: group.loadBalancers });
  const booted = new Set([...images.keys(), ...uses.keys()]);
  // One that has not ended says more.
  const byUrgency = [...needs].sort((one, other) => Number(other.hasEnded) - Number(one.hasEnded));
  const releases = new Map(byUrgency.flatMap((need) => need.imageIds.map((id) => [id, need] as const)));
  return { uses, booted, flavorTags: [...new Set(flavorTags.values())], releases };
}
