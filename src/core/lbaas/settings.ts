import type { TlsVersion, Topology } from '../../model/load-balancer.ts';
import type { Limits } from './quota.ts';

/** What the operator's options say about what users may ask for, and what they get who don't say. */
export interface ApiSettings {
  /** Names that are taken, with their descriptions; all mean Kiln's own amphorae. */
  providers: Readonly<Record<string, string>>;
  defaultProvider: string;
  /** For projects that have no quota of their own. */
  quotaDefaults: Limits;
  topology: Topology;
  /** Milliseconds. */
  timeoutClientData: number;
  timeoutMemberConnect: number;
  timeoutMemberData: number;
  timeoutTcpInspect: number;
  listenerCiphers: string;
  listenerTlsVersions: readonly TlsVersion[];
  listenerAlpnProtocols: readonly string[];
  poolCiphers: string;
  poolTlsVersions: readonly TlsVersion[];
  poolAlpnProtocols: readonly string[];
  minimumTlsVersion: TlsVersion | null;
  prohibitedCiphers: readonly string[];
  allowTlsTerminatedListeners: boolean;
  allowPrometheusListeners: boolean;
  allowPingHealthMonitors: boolean;
  udpConnectMinimumDelaySeconds: number;
  allowVipPortId: boolean;
  allowVipNetworkId: boolean;
  allowVipSubnetId: boolean;
  /** IDs of networks that VIPs may be in; empty: any. */
  validVipNetworks: readonly string[];
  /** IDs of networks that no VIP may be in. */
  deniedVipNetworks: readonly string[];
  /** Addresses that no member may have, such as the metadata service's; each as `canonicalAddress` writes it. */
  reservedAddresses: readonly string[];
}
