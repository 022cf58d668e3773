import type { PagingSettings } from '../../api/v2/deps.ts';
import type { Configuration } from '../../config/options/index.ts';
import type { ApiSettings } from '../../core/lbaas/settings.ts';
import { canonicalAddress } from '../../core/network/address.ts';
import type { TlsVersion } from '../../model/load-balancer.ts';
import { servedProviders } from '../../model/provider.ts';

/** octavia.conf, narrowed to what the API's rules need. */
export function apiSettings(configuration: Configuration): ApiSettings {
  const { api_settings: api, haproxy_amphora: haproxy, networking, quotas, controller_worker: worker } = configuration;
  return {
    providers: Object.fromEntries(
      Object.entries(api.enabled_provider_drivers).filter(([name]) => servedProviders.has(name)),
    ),
    defaultProvider: api.default_provider_driver,
    quotaDefaults: {
      loadbalancer: quotas.default_load_balancer_quota,
      listener: quotas.default_listener_quota,
      pool: quotas.default_pool_quota,
      member: quotas.default_member_quota,
      healthmonitor: quotas.default_health_monitor_quota,
      l7policy: quotas.default_l7policy_quota,
      l7rule: quotas.default_l7rule_quota,
    },
    topology: worker.loadbalancer_topology,
    timeoutClientData: haproxy.timeout_client_data,
    timeoutMemberConnect: haproxy.timeout_member_connect,
    timeoutMemberData: haproxy.timeout_member_data,
    timeoutTcpInspect: haproxy.timeout_tcp_inspect,
    listenerCiphers: api.default_listener_ciphers,
    listenerTlsVersions: api.default_listener_tls_versions as readonly TlsVersion[],
    listenerAlpnProtocols: api.default_listener_alpn_protocols,
    poolCiphers: api.default_pool_ciphers,
    poolTlsVersions: api.default_pool_tls_versions as readonly TlsVersion[],
    poolAlpnProtocols: api.default_pool_alpn_protocols,
    minimumTlsVersion: api.minimum_tls_version,
    prohibitedCiphers: api.tls_cipher_prohibit_list.split(':').filter((cipher) => cipher !== ''),
    allowTlsTerminatedListeners: api.allow_tls_terminated_listeners,
    allowPrometheusListeners: api.allow_prometheus_listeners,
    allowPingHealthMonitors: api.allow_ping_health_monitors,
    udpConnectMinimumDelaySeconds: api.udp_connect_min_interval_health_monitor,
    allowVipPortId: networking.allow_vip_port_id,
    allowVipNetworkId: networking.allow_vip_network_id,
    allowVipSubnetId: networking.allow_vip_subnet_id,
    validVipNetworks: networking.valid_vip_networks,
    deniedVipNetworks: networking.denylist_vip_networks,
    reservedAddresses: networking.reserved_ips.map(canonicalAddress),
  };
}

export function pagingSettings({ api_settings: api }: Configuration): PagingSettings {
  const { pagination_max_limit: maximum } = api;
  return {
    maximum: Number(maximum) > 0 ? Number(maximum) : null,
    baseUri: api.api_base_uri,
  };
}
