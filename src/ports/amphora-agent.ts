/** What `GET /1.0/info` of an amphora's agent says. */
export interface AgentInfo {
  hostname: string;
  /** API version the agent speaks: "1.0" or "0.5". */
  apiVersion: string;
  haproxyVersion: string;
  /** Version of the agent, where it tells (ours does); else null. */
  agentVersion: string | null;
  /** Name and version of the image that the agent runs from, where it tells (ours does, inside an image); else null. */
  imageName: string | null;
  imageVersion: string | null;
}

/** What `GET /1.0/details` says, as far as a controller acts on it. */
export interface AgentDetails {
  hostname: string;
  haproxyVersion: string;
  /** Processors of the amphora, for HAProxy's threads. Null from agents before Octavia 12. */
  cpuCount: number | null;
  /** Names of the TuneD profiles in force; empty where there are none or the agent does not tell. */
  activeTunedProfiles: readonly string[];
  /** Memory that HAProxy may take a part of, for TLS sessions; null where the agent does not tell. */
  memoryKiB: { free: number; buffers: number; cached: number } | null;
  /** HAProxy processes that run: one a load balancer. Null where the agent does not tell. */
  runningHaproxyCount: number | null;
  /** Listeners that are configured, whether they run or not. */
  listenerIds: readonly string[];
}

/** One line of `GET /1.0/listeners`. */
export interface AgentListener {
  id: string;
  /** "ACTIVE" as soon as it is configured; UDP listeners also "OFFLINE" and "ERROR". */
  status: string;
  /** HAProxy's mode in capitals, "TERMINATED_HTTPS" or "UDP". */
  type: string;
}

/** Which agent: the ID must be the name in the certificate that it shows. */
export interface AmphoraAddress {
  id: string;
  /** On the management network. */
  address: string;
  /** As `getInfo` reported it: saves asking again before each call. */
  apiVersion?: string;
  /** So long may a request to it take, instead of what the configuration says: it may hang, and nothing depends on it. */
  limitMs?: number;
}

interface HostRoute {
  /** CIDR. */
  destination: string;
  nexthop: string;
}

/** An address with what its subnet asks for. */
export interface PluggedAddress {
  ipAddress: string;
  subnetCidr: string;
  gateway: string | null;
  hostRoutes: readonly HostRoute[];
}

/** The amphora's own port in the VIP's network. Subnet, gateway and routes are those of the VIP's subnet. */
export interface VipInterface {
  subnetCidr: string;
  gateway: string | null;
  macAddress: string;
  /** Address of the port itself, beside the VIP. */
  vrrpIp: string | null;
  mtu: number;
  hostRoutes: readonly HostRoute[];
  additionalVips: readonly PluggedAddress[];
  isSriov: boolean;
}

/** A port in a network of members. */
export interface NetworkInterface {
  macAddress: string;
  mtu: number;
  fixedIps: readonly PluggedAddress[];
  isSriov: boolean;
  /** Set when the port is the one that carries the VIP: it is configured anew as a whole. */
  vip?: VipInterface & { vipAddress: string };
}

export type LoadBalancerAction = 'start' | 'reload' | 'stop';

/**
 * The REST API of the agent inside an amphora, over mutual TLS: Octavia's, versions 1.0 and 0.5. In 0.5 each listener
 * has a HAProxy of its own: there `objectId` is a listener's ID, and in 1.0 the load balancer's.
 *
 * Nothing here loops: one call is one attempt, bounded by the connect and read time limits, and the flow tries again.
 * Every call may be repeated when its outcome is unknown; what is said to be there or gone already is success.
 *
 * Errors of every call: AGENT_UNREACHABLE when nothing answers (retryable: it boots, or restarts), AGENT_REFUSED when
 * it answers but TLS, the certificate's name or the request will not do. AGENT_REFUSED is retryable where waiting may
 * help: the agent failed inside, or the interface to plug is not there yet. What the agent said is in `serviceMessage`.
 */
export interface AmphoraAgent {
  /** Asks one agent who it is. */
  getInfo(amphora: AmphoraAddress, signal?: AbortSignal): Promise<AgentInfo>;
  getDetails(amphora: AmphoraAddress, signal?: AbortSignal): Promise<AgentDetails>;
  listListeners(amphora: AmphoraAddress, signal?: AbortSignal): Promise<AgentListener[]>;

  /**
   * Replaces HAProxy's configuration. HAProxy runs on with the old one until it is reloaded. A configuration that
   * HAProxy refuses leaves the old one in place: AGENT_REFUSED, HAProxy's words in `serviceMessage`.
   */
  uploadHaproxyConfiguration(
    amphora: AmphoraAddress,
    objectId: string,
    configuration: string,
    signal?: AbortSignal,
  ): Promise<void>;
  /**
   * Replaces keepalived's configuration of one UDP or SCTP listener. Nobody checks it before keepalived starts; our own
   * agent refuses it in the embedded cloud, where it has no IP_VS.
   */
  uploadLvsConfiguration(
    amphora: AmphoraAddress,
    listenerId: string,
    configuration: string,
    signal?: AbortSignal,
  ): Promise<void>;
  /**
   * "reload" starts what does not run, "start" of what runs and "stop" of what does not change nothing. For UDP and
   * SCTP `objectId` is the listener's. AGENT_REFUSED with status 404 when nothing was uploaded for `objectId`.
   */
  act(amphora: AmphoraAddress, objectId: string, action: LoadBalancerAction, signal?: AbortSignal): Promise<void>;
  /** Stops and forgets a load balancer with its certificates, or a UDP listener. One that is gone is success. */
  deleteListener(amphora: AmphoraAddress, objectId: string, signal?: AbortSignal): Promise<void>;

  /**
   * Replaces the configuration of the keepalived that holds the VIPs for one of a pair. Octavia's agent does not check it
   * before keepalived starts.
   */
  uploadVrrpConfiguration(amphora: AmphoraAddress, configuration: string, signal?: AbortSignal): Promise<void>;
  /**
   * "start" of what runs is a reload, which keeps who holds the VIPs; "stop" gives them to the other amphora. AGENT_REFUSED,
   * retryable, for what nothing was uploaded for, and for a reload of what does not run.
   */
  actOnVrrp(amphora: AmphoraAddress, action: LoadBalancerAction, signal?: AbortSignal): Promise<void>;

  /** Replaces a file beside the certificates: a certificate with its key, a CA, or a crt-list. Takes effect at reload. */
  uploadCertificate(
    amphora: AmphoraAddress,
    objectId: string,
    fileName: string,
    pem: string,
    signal?: AbortSignal,
  ): Promise<void>;
  /** MD5 of the uploaded file, in hex; null when there is none. To save uploads, not for security. */
  getCertificateMd5(
    amphora: AmphoraAddress,
    objectId: string,
    fileName: string,
    signal?: AbortSignal,
  ): Promise<string | null>;
  /** A file that is gone is success. */
  deleteCertificate(amphora: AmphoraAddress, objectId: string, fileName: string, signal?: AbortSignal): Promise<void>;

  /** Brings the VIP up on the interface with this MAC address. An interface that is plugged already is left as it is. */
  plugVip(amphora: AmphoraAddress, vipAddress: string, vip: VipInterface, signal?: AbortSignal): Promise<void>;
  /** Brings an interface up; one that is plugged already gets these addresses. */
  plugNetwork(amphora: AmphoraAddress, network: NetworkInterface, signal?: AbortSignal): Promise<void>;
  /** Name of the interface that holds an address, such as "eth1"; null when none does. */
  getInterface(amphora: AmphoraAddress, ipAddress: string, signal?: AbortSignal): Promise<string | null>;

  /**
   * Gives the agent a new certificate and key (PEM, both). It shows them from then on, if not at once. The only request
   * that is made of an agent whose certificate has expired and is right but for that.
   */
  rotateAgentCertificate(amphora: AmphoraAddress, pem: string, signal?: AbortSignal): Promise<void>;
  /** Whether the agent shows this certificate (PEM, the first in it) to whoever connects now. */
  showsCertificate(amphora: AmphoraAddress, pem: string, signal?: AbortSignal): Promise<boolean>;
  /**
   * Replaces amphora-agent.conf. Where heartbeats go, their interval and key take effect without a restart; but Octavia's
   * agent 11 sends them as before until it is started again.
   */
  updateAgentConfiguration(amphora: AmphoraAddress, configuration: string, signal?: AbortSignal): Promise<void>;
}
