/** As their services call them. In the order in which they can be removed: a port in a server, a group in use stay. */
export const cloudObjectKinds = ['server', 'port', 'security group', 'server group'] as const;
export type CloudObjectKind = (typeof cloudObjectKinds)[number];

/** An object of Nova or Neutron, as far as it tells what it was made for. */
export interface CloudObject {
  kind: CloudObjectKind;
  id: string;
  name: string;
  /** Of ports; else empty. */
  deviceId: string;
  deviceOwner: string;
  /** It is in the project that Kiln authenticates as. */
  isInOwnProject: boolean;
  /** ISO 8601; null where the service does not tell, and in lists. */
  createdAt: string | null;
}

/** What an object says about its owner; null where it says nothing. */
export interface OwnerClaim {
  loadBalancerId: string | null;
  amphoraId: string | null;
  /** Of a server, or of the one that a port is plugged into. */
  serverId: string | null;
  /** Of a server whose name does not have the amphora's ID. */
  serverName: string | null;
}

/**
 * owned: its owner has a row. busy: it has none, but an operation on it is under way. gone: this database has given out the
 * owner's ID, and it has no row any more. unknown: this database never named it.
 */
export type Ownership = 'owned' | 'busy' | 'gone' | 'unknown';

/** An orphan, as the looks so far have found it. */
export interface OrphanSighting {
  kind: CloudObjectKind;
  id: string;
  name: string;
  /** ISO 8601 UTC. */
  firstSeenAt: string;
  looks: number;
}
