/** The amphorae of all load balancers, and which image they run. Times are ISO 8601 UTC. */

/** What Glance says of an image that is in use. */
export type ImagePresence =
  /** It is there, and may be seen with Kiln's credentials. */
  | 'present'
  /** It was deleted, or is no longer shared with Kiln's project. */
  | 'gone'
  /** Glance could not be asked, or was not asked because too many images are in use. */
  | 'unknown';

/** What a new amphora would boot, for the load balancers of one tag. */
export interface FleetTag {
  /** Null: `amp_image_id` decides. */
  tag: string | null;
  imageId: string | null;
  imageName: string | null;
  imageCreatedAt: string | null;
  /** How many images could be booted; the newest one is. */
  candidates: number;
  /** Load balancers for which this tag decides. */
  loadBalancers: number;
  /** Why there is no image; null when there is one. */
  error: { code: string; message: string; advice: string } | null;
}

/** The amphorae that run one image. */
export interface FleetImage {
  /** Null: amphorae for which no image has been chosen. */
  imageId: string | null;
  name: string | null;
  createdAt: string | null;
  presence: ImagePresence;
  /** For these tags it is what a new amphora boots. */
  currentForTags: readonly (string | null)[];
  /** Load balancers that have an amphora with this image. */
  loadBalancers: number;
  /** Load balancers that are assigned this image: a repair boots it. */
  assigned: number;
  amphorae: number;
  inError: number;
  silent: number;
  /** Of the amphorae: those for which a failover would boot another image. */
  behind: number;
  /** How much newer the image is that they would boot. Negative: it is older. Null: nothing is behind, or it is not known. */
  behindSeconds: number | null;
}

export const fleetWarningCodes = ['IMAGE_NONE', 'IMAGE_CANDIDATES', 'IMAGE_OLD', 'IMAGE_GONE'] as const;
export type FleetWarningCode = (typeof fleetWarningCodes)[number];

/** What somebody should look at. */
export interface FleetWarning {
  code: FleetWarningCode;
  message: string;
  advice: string;
}

export interface Fleet {
  at: string;
  tags: readonly FleetTag[];
  /** The images of the tags first, then the newest. */
  images: readonly FleetImage[];
  totals: {
    loadBalancers: number;
    pairs: number;
    /** Pairs whose two amphorae run different images. */
    mixedPairs: number;
    amphorae: number;
    behind: number;
    inError: number;
    silent: number;
    /** Amphorae whose image is gone from Glance. */
    imageGone: number;
  };
  warnings: readonly FleetWarning[];
}
