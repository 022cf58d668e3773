import type { CloudState, Table } from '../state.ts';

export interface FlavorRow {
  id: string;
  name: string;
  ramMiB: number;
  vcpus: number;
  diskGiB: number;
  ephemeralGiB: number;
  swapMiB: number;
  rxtxFactor: number;
  isPublic: boolean;
  description: string | null;
  extraSpecs: Record<string, string>;
}

export interface KeypairRow {
  /** `USER/NAME`: a key pair belongs to a user, not to a project. */
  id: string;
  userId: string;
  name: string;
  type: string;
  publicKey: string;
  fingerprint: string;
  createdAt: string;
}

export interface ServerGroupRow {
  id: string;
  name: string;
  policy: string;
  rules: Record<string, unknown>;
  projectId: string;
  userId: string;
}

/** Nova's `vm_state`. */
export type VmState = 'building' | 'active' | 'stopped' | 'error';
/** Nova's `task_state`: what is being done to the server. */
export type TaskState = 'scheduling' | 'spawning' | 'powering-off' | 'powering-on' | 'reboot_started' | 'deleting';

export interface ServerRow {
  id: string;
  /** Counts up; `instance-0000000a` comes from it. */
  number: number;
  name: string;
  description: string | null;
  hostname: string;
  projectId: string;
  userId: string;
  imageId: string;
  /** As it was when the server was made: a flavor may be deleted or made anew. */
  flavor: FlavorRow;
  keyName: string | null;
  availabilityZone: string;
  serverGroupId: string | null;
  configDrive: boolean;
  /** As it came: base 64. */
  userData: string | null;
  metadata: Record<string, string>;
  tags: string[];
  reservationId: string;
  launchIndex: number;
  vmState: VmState;
  taskState: TaskState | null;
  fault: { code: number; message: string; details: string; createdAt: string } | null;
  createdAt: string;
  updatedAt: string;
  launchedAt: string | null;
  /** In the order they were plugged. */
  portIds: string[];
  /** Those that Nova made: they go with the server. */
  ownPortIds: string[];
}

export interface ComputeTables {
  flavors: Table<FlavorRow>;
  keypairs: Table<KeypairRow>;
  serverGroups: Table<ServerGroupRow>;
  servers: Table<ServerRow>;
}

export function computeTables(state: CloudState): ComputeTables {
  return {
    flavors: state.table('flavors'),
    keypairs: state.table('keypairs'),
    serverGroups: state.table('server-groups'),
    servers: state.table('servers'),
  };
}

/** Nova writes whole seconds. */
export function timestamp(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`;
}
