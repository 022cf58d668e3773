/** The amphorae with one image of the load balancers with one flavor. */
export interface AmphoraGroup {
  imageId: string | null;
  /** Null: load balancers without a flavor, and amphorae without a load balancer. */
  flavorId: string | null;
  loadBalancers: number;
  amphorae: number;
  inError: number;
  silent: number;
}

/** The load balancers with one flavor and one assigned image. */
export interface LoadBalancerGroup {
  assignedImageId: string | null;
  flavorId: string | null;
  loadBalancers: number;
  pairs: number;
  mixedPairs: number;
}

export interface FleetSurvey {
  amphorae: readonly AmphoraGroup[];
  loadBalancers: readonly LoadBalancerGroup[];
  /** Flavor → its `amp_image_tag`; flavors without one are absent. */
  flavorTags: ReadonlyMap<string, string>;
  /** What is known of images that amphorae booted, also after Glance forgot them. */
  images: ReadonlyMap<string, RecordedImage>;
}

export interface RecordedImage {
  name: string | null;
  createdAt: string | null;
}

/** The whole fleet, counted. The number of queries does not grow with it. */
export interface FleetStore {
  /** @param silentBefore amphorae that were last heard of before then are silent. */
  survey(silentBefore: string): Promise<FleetSurvey>;
}
