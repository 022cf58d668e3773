import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { startKiln } from './kiln-process.ts';
import type { TestbedAccess } from './testbed-access.ts';

/** A `kiln serve` whose load-balancer API answers. */
export interface KilnApi {
  endpoint: string;
  pid: number;
  configurationFile: string;
  stop(): Promise<void>;
}

/** octavia.conf by section; the sections given replace or add to the usual options. */
type Sections = Record<string, Record<string, string>>;

interface KilnApiOptions {
  /** Its database; the embedded one unless given. */
  connection?: string;
  sections?: Sections;
}

/** Starts `kiln serve` with the test bed's Keystone and drivers that touch no cloud, as the test bed's Octavia has them. */
export async function startKilnApi(bed: TestbedAccess, folder: string, options: KilnApiOptions = {}): Promise<KilnApi> {
  const { endpoint, configurationFile } = await configureKilnApi(bed, folder, options);
  const kiln = startKiln(['serve', '--config-file', configurationFile]);
  await kiln.line(/"serving"/);
  return {
    endpoint,
    pid: kiln.child.pid ?? 0,
    configurationFile,
    stop: async () => void (await kiln.stop()),
  };
}

/** Writes what `startKilnApi` starts `kiln serve` with. */
export async function configureKilnApi(
  bed: TestbedAccess,
  folder: string,
  { connection, sections = {} }: KilnApiOptions = {},
): Promise<{ endpoint: string; configurationFile: string }> {
  const port = await freePort();
  const heartbeatPort = await freePort();
  const { kiln: user } = bed.users;
  const { certificates: certs } = bed.files;
  const login = {
    auth_type: 'password',
    auth_url: bed.endpoints.identity,
    username: user.name,
    password: user.password,
    project_name: user.projectName,
    user_domain_name: user.domainName,
    project_domain_name: user.domainName,
  };
  const usual: Sections = {
    DEFAULT: {},
    kiln: { state_path: join(folder, `kiln-${port}`) },
    database: connection === undefined ? {} : { connection },
    api_settings: {
      bind_host: '127.0.0.1',
      bind_port: String(port),
      api_base_uri: `http://127.0.0.1:${port}`,
      auth_strategy: 'keystone',
      healthcheck_enabled: 'true',
    },
    service_auth: login,
    keystone_authtoken: { www_authenticate_uri: bed.endpoints.identity },
    controller_worker: {
      amphora_driver: 'amphora_noop_driver',
      compute_driver: 'compute_noop_driver',
      network_driver: 'network_noop_driver',
      image_driver: 'image_noop_driver',
      volume_driver: 'volume_noop_driver',
      loadbalancer_topology: 'SINGLE',
      amp_image_tag: 'amphora',
      amp_flavor_id: '65',
      client_ca: join(certs, 'client_ca.cert.pem'),
    },
    certificates: {
      cert_generator: 'local_cert_generator',
      ca_certificate: join(certs, 'server_ca.cert.pem'),
      ca_private_key: join(certs, 'server_ca.key.pem'),
      ca_private_key_passphrase: 'testbed',
    },
    haproxy_amphora: {
      client_cert: join(certs, 'client.cert-and-key.pem'),
      server_ca: join(certs, 'server_ca.cert.pem'),
    },
    health_manager: {
      bind_ip: '127.0.0.1',
      bind_port: String(heartbeatPort),
      controller_ip_port_list: `127.0.0.1:${heartbeatPort}`,
      heartbeat_key: 'testbed',
    },
  };
  mkdirSync(folder, { recursive: true });
  const configurationFile = join(folder, `octavia-${port}.conf`);
  const names = [...new Set([...Object.keys(usual), ...Object.keys(sections)])];
  const text = names
    .map((name) => {
      const options = Object.entries({ ...usual[name], ...sections[name] });
      return [`[${name}]`, ...options.map(([option, value]) => `${option} = ${value}`), ''].join('\n');
    })
    .join('\n');
  writeFileSync(configurationFile, text, { mode: 0o600 });
  return { endpoint: `http://127.0.0.1:${port}`, configurationFile };
}
