/** What keepalived's VRRP configuration is rendered with, besides the load balancer and its amphorae. */
export interface VrrpSettings {
  /** [haproxy_amphora] base_path: where the agent keeps its check script. */
  basePath: string;
  /** [keepalived_vrrp] vrrp_advert_int, or [kiln] vrrp_advert_interval_seconds, which may be a fraction. */
  advertIntervalSeconds: number;
  /** [keepalived_vrrp] vrrp_check_interval. */
  checkIntervalSeconds: number;
  /** [keepalived_vrrp] vrrp_fail_count and vrrp_success_count: results in a row that change an amphora's state. */
  failCount: number;
  successCount: number;
  /** [keepalived_vrrp] vrrp_garp_refresh_interval; 0: none. */
  garpRefreshIntervalSeconds: number;
  /** [keepalived_vrrp] vrrp_garp_refresh_count. */
  garpRefreshCount: number;
  /** What the password of a pair is derived from: no tenant knows it. */
  authenticationKey: string;
}

/** One amphora's side of a pair. */
export interface VrrpInstance {
  loadBalancerId: string;
  /** Name of the interface that the VIP is on. */
  interfaceName: string;
  /** keepalived runs, and waits for the interface, where there is none yet; else it ends. Absent: there is one. */
  isInterfaceAbsent?: boolean;
  virtualRouterId: number;
  priority: number;
  /** The amphora's own address in the VIP's network. */
  vrrpIp: string;
  /** Those of the other amphorae. */
  peerIps: readonly string[];
  vip: VirtualAddress;
  additionalVips: readonly VirtualAddress[];
}

/** A VIP with what its subnet asks for. */
export interface VirtualAddress {
  address: string;
  subnetCidr: string;
  gateway: string | null;
  hostRoutes: readonly { destination: string; nexthop: string }[];
}
