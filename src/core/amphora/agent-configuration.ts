import type { TlsProtocol } from '../../model/tls.ts';
import { osloLine, requireOneLine } from './config-line.ts';

/** What an amphora's agent has to know, in the words of octavia.conf. */
export interface AgentConfigurationSettings {
  debug: boolean;
  haproxyAmphora: {
    baseCertDir: string;
    basePath: string;
    bindHost: string;
    bindPort: number;
    haproxyCmd: string;
  };
  healthManager: {
    /** `host:port` of each health manager. */
    controllerIpPortList: readonly string[];
    heartbeatIntervalSeconds: number;
    /** A secret. Null when none is configured: the line is left out. */
    heartbeatKey: string | null;
  };
  amphoraAgent: {
    agentServerCa: string;
    agentServerCert: string;
    agentServerNetworkDir: string | null;
    agentRequestReadTimeoutSeconds: number;
    amphoraUdpDriver: string;
    /** Lowest TLS protocol the agent accepts. */
    agentTlsProtocol: TlsProtocol;
    /** LOG_LOCAL number for HAProxy's traffic log. */
    userLogFacility: number;
    /** LOG_LOCAL number for the log of the amphora's own processes. */
    administrativeLogFacility: number;
  };
}

/**
 * `/etc/octavia/amphora-agent.conf`: the same sections and options that Octavia's controller writes
 * (octavia/amphorae/backends/agent/templates), so that Octavia's agent and ours read it alike. Values are written so
 * that oslo.config gives them back unchanged; one that can't be is CONFIGURATION_INVALID.
 */
export function renderAgentConfiguration(
  settings: AgentConfigurationSettings,
  amphora: { id: string; topology: string },
): string {
  const { haproxyAmphora, healthManager, amphoraAgent } = settings;
  const controllers = healthManager.controllerIpPortList.map((controller) =>
    requireOneLine('[health_manager] controller_ip_port_list', controller),
  );
  const sections: Record<string, Record<string, string | number | boolean | null>> = {
    DEFAULT: {
      debug: settings.debug,
      use_syslog: true,
      syslog_log_facility: `LOG_LOCAL${amphoraAgent.administrativeLogFacility}`,
    },
    haproxy_amphora: {
      base_cert_dir: haproxyAmphora.baseCertDir,
      base_path: haproxyAmphora.basePath,
      bind_host: haproxyAmphora.bindHost,
      bind_port: haproxyAmphora.bindPort,
      haproxy_cmd: haproxyAmphora.haproxyCmd,
      user_log_facility: amphoraAgent.userLogFacility,
      administrative_log_facility: amphoraAgent.administrativeLogFacility,
    },
    health_manager: {
      controller_ip_port_list: controllers.join(', '),
      heartbeat_interval: healthManager.heartbeatIntervalSeconds,
      heartbeat_key: healthManager.heartbeatKey,
    },
    amphora_agent: {
      agent_server_ca: amphoraAgent.agentServerCa,
      agent_server_cert: amphoraAgent.agentServerCert,
      agent_server_network_dir: amphoraAgent.agentServerNetworkDir,
      agent_request_read_timeout: amphoraAgent.agentRequestReadTimeoutSeconds,
      amphora_id: amphora.id,
      amphora_udp_driver: amphoraAgent.amphoraUdpDriver,
      agent_tls_protocol: amphoraAgent.agentTlsProtocol,
    },
    controller_worker: { loadbalancer_topology: amphora.topology },
  };
  return Object.entries(sections)
    .map(([section, options]) => {
      const lines = Object.entries(options).flatMap(([name, value]) =>
        value === null ? [] : [osloLine(section, name, value)],
      );
      return [`[${section}]`, ...lines, ''].join('\n');
    })
    .join('\n');
}
