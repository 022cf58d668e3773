/** A Nova flavor: the size of a server. */
export interface ComputeFlavor {
  id: string;
  name: string;
  vcpus: number;
  ramMiB: number;
  /** Root disk; 0 means "as large as the image" and is never too small. */
  diskGiB: number;
  extraSpecs: Readonly<Record<string, string>>;
}

/** Nova's status of a server; others exist and are kept as they come. */
export type ServerStatus = 'BUILD' | 'ACTIVE' | 'ERROR' | 'DELETED' | 'SHUTOFF' | (string & {});

/** Nova's statuses of a server that does not run. */
export const stoppedStatuses: ReadonlySet<ServerStatus> = new Set([
  'DELETED',
  'SOFT_DELETED',
  'ERROR',
  'SHUTOFF',
  'PAUSED',
  'SUSPENDED',
  'SHELVED',
  'SHELVED_OFFLOADED',
]);

export interface Server {
  id: string;
  name: string;
  status: ServerStatus;
  /** Null for a server that boots from a volume. */
  imageId: string | null;
  createdAt: string;
  availabilityZone: string | null;
  /** Nova's fault, when status is ERROR. */
  fault: { code: number; message: string } | null;
}

/** How far apart servers of a group are kept: "soft" where there is room, else wherever there is. */
export const serverGroupPolicies = ['anti-affinity', 'soft-anti-affinity'] as const;
export type ServerGroupPolicy = (typeof serverGroupPolicies)[number];

export interface ServerGroup {
  id: string;
  name: string;
  /** Others than ours exist and are kept as they come. */
  policy: ServerGroupPolicy | (string & {});
}

/** One network interface of a server (os-interface). */
export interface ServerInterface {
  portId: string;
  networkId: string;
  macAddress: string;
  fixedIps: readonly { subnetId: string; ipAddress: string }[];
}

/** What Nova is asked to build. Everything is decided; the driver only carries it out. */
export interface ServerSpec {
  /** Unique to one amphora: it is how a create whose answer was lost is found again. */
  name: string;
  imageId: string;
  flavorId: string;
  keyName: string | null;
  /** IDs; they must belong to the project that boots. */
  securityGroupIds: readonly string[];
  /** Boot networks, in order: the first one is the management network. */
  networkIds: readonly string[];
  /** Existing ports to plug at boot, after the networks. */
  portIds: readonly string[];
  availabilityZone: string | null;
  serverGroupId: string | null;
  /** Absolute path → text; sent as personality files on the config drive. */
  files: Readonly<Record<string, string>>;
  /** cloud-init user data, text; it also holds the files where they do not go as personality. Null for none. */
  userData: string | null;
}
