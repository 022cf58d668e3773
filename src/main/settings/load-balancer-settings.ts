import type { Configuration } from '../../config/options/index.ts';
import { heartbeatKeyInForce } from '../../core/heartbeat/message.ts';
import type { LoadBalancerSettings } from '../../flows/load-balancer/deps.ts';
import { amphoraSettings } from './amphora-settings.ts';

/** Where Octavia's images take HAProxy's log from (octavia/amphorae/backends/agent/templates). */
const amphoraLogSocket = '/run/rsyslog/octavia/log';

/** octavia.conf, narrowed to what the flows of load balancers need. */
export function loadBalancerSettings(configuration: Configuration): LoadBalancerSettings {
  const { haproxy_amphora: haproxy, amphora_agent: agent, api_settings: api, keepalived_vrrp: vrrp } = configuration;
  return {
    ...amphoraSettings(configuration),
    haproxy: {
      basePath: haproxy.base_path,
      logging: {
        address: amphoraLogSocket,
        userFacility: agent.user_log_facility,
        administrativeFacility: agent.administrative_log_facility,
        logsConnections: haproxy.connection_logging,
        format: haproxy.user_log_format,
      },
      defaultConnectionLimit: haproxy.default_connection_limit,
      stickTableSize: haproxy.haproxy_stick_size,
      defaultTimeouts: {
        clientDataMilliseconds: haproxy.timeout_client_data,
        memberConnectMilliseconds: haproxy.timeout_member_connect,
        memberDataMilliseconds: haproxy.timeout_member_data,
        tcpInspectMilliseconds: haproxy.timeout_tcp_inspect,
      },
      defaultListenerCiphers: api.default_listener_ciphers,
      defaultPoolCiphers: api.default_pool_ciphers,
    },
    vrrp: {
      advertIntervalSeconds: configuration.kiln.vrrp_advert_interval_seconds ?? vrrp.vrrp_advert_int,
      checkIntervalSeconds: vrrp.vrrp_check_interval,
      failCount: vrrp.vrrp_fail_count,
      successCount: vrrp.vrrp_success_count,
      garpRefreshIntervalSeconds: vrrp.vrrp_garp_refresh_interval,
      garpRefreshCount: vrrp.vrrp_garp_refresh_count,
      authenticationKey: heartbeatKeyInForce(configuration.health_manager.heartbeat_key),
    },
    baseCertDir: haproxy.base_cert_dir,
  };
}
