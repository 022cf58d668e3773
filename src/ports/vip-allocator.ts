import type { Vip } from '../model/load-balancer.ts';

/** Where a new load balancer shall answer, as its creator said. One of port, network and subnet is given. */
export interface VipRequest {
  loadBalancerId: string;
  projectId: string;
  name: string;
  address: string | null;
  portId: string | null;
  subnetId: string | null;
  networkId: string | null;
  qosPolicyId: string | null;
  securityGroupIds: readonly string[];
  /** Networks that it may be in; empty: any. */
  allowedNetworkIds: readonly string[];
  /** Networks that it may not be in, whatever else allows them. */
  deniedNetworkIds: readonly string[];
  additional: readonly { subnetId: string; address: string | null; portId: string | null }[];
  /**
   * Of whoever asks. What the request refers to is looked up with it, so that nobody takes a VIP from a network that is
   * hidden from them. Absent: everything that Kiln itself sees may be used.
   */
  userToken?: string | undefined;
}

export interface AllocatedVips {
  vip: Vip;
  additionalVips: readonly Vip[];
  /** The one asked for, or the one that a given port already has. */
  qosPolicyId: string | null;
}

/** Takes the addresses of load balancers from the network. */
export interface VipAllocator {
  /**
   * Checks what the request refers to and makes the ports that it doesn't bring. REQUEST_INVALID in Octavia's words
   * for what is missing or doesn't fit, RESOURCE_CONFLICT for an address in use. All or nothing.
   */
  allocate(request: VipRequest): Promise<AllocatedVips>;
  /** Gives back what `allocate` made, or may have made, for it: it won't come to be. Idempotent; ports of the user stay. */
  release(loadBalancerId: string): Promise<void>;
}
