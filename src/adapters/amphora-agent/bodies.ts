import type {
  AgentDetails,
  AgentInfo,
  AgentListener,
  NetworkInterface,
  PluggedAddress,
  VipInterface,
} from '../../ports/amphora-agent.ts';

/** Shapes of the agent's API, in its own words: what is sent, and what is read (octavia/amphorae/backends/agent). */

type Body = Readonly<Record<string, unknown>>;

/** The `net_info` of Octavia's rest driver. */
export function fromVip(vip: VipInterface): Body {
  return {
    subnet_cidr: vip.subnetCidr,
    gateway: vip.gateway,
    mac_address: vip.macAddress,
    vrrp_ip: vip.vrrpIp,
    mtu: vip.mtu,
    host_routes: vip.hostRoutes,
    additional_vips: vip.additionalVips.map(fromAddress),
    is_sriov: vip.isSriov,
  };
}

/** The `port_info` of Octavia's rest driver. */
export function fromNetwork(network: NetworkInterface): Body {
  return {
    mac_address: network.macAddress,
    fixed_ips: network.fixedIps.map(fromAddress),
    mtu: network.mtu,
    is_sriov: network.isSriov,
    ...(network.vip ? { vip_net_info: { ...fromVip(network.vip), vip: network.vip.vipAddress } } : {}),
  };
}

function fromAddress(address: PluggedAddress): Body {
  return {
    ip_address: address.ipAddress,
    subnet_cidr: address.subnetCidr,
    host_routes: address.hostRoutes,
    gateway: address.gateway,
  };
}

/** Throws what `missing` makes of the name of a field that is not there or not a string. */
export function toAgentInfo(body: Body, apiVersion: string, missing: (field: string) => Error): AgentInfo {
  return {
    hostname: required(body, 'hostname', missing),
    apiVersion,
    haproxyVersion: required(body, 'haproxy_version', missing),
    agentVersion: optional(body.agent_version),
    imageName: optional(body.image_name),
    imageVersion: optional(body.image_version),
  };
}

export function toAgentDetails(body: Body, missing: (field: string) => Error): AgentDetails {
  const { cpu_count: cpuCount, haproxy_count: running, listeners } = body;
  if (!Array.isArray(listeners)) throw missing('listeners');
  return {
    hostname: required(body, 'hostname', missing),
    haproxyVersion: required(body, 'haproxy_version', missing),
    cpuCount: typeof cpuCount === 'number' && Number.isSafeInteger(cpuCount) && cpuCount > 0 ? cpuCount : null,
    activeTunedProfiles: (optional(body.active_tuned_profiles) ?? '').split(/\s+/).filter(Boolean),
    memoryKiB: toMemory(body.memory),
    runningHaproxyCount: typeof running === 'number' && Number.isSafeInteger(running) && running >= 0 ? running : null,
    listenerIds: listeners.filter((id) => typeof id === 'string'),
  };
}

/** Counted in kB by the agent, of 1024 bytes as /proc/meminfo does. */
function toMemory(memory: unknown): AgentDetails['memoryKiB'] {
  const { free, buffers, cached } = (typeof memory === 'object' && memory !== null ? memory : {}) as Body;
  const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  return isSize(free) && isSize(buffers) && isSize(cached) ? { free, buffers, cached } : null;
}

export function toAgentListeners(body: readonly unknown[], missing: (field: string) => Error): AgentListener[] {
  return body.map((item) => {
    const line = typeof item === 'object' && item !== null ? (item as Body) : {};
    return {
      id: required(line, 'uuid', missing),
      status: required(line, 'status', missing),
      type: required(line, 'type', missing),
    };
  });
}

function required(body: Body, field: string, missing: (field: string) => Error): string {
  const value = body[field];
  if (typeof value === 'string') return value;
  throw missing(field);
}

function optional(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
