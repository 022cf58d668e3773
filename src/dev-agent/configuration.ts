import { isTlsProtocol, type MinTlsVersion, minTlsVersions } from '../model/tls.ts';

/** The part of amphora-agent.conf that the agent acts on. Paths are as inside the amphora. */
export interface AgentConfiguration {
  /** [amphora_agent] amphora_id. */
  amphoraId: string;
  bindHost: string;
  bindPort: number;
  /** PEM of the CA whose certificates controllers show. */
  agentServerCa: string;
  /** PEM of this agent's certificate and its key. */
  agentServerCert: string;
  agentRequestReadTimeoutSeconds: number;
  /** Lowest TLS version that is spoken. */
  minTlsVersion: MinTlsVersion;
  haproxyCmd: string;
  /** [haproxy_amphora] base_path and base_cert_dir: where the agent keeps what it is sent. */
  basePath: string;
  baseCertDir: string;
  /** [amphora_agent] agent_server_network_dir: how interfaces are configured. */
  networkFolder: string;
  heartbeat: HeartbeatConfiguration;
  /** [controller_worker] loadbalancer_topology: whether VIPs are for whoever of a pair is MASTER. */
  isOfPair: boolean;
}

/** [health_manager]. */
export interface HeartbeatConfiguration {
  /** Where heartbeats go, one after the other. None: nobody wants any. */
  controllers: ReadonlyArray<{ host: string; port: number }>;
  intervalSeconds: number;
  /** A secret. Null when none is configured. */
  key: string | null;
}

/** Section → option → value as it stands in the file, the last one where an option is repeated. */
type IniFile = Map<string, Map<string, string>>;

/**
 * Reads amphora-agent.conf as a controller writes it, Octavia or Kiln; absent options have Octavia's defaults.
 * Throws an Error whose message names line or option, and what is allowed.
 */
export function parseAgentConfiguration(text: string): AgentConfiguration {
  const file = parseIni(text);
  const option = (section: string, name: string, otherwise?: string): string => {
    const value = file.get(section)?.get(name) ?? otherwise;
    if (value === undefined || value === '') throw new Error(`[${section}] ${name} is not set`);
    return value;
  };
  const integer = (section: string, name: string, otherwise: string, min: number, max: number): number => {
    const value = option(section, name, otherwise);
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= min && number <= max) return number;
    throw new Error(`[${section}] ${name} is "${value}"; allowed is an integer from ${min} to ${max}`);
  };
  const protocol = option('amphora_agent', 'agent_tls_protocol', 'TLSv1.2');
  if (!isTlsProtocol(protocol)) {
    const allowed = Object.keys(minTlsVersions).join(', ');
    throw new Error(`[amphora_agent] agent_tls_protocol is "${protocol}"; allowed are ${allowed}`);
  }
  return {
    amphoraId: option('amphora_agent', 'amphora_id'),
    bindHost: option('haproxy_amphora', 'bind_host', '::'),
    bindPort: integer('haproxy_amphora', 'bind_port', '9443', 0, 65535),
    agentServerCa: option('amphora_agent', 'agent_server_ca', '/etc/octavia/certs/client_ca.pem'),
    agentServerCert: option('amphora_agent', 'agent_server_cert', '/etc/octavia/certs/server.pem'),
    agentRequestReadTimeoutSeconds: integer('amphora_agent', 'agent_request_read_timeout', '180', 0, 86_400),
    minTlsVersion: minTlsVersions[protocol],
    haproxyCmd: option('haproxy_amphora', 'haproxy_cmd', '/usr/sbin/haproxy'),
    basePath: option('haproxy_amphora', 'base_path', '/var/lib/octavia'),
    baseCertDir: option('haproxy_amphora', 'base_cert_dir', '/var/lib/octavia/certs'),
    networkFolder: option('amphora_agent', 'agent_server_network_dir', '/etc/octavia/interfaces'),
    isOfPair: option('controller_worker', 'loadbalancer_topology', 'SINGLE') === 'ACTIVE_STANDBY',
    heartbeat: {
      controllers: parseControllers(file.get('health_manager')?.get('controller_ip_port_list') ?? ''),
      intervalSeconds: integer('health_manager', 'heartbeat_interval', '10', 1, 86_400),
      key: file.get('health_manager')?.get('heartbeat_key') ?? null,
    },
  };
}

/** `host:port`, comma-separated; IPv6 addresses may stand in brackets. The last colon is the one before the port. */
function parseControllers(list: string): Array<{ host: string; port: number }> {
  return list
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
    .map((item) => {
      const [, host, digits] = /^\[?(.+?)\]?:(\d{1,5})$/.exec(item) ?? [];
      const port = Number(digits);
      if (host && port >= 1 && port <= 65535) return { host, port };
      throw new Error(`[health_manager] controller_ip_port_list has "${item}"; allowed is address:port`);
    });
}

/**
 * The dialect of oslo.config as far as controllers write it into amphorae: sections, comments, continuation lines,
 * one pair of quotes around a value, `$$` for a dollar sign.
 */
export function parseIni(text: string): IniFile {
  const sections: IniFile = new Map();
  let section: Map<string, string> | null = null;
  let name: string | null = null;
  for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) {
    const where = `line ${index + 1}`;
    if (line.trim() === '') {
      name = null;
    } else if (/^[#;]/.test(line)) {
      // A comment does not end a continued value.
    } else if (/^\s/.test(line)) {
      if (!section || name === null) throw new Error(`${where} continues no option: ${line.trim()}`);
      section.set(name, `${section.get(name)}\n${undouble(line.trim())}`);
    } else if (line.startsWith('[')) {
      const title = /^\[([^\]]+)\]\s*$/.exec(line)?.[1];
      if (!title) throw new Error(`${where} is not a section: ${line.trim()}`);
      section = sections.get(title) ?? new Map();
      sections.set(title, section);
      name = null;
    } else {
      const parts = /^([^=:]+?)\s*[=:]\s*(.*)$/.exec(line);
      if (!parts?.[1]) throw new Error(`${where} is neither a section nor "name = value"`);
      if (!section) throw new Error(`${where} stands before the first section: ${parts[1]}`);
      name = parts[1];
      section.set(name, undouble(unquote((parts[2] ?? '').trim())));
    }
  }
  return sections;
}

function unquote(value: string): string {
  const quoted = value.length > 1 && /^["']/.test(value) && value.at(0) === value.at(-1);
  return quoted ? value.slice(1, -1) : value;
}

function undouble(value: string): string {
  return value.replaceAll('$$', '$');
}
