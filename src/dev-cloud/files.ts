import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { writeFileAtomicallySync } from '../lib/atomic-files.ts';
import type { AuthorityFiles } from './authorities.ts';
import { regionId } from './identity/catalog.ts';
import type { SeededUser } from './seed.ts';

/** A user of the cloud, with what a client needs to log in. */
export interface CloudAccount {
  /** Keystone, with its version: `http://127.0.0.1:PORT/identity/v3`. */
  authUrl: string;
  userName: string;
  /** A secret. */
  password: string;
  projectName: string;
  projectId: string;
  /** Of user and project. */
  domainName: string;
}

/** What octavia.conf names. Null or empty: the cloud has no such thing, and the option is left out. */
export interface ConfigurationFacts {
  stateDirectory: string;
  account: CloudAccount;
  flavorId: string | null;
  networkIds: readonly string[];
  securityGroupIds: readonly string[];
  keyName: string;
  authorities: AuthorityFiles;
  caKeyPassphrase: string;
  heartbeatKey: string;
  /** Where Kiln shall serve its API (TCP) and take heartbeats (UDP), on `kilnHost`. */
  apiPort: number;
  heartbeatPort: number;
}

/** Kiln and its amphorae are all on this machine. */
export const kilnHost = '127.0.0.1';

export interface ClientFiles {
  /** clouds.yaml with kiln-dev, kiln-dev-admin and kiln-dev-demo. */
  cloudsFile: string;
  /** octavia.conf for Kiln. */
  configurationFile: string;
  /** Where Kiln's API listens, by octavia.conf: `http://127.0.0.1:PORT`. */
  apiUrl: string;
  /** What was done to files that were there before, for people. */
  notices: string[];
}

/** Names of the clouds in clouds.yaml. */
export const cloudNames = {
  kiln: 'kiln-dev',
  admin: 'kiln-dev-admin',
  demo: 'kiln-dev-demo',
} as const satisfies Record<SeededUser, string>;

/**
 * Writes clouds.yaml and octavia.conf into the state folder. A file that is there keeps what its owner changed: it is
 * only touched when the cloud's URL moved, and then only the URL in it. `isNewCloud`: such files are of a cloud that is
 * gone, and are put aside.
 */
export function writeClientFiles(
  url: string,
  accounts: Record<SeededUser, CloudAccount>,
  facts: ConfigurationFacts,
  isNewCloud: boolean,
): ClientFiles {
  const files = {
    cloudsFile: join(facts.stateDirectory, 'clouds.yaml'),
    configurationFile: join(facts.stateDirectory, 'octavia.conf'),
  };
  const notices = [
    ...(isNewCloud ? Object.values(files).map(putAside) : []),
    keepOrWrite(files.cloudsFile, url, () => cloudsYaml(accounts)),
    keepOrWrite(files.configurationFile, url, () => octaviaConf(facts)),
    addApiSettings(files.configurationFile, facts),
  ];
  return {
    ...files,
    apiUrl: apiUrlIn(readFileSync(files.configurationFile, 'utf8')),
    notices: notices.filter((notice) => notice !== null),
  };
}

/** Octavia's defaults (octavia/common/config.py) for a file that doesn't say; the last value wins, as everywhere. */
function apiUrlIn(octaviaConf: string): string {
  let [section, host, port] = ['', kilnHost, '9876'];
  for (const line of octaviaConf.split('\n')) {
    section = /^\[(.+)\]\s*$/.exec(line)?.[1] ?? section;
    const [, name, value = ''] = /^(bind_host|bind_port)\s*[=:]\s*(\S+)\s*$/.exec(line) ?? [];
    if (section !== 'api_settings') continue;
    if (name === 'bind_host') host = value;
    if (name === 'bind_port') port = value;
  }
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function putAside(file: string): string | null {
  if (!existsSync(file)) return null;
  renameSync(file, `${file}.old`);
  return `${file} was of a cloud whose state is gone; it is now ${file}.old.`;
}

/** Files from before Kiln had an API name no port for it: two clouds on one machine would meet on the default. */
function addApiSettings(file: string, { apiPort }: ConfigurationFacts): string | null {
  const present = readFileSync(file, 'utf8');
  if (/^\[api_settings\]/m.test(present)) return null;
  writeFileAtomicallySync(
    file,
    `${present.trimEnd()}\n\n[api_settings]\nbind_host = ${kilnHost}\nbind_port = ${apiPort}\n`,
  );
  return `${file} now says where the load-balancer API listens: [api_settings] bind_port = ${apiPort}.`;
}

const header = '# Written by `kiln dev` for the cloud at ';

function keepOrWrite(file: string, url: string, content: () => string): string | null {
  if (!existsSync(file)) {
    writeFileAtomicallySync(file, `${header}${url}\n${content()}`);
    return null;
  }
  const present = readFileSync(file, 'utf8');
  const previousUrl = new RegExp(`^${header}(\\S+)$`, 'm').exec(present)?.[1];
  if (previousUrl === undefined || previousUrl === url) return null;
  // Not a prefix of another port.
  const everyUrl = new RegExp(`${previousUrl.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?!\\d)`, 'g');
  writeFileAtomicallySync(file, present.replace(everyUrl, url));
  return `The cloud moved from ${previousUrl} to ${url}: ${file} was changed to say so, and is otherwise as it was.`;
}

function cloudsYaml(accounts: Record<SeededUser, CloudAccount>): string {
  const clouds = Object.entries(accounts).map(([user, account]) => [
    cloudNames[user as SeededUser],
    {
      auth: {
        auth_url: account.authUrl,
        username: account.userName,
        password: account.password,
        project_name: account.projectName,
        user_domain_name: account.domainName,
        project_domain_name: account.domainName,
      },
      region_name: regionId,
      identity_api_version: 3,
    },
  ]);
  return stringify({ clouds: Object.fromEntries(clouds) as unknown });
}

type Section = Record<string, string | number | boolean | null>;

function octaviaConf(facts: ConfigurationFacts): string {
  const { account, authorities } = facts;
  const list = (ids: readonly string[]) => (ids.length > 0 ? ids.join(', ') : null);
  const sections: Record<string, Section> = {
    service_auth: {
      auth_type: 'password',
      auth_url: account.authUrl,
      username: account.userName,
      password: account.password,
      project_name: account.projectName,
      user_domain_name: account.domainName,
      project_domain_name: account.domainName,
      region_name: regionId,
    },
    controller_worker: {
      amp_image_tag: 'amphora',
      amp_flavor_id: facts.flavorId,
      amp_boot_network_list: list(facts.networkIds),
      amp_secgroup_list: list(facts.securityGroupIds),
      amp_ssh_key_name: facts.keyName,
      // Servers of this cloud are local processes: they are there at once, or never.
      amp_active_retries: 60,
      amp_active_wait_sec: 1,
      client_ca: authorities.clientCa,
    },
    haproxy_amphora: {
      client_cert: authorities.clientCertificate,
      server_ca: authorities.serverCa,
      connection_max_retries: 30,
      connection_retry_interval: 1,
    },
    certificates: {
      ca_certificate: authorities.serverCa,
      ca_private_key: authorities.serverCaKey,
      ca_private_key_passphrase: facts.caKeyPassphrase,
    },
    api_settings: { bind_host: kilnHost, bind_port: facts.apiPort },
    health_manager: {
      bind_ip: kilnHost,
      bind_port: facts.heartbeatPort,
      controller_ip_port_list: `${kilnHost}:${facts.heartbeatPort}`,
      heartbeat_key: facts.heartbeatKey,
      heartbeat_interval: 3,
    },
    kiln: { state_path: join(facts.stateDirectory, 'kiln') },
  };
  const lines = Object.entries(sections).map(([name, options]) => {
    const set = Object.entries(options).filter(([, value]) => value !== null);
    // `$` starts a substitution in such files.
    return [`[${name}]`, ...set.map(([key, value]) => `${key} = ${String(value).replaceAll('$', '$$$$')}`)].join('\n');
  });
  return `\n${lines.join('\n\n')}\n`;
}
