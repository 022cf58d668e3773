/**
 * An image as Glance lists it, in our names and with units. Times are ISO 8601 in UTC, as Glance gives them. A `type`, as all that
 * goes through journals: an `interface` is not known to be plain data.
 */
export type Image = {
  id: string;
  name: string | null;
  /** queued, saving, uploading, importing, active, deactivated, killed, pending_delete, deleted, or one we don't know. */
  status: string;
  tags: readonly string[];
  /** Project that owns the image; null for images that no project owns. */
  owner: string | null;
  visibility: string;
  osHidden: boolean;
  protected: boolean;
  sizeBytes: number | null;
  minDiskGiB: number;
  minRamMiB: number;
  /** Property `hw_architecture`, else `architecture`; null where neither is set. */
  architecture: string | null;
  diskFormat: string | null;
  containerFormat: string | null;
  /** Multihash: `os_hash_algo` and `os_hash_value`. */
  hashAlgorithm: string | null;
  hashValue: string | null;
  createdAt: string;
  updatedAt: string;
};

/** Which rule of the image choice picked the image. */
export type ImageChoiceRule =
  /** `amp_image_id` was set: it wins, unseen. */
  | 'configured-id'
  /** Exactly one image was a candidate. */
  | 'only-candidate'
  /** Several were, and the newest was taken (`amp_image_tag_policy = newest`). */
  | 'newest-of-several'
  /** The caller named the image (`kiln amphora boot --image`). */
  | 'requested-id'
  /** The load balancer is assigned it, and this is a repair. */
  | 'assigned'
  /** A release moves amphorae to it, or tries it. */
  | 'released';

/** Where the tag came from. */
export type TagSource = 'flavor' | 'configuration' | 'request';

/** One image on a list of candidates, short. */
export type ImageCandidate = {
  id: string;
  name: string | null;
  createdAt: string;
};

/** Which image a new amphora boots, and why. Recorded with the amphora; names follow Glance where Glance has one. */
export type ImageChoice = {
  imageId: string;
  rule: ImageChoiceRule;
  /** The tag that was looked for; null when an ID was given. */
  tag: string | null;
  tagSource: TagSource | null;
  /** The owner that candidates had to have; 'any' when no owner was asked for; null when an ID was given. */
  ownerRequired: string | null;
  /** What Glance said of the image; null when Glance was not asked (`amp_image_id`). */
  image: Image | null;
  /** All candidates, the chosen one first, then newest first. Empty when an ID was given. */
  candidates: readonly ImageCandidate[];
  /** When the choice was made, ISO 8601 UTC. */
  chosenAt: string;
};

/** An image that carries the tag and was still refused, with the reason in words. */
export interface NearMiss {
  imageId: string;
  name: string | null;
  /** A clause that can follow the image's ID: "is queued", "belongs to project f3…, not 77…". */
  reason: string;
}
