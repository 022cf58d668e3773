import { boolean, choice, float, integer, ipAddress, list, port, string } from '../option.ts';

const hostAndPort = { test: /^[^\s,]+:\d{1,5}$/, description: 'host:port' };

const milliseconds = (byDefault: number, help: string) =>
  integer({
    default: byDefault,
    unit: 'milliseconds',
    min: 0,
    max: 2_073_600_000,
    mutable: true,
    help: `${help} Of a listener that does not say.`,
  });

/** [haproxy_amphora]: how to reach the agent of an amphora, and what is configured in it. */
export const haproxyAmphoraOptions = {
  bind_host: ipAddress({ default: '::', mutable: true, help: 'Address in the amphora that its agent listens on.' }),
  bind_port: port({ default: 9443, mutable: true, help: 'Port of the agent.' }),
  base_path: string({
    default: '/var/lib/octavia',
    mutable: true,
    help: 'Folder in the amphora for the files of its load balancers.',
  }),
  base_cert_dir: string({
    default: '/var/lib/octavia/certs',
    mutable: true,
    help: 'Folder in the amphora for the certificates of its listeners.',
  }),
  haproxy_cmd: string({ default: '/usr/sbin/haproxy', mutable: true, help: 'Path of HAProxy in the amphora.' }),
  lb_network_interface: string({
    default: 'o-hm0',
    mutable: true,
    help: 'Network interface of this machine through which amphorae are reached, where their addresses are IPv6 link-local.',
  }),
  client_cert: string({
    default: '/etc/octavia/certs/client.pem',
    mutable: true,
    help: 'PEM file with the certificate and key that Kiln shows to agents.',
  }),
  server_ca: string({
    default: '/etc/octavia/certs/server_ca.pem',
    mutable: true,
    help: 'PEM file with the authority that signed the certificates of agents.',
  }),
  rest_request_conn_timeout: float({
    default: 10,
    unit: 'seconds',
    min: 0,
    mutable: true,
    help: 'How long to wait for a connection to an agent.',
  }),
  rest_request_read_timeout: float({
    default: 60,
    unit: 'seconds',
    min: 0,
    mutable: true,
    help: "How long to wait for an agent's answer.",
  }),
  connection_max_retries: integer({
    default: 120,
    min: 0,
    mutable: true,
    help: 'How often to try again to reach the agent of a new amphora, before the boot has failed.',
  }),
  connection_retry_interval: integer({
    default: 5,
    unit: 'seconds',
    min: 0,
    mutable: true,
    help: 'Pause before a new amphora is tried again.',
  }),
  build_rate_limit: integer({
    default: -1,
    min: -1,
    mutable: true,
    help: 'Amphorae that are built at the same time, by all workers; failovers come before creations. -1: any number.',
  }),
  connection_logging: boolean({
    default: true,
    mutable: true,
    help: 'Log connections through listeners, in the amphora.',
  }),
  default_connection_limit: integer({
    default: 50000,
    min: 0,
    mutable: true,
    help: 'Connection limit of HAProxy for a listener without one.',
  }),
  haproxy_stick_size: string({
    default: '10k',
    mutable: true,
    pattern: { regex: /^\d+[kmg]?$/i, description: 'a number, perhaps with k, m or g' },
    help: 'Entries of the stick tables for session persistence.',
  }),
  user_log_format: string({
    default:
      '{{ project_id }} {{ lb_id }} %f %ci %cp %t %{+Q}r %ST %B %U %[ssl_c_verify] %{+Q}[ssl_c_s_dn] %b %s %Tt %tsc',
    mutable: true,
    help: "HAProxy's log-format for connections; {{ project_id }} and {{ lb_id }} are put in.",
  }),
  timeout_client_data: milliseconds(50_000, 'How long a client may be silent.'),
  timeout_member_connect: milliseconds(5_000, 'How long a connection to a member may take.'),
  timeout_member_data: milliseconds(50_000, 'How long a member may be silent.'),
  timeout_tcp_inspect: milliseconds(0, 'How long to wait for more data before a TCP connection is judged.'),
};

/** [health_manager]: where heartbeats come in, and what amphorae are configured to send. */
export const healthManagerOptions = {
  controller_ip_port_list: list({
    default: [],
    mutable: true,
    item: hostAndPort,
    help: 'Where amphorae send their heartbeats, each as address:port.',
  }),
  heartbeat_key: string({
    default: null,
    secret: true,
    mutable: true,
    help: 'Key by which heartbeats are known to be genuine.',
  }),
  heartbeat_interval: integer({
    default: 10,
    unit: 'seconds',
    min: 1,
    mutable: true,
    help: 'Time between two heartbeats of an amphora.',
  }),
  heartbeat_timeout: integer({
    default: 60,
    unit: 'seconds',
    min: 1,
    mutable: true,
    help: 'How long an amphora may be silent before it is examined and, if nothing shows that it lives, failed over. Far longer than heartbeat_interval.',
  }),
  health_check_interval: integer({
    default: 3,
    unit: 'seconds',
    min: 1,
    mutable: true,
    help: 'Pause between two looks for silent amphorae.',
  }),
  failover_threads: integer({
    default: 10,
    min: 1,
    mutable: true,
    help: 'Failovers of silent amphorae that run at the same time, of all controllers together.',
  }),
  failover_threshold: integer({
    default: null,
    min: 0,
    mutable: true,
    help: 'When so many amphorae are silent at once, none is failed over until heartbeats come back or `kiln health resume` is run. 0: none ever. Not set: 5, or a tenth of the amphorae that serve load balancers, if that is more.',
  }),
  sock_rlimit: integer({
    default: 0,
    unit: 'bytes',
    min: 0,
    help: 'Receive buffer of the socket for heartbeats; the system gives no more than net.core.rmem_max. 0: 4 MiB.',
  }),
  bind_ip: ipAddress({ default: '127.0.0.1', help: 'Address that heartbeats are received on.' }),
  bind_port: port({ default: 5555, help: 'UDP port that heartbeats are received on.' }),
};

const facility = { min: 0, max: 7, mutable: true } as const;

/** [amphora_agent]: what the configuration of an agent, and of rsyslog beside it, is made from. */
export const amphoraAgentOptions = {
  agent_server_ca: string({
    default: '/etc/octavia/certs/client_ca.pem',
    mutable: true,
    help: 'Path in the amphora of the authority that the agent trusts.',
  }),
  agent_server_cert: string({
    default: '/etc/octavia/certs/server.pem',
    mutable: true,
    help: "Path in the amphora of the agent's certificate and key.",
  }),
  agent_server_network_dir: string({
    default: null,
    mutable: true,
    help: 'Folder in the amphora for the configuration of network interfaces. Not set: as the image has it.',
  }),
  agent_request_read_timeout: integer({
    default: 180,
    unit: 'seconds',
    min: 0,
    mutable: true,
    help: 'How long the agent lets one request run.',
  }),
  agent_tls_protocol: choice(['SSLv3', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'], {
    default: 'TLSv1.2',
    mutable: true,
    help: 'Oldest TLS version that the agent accepts.',
  }),
  amphora_udp_driver: string({
    default: 'keepalived_lvs',
    mutable: true,
    deprecated: 'agents have no other; leave it out',
    help: "The agent's driver for UDP.",
  }),
  admin_log_targets: list({
    default: [],
    mutable: true,
    item: hostAndPort,
    help: "Log servers for the amphora's own log. The first is used; the others stand in for it. Empty: not forwarded.",
  }),
  tenant_log_targets: list({
    default: [],
    mutable: true,
    item: hostAndPort,
    help: 'Log servers for the traffic log. The first is used; the others stand in for it. Empty: not forwarded.',
  }),
  user_log_facility: integer({ default: 0, ...facility, help: 'LOG_LOCAL facility of the traffic log.' }),
  administrative_log_facility: integer({
    default: 1,
    ...facility,
    help: "LOG_LOCAL facility of the amphora's own log.",
  }),
  log_protocol: choice(['TCP', 'UDP'], { default: 'UDP', mutable: true, help: 'How logs travel.' }),
  log_retry_count: integer({
    default: 5,
    mutable: true,
    help: 'How often rsyslog tries again to reach a log server. -1: for ever.',
  }),
  log_retry_interval: integer({
    default: 2,
    unit: 'seconds',
    min: 0,
    mutable: true,
    help: 'Pause before a log server is tried again.',
  }),
  log_queue_size: integer({
    default: 10000,
    unit: 'messages',
    min: 0,
    mutable: true,
    help: 'How many messages wait for a log server that does not answer.',
  }),
  forward_all_logs: boolean({
    default: false,
    mutable: true,
    help: 'Forward every log of the amphora but the traffic log to admin_log_targets.',
  }),
  disable_local_log_storage: boolean({
    default: false,
    mutable: true,
    help: 'Keep no log in the amphora.',
  }),
};
