import type { Topology } from './load-balancer.ts';
import type { ProbePlace, ReleaseImage, ReleasePolicy } from './release.ts';

/** What a release would do, before anybody starts it. */

/** A load balancer whose tag is the one of the release, as the database has it. */
export interface FleetMember {
  loadBalancerId: string;
  name: string;
  topology: Topology;
  provisioningStatus: string;
  operatingStatus: string;
  place: ProbePlace;
  /** Images of its amphorae that serve; one that is not known is left out. */
  imageIds: readonly string[];
  /** How many amphorae serve it. */
  amphorae: number;
  /** Has taken connections, ever. */
  hasTraffic: boolean;
}

/** What a plan is made from. */
export interface PlanInput {
  tag: string;
  image: ReleaseImage;
  /** Those that carry the tag now. */
  taggedImageIds: readonly string[];
  policy: ReleasePolicy;
  members: readonly FleetMember[];
  /** Image → hash; null: Glance has none, or the image is gone. */
  hashes: ReadonlyMap<string, string | null>;
  /** How long failovers took here lately; null: there were none. */
  moveSeconds: number | null;
  /** Whether the release waits behind its last wave, too, before it is completed. */
  bakesLastWave: boolean;
  /**
   * Whether load balancers of the next wave are measured together, while the one before it is baked or the image is probed. Else each is
   * measured by itself, right before its move.
   */
  measuresAhead: boolean;
  nowMs: number;
}

export interface PlannedTarget {
  loadBalancerId: string;
  wave: number;
  position: number;
  topology: Topology;
  fromImageId: string;
  fromHash: string | null;
}

/** Load balancers that a release leaves out, and why. */
export interface PlannedSkip {
  reason: string;
  loadBalancers: number;
  /** A few of them. */
  examples: readonly string[];
}

export interface PlannedWave {
  /** 0 is the canary. */
  wave: number;
  loadBalancers: number;
  pairs: number;
  /** How long it may take, with its bake. */
  seconds: number;
}

export interface ReleasePlan {
  /** Of everything below: another one means that the world is another one. */
  digest: string;
  tag: string;
  image: ReleaseImage;
  baseline: { taggedImageIds: readonly string[] };
  policy: ReleasePolicy;
  probes: readonly ProbePlace[];
  waves: readonly PlannedWave[];
  skipped: readonly PlannedSkip[];
  targets: readonly PlannedTarget[];
  /** Other images that have the same content. */
  sameImageIds: readonly string[];
  expectedMoveSeconds: number;
  /** Of all waves, with the probe, and the time between maintenance windows. */
  expectedSeconds: number;
}
