/** What a controller asks for when it plugs ports: addresses are checked and in canonical spelling, subnets are CIDRs. */

interface HostRoute {
  destination: string;
  nexthop: string;
}

/** An address with what its subnet asks for. */
export interface PlugAddress {
  address: string;
  subnetCidr: string;
  gateway: string | null;
  hostRoutes: readonly HostRoute[];
}

/** What a controller lets in on a port that no hypervisor filters (SR-IOV). */
export interface FirewallRule {
  protocol: 'TCP' | 'UDP' | 'SCTP' | 'VRRP';
  /** Whose packets; null: anybody's. */
  cidr: string | null;
  /** Not used for VRRP, which has no ports. */
  port: number;
}

/** The port in the VIP's network. */
export interface VipPlug {
  macAddress: string;
  mtu: number | null;
  /** The VIP first, then the additional ones. */
  vips: readonly PlugAddress[];
  /** Address of the port itself. */
  vrrp: Pick<PlugAddress, 'address' | 'subnetCidr'> | null;
  isSriov: boolean;
}

/** A port in a network of members, or the VIP's again with more subnets. */
export interface NetworkPlug {
  macAddress: string;
  mtu: number | null;
  addresses: readonly PlugAddress[];
  /** Set when the port is the one that carries the VIP. */
  vip: VipPlug | null;
  isSriov: boolean;
}
