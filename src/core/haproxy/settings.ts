/** What an HAProxy configuration is rendered with, besides the load balancer itself. */
export interface HaproxySettings {
  /** [haproxy_amphora] base_path: where the agent keeps a load balancer's files. */
  basePath: string;
  /** HAProxy's version on that amphora, from the agent's information. */
  version: HaproxyVersion;
  logging: HaproxyLogging;
  /** [haproxy_amphora] default_connection_limit: for listeners without a limit of their own. */
  defaultConnectionLimit: number;
  /** [haproxy_amphora] haproxy_stick_size, such as "10k". */
  stickTableSize: string;
  /** [haproxy_amphora] timeout_…: for listeners that say 0. */
  defaultTimeouts: {
    clientDataMilliseconds: number;
    memberConnectMilliseconds: number;
    memberDataMilliseconds: number;
    tcpInspectMilliseconds: number;
  };
  /** [api_settings] default_listener_ciphers and default_pool_ciphers: instead of ciphers that can't be written. */
  defaultListenerCiphers: string;
  defaultPoolCiphers: string;
  /** From the agent's details: what threads and the TLS cache are sized by. */
  machine: AmphoraMachine;
  /** ACTIVE_STANDBY: all amphorae of the load balancer, this one too. Empty for SINGLE. */
  peers: readonly HaproxyPeer[];
}

export interface HaproxyVersion {
  major: number;
  minor: number;
}

export interface HaproxyLogging {
  /** Where HAProxy logs to: a datagram socket's path or an address. */
  address: string;
  /** [amphora_agent] user_log_facility, administrative_log_facility: 0 to 7, of LOG_LOCAL. */
  userFacility: number;
  administrativeFacility: number;
  /** [haproxy_amphora] connection_logging. */
  logsConnections: boolean;
  /** [haproxy_amphora] user_log_format: HAProxy's log-format, with `{{ project_id }}` and `{{ lb_id }}`. */
  format: string;
}

export interface AmphoraMachine {
  /** Null where the agent does not tell. */
  cpuCount: number | null;
  /** Names of the active TuneD profiles; processors are dedicated to HAProxy only under "amphora". */
  activeTunedProfiles: readonly string[];
  memoryKiB: { free: number; buffers: number; cached: number } | null;
}

export interface HaproxyPeer {
  amphoraId: string;
  /** Its VRRP address. */
  address: string;
}

/** Absolute paths, in the amphora, of TLS material that is already there when HAProxy starts. */
export type TlsFiles = {
  /** By listener ID. The certificate list names the listener's own certificate first, then those for SNI. */
  listeners: Readonly<
    Record<string, { certificateList: string; clientCa: string | null; clientRevocationList: string | null }>
  >;
  /** By pool ID. */
  pools: Readonly<
    Record<string, { clientCertificate: string | null; ca: string | null; revocationList: string | null }>
  >;
};
