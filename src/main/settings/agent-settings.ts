import type { AmphoraAgentSettings } from '../../adapters/amphora-agent/connection.ts';
import type { Configuration } from '../../config/options/index.ts';

/** Settings of the client of agents, read at each call. */
export function agentSettings({ haproxy_amphora: haproxy, amphora_agent: agent }: Configuration): AmphoraAgentSettings {
  return {
    clientCertFile: haproxy.client_cert,
    serverCaFile: haproxy.server_ca,
    port: haproxy.bind_port,
    connectTimeoutSeconds: haproxy.rest_request_conn_timeout,
    readTimeoutSeconds: haproxy.rest_request_read_timeout,
    lbNetworkInterface: haproxy.lb_network_interface,
    tlsProtocol: agent.agent_tls_protocol,
  };
}
