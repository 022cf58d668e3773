/** What a running Octavia tells an administrator, as far as a release over it needs it. */

export interface OctaviaLoadBalancer {
  id: string;
  name: string;
  projectId: string;
  provider: string;
  provisioningStatus: string;
  operatingStatus: string;
  /** Null: none. */
  flavorId: string | null;
  zone: string | null;
}

export interface OctaviaAmphora {
  id: string;
  /** Null: a spare one, or one that is being booted. */
  loadBalancerId: string | null;
  /** Nova's server; null: none yet. */
  serverId: string | null;
  /** STANDALONE, MASTER, BACKUP; null: none yet. What keepalived has made of it since is not known. */
  role: string | null;
  status: string;
  /** Null: not recorded. */
  imageId: string | null;
}

/** A load balancer with what is below it, as its status tree has it. */
export interface OctaviaStatusTree {
  provisioningStatus: string;
  operatingStatus: string;
  /** Operating statuses by ID. */
  listeners: Readonly<Record<string, string>>;
  members: Readonly<Record<string, string>>;
}

export interface OctaviaFlavor {
  id: string;
  name: string;
  profileId: string;
}

export interface OctaviaFlavorProfile {
  id: string;
  name: string;
  provider: string;
  data: Readonly<Record<string, unknown>>;
}

/** A load balancer to be made, with one listener and one member. */
export interface NewOctaviaLoadBalancer {
  name: string;
  subnetId: string;
  provider: string;
  flavorId: string;
  zone: string | null;
}
