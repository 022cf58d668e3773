import type {
  ComputeFlavor,
  Server,
  ServerGroup,
  ServerGroupPolicy,
  ServerInterface,
  ServerSpec,
} from '../model/compute.ts';

/** Nova. Errors are ServiceError unless said otherwise. */
export interface ComputeService {
  /**
   * Asks for a server and returns its ID; Nova builds it afterwards.
   * Makes one server or none, and never two: when the answer is lost, the server is looked up by its name (unique to
   * an amphora), and the request is sent again only when Nova surely did not take it.
   * An image that Nova can't find or that is not active is IMAGE_GONE. When it stays unknown whether Nova took the
   * request, the error has `call.outcomeUnknown`, and the caller has to look for `spec.name` when it cleans up.
   */
  createServer(spec: ServerSpec, signal?: AbortSignal): Promise<{ id: string }>;
  /** SERVICE_NOT_FOUND when it is not there. */
  getServer(serverId: string, signal?: AbortSignal): Promise<Server>;
  /** Servers with exactly this name, in the project that Kiln authenticates as. */
  findServersByName(name: string): Promise<Server[]>;
  /**
   * What the server's guest wrote on its serial console: the last `lines` of it, as far as Nova kept them. SERVICE_NOT_FOUND when
   * the server or its console is not there, SERVICE_CONFLICT while it is not ready, SERVICE_FAILED (501) where the hypervisor has none.
   */
  getConsoleOutput(serverId: string, lines: number, signal?: AbortSignal): Promise<string>;
  /** Idempotent: a server that is gone is success. Nova takes a moment to finish. */
  deleteServer(serverId: string): Promise<void>;
  listInterfaces(serverId: string, signal?: AbortSignal): Promise<ServerInterface[]>;
  /**
   * Plugs an existing port into a running server. Idempotent: one that is plugged into this server already is success;
   * one that is plugged elsewhere is SERVICE_CONFLICT.
   */
  attachPort(serverId: string, portId: string): Promise<void>;
  /** Takes a port out of a server; the port stays. Idempotent: a port or a server that is gone is success. */
  detachPort(serverId: string, portId: string): Promise<void>;
  /** Names are not unique in Nova, and nothing is looked up: who may have been killed looks by name first. */
  createServerGroup(group: { name: string; policy: ServerGroupPolicy }): Promise<ServerGroup>;
  /** Groups with exactly this name, in the project that Kiln authenticates as. */
  findServerGroupsByName(name: string): Promise<ServerGroup[]>;
  /** Idempotent: a group that is gone is success. Its servers stay. */
  deleteServerGroup(groupId: string): Promise<void>;
  getFlavor(flavorId: string, signal?: AbortSignal): Promise<ComputeFlavor>;
  /** True when the key pair exists for the service user. */
  hasKeypair(name: string): Promise<boolean>;
  /** Names of the availability zones in which servers can be started. */
  listAvailabilityZones(): Promise<string[]>;
  /** Whether servers can be started in the zone of that name. */
  hasAvailabilityZone(name: string): Promise<boolean>;
  /** The newest microversion that the endpoint speaks, such as "2.93". */
  maxMicroversion(): Promise<string>;
}
