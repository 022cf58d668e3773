import { parse } from 'yaml';
import { KilnError } from '../../model/errors.ts';
import type { OpenStackAuthSettings } from './settings.ts';

/** What clouds.yaml or OS_* variables say of a cloud. */
export interface CloudAccess {
  auth: OpenStackAuthSettings;
  regionName: string | null;
  /** public, internal or admin; null where none is named. */
  interface: string | null;
  /** False: certificates are not to be verified. */
  verify: boolean;
  caFile: string | null;
  certFile: string | null;
  keyFile: string | null;
  /** URL of a service by its type, in place of the catalog's; null: the catalog decides. */
  endpointOverride(serviceType: string): string | null;
}

type Environment = Readonly<Record<string, string | undefined>>;
type Fields = Readonly<Record<string, unknown>>;

/**
 * Where openstacksdk looks for clouds.yaml, first to last; the first file that exists is the one.
 * @param home the user's home directory.
 */
export function cloudsYamlPaths(env: Environment, home: string): string[] {
  const configured = env.OS_CLIENT_CONFIG_FILE;
  const folders = ['.', `${env.XDG_CONFIG_HOME || `${home}/.config`}/openstack`, '/etc/openstack'];
  return [...(configured ? [configured] : []), ...folders.map((folder) => `${folder}/clouds.yaml`)];
}

/**
 * One cloud of a clouds.yaml.
 * @param text the file's content.
 * @param cloudName null: OS_CLOUD, else the only cloud that the file has.
 * @param env OS_REGION_NAME, OS_INTERFACE and OS_CACERT of it go before what the file says, as with `openstack`.
 * @param secureText content of the secure.yaml beside it, which adds to the file.
 * Throws CREDENTIALS_MISSING, naming the clouds that there are, or CONFIGURATION_INVALID when it is no such file.
 */
export function authFromCloudsYaml(
  text: string,
  cloudName: string | null,
  env: Environment,
  secureText: string | null = null,
): CloudAccess {
  const clouds = cloudsIn(text, 'clouds.yaml');
  const names = Object.keys(clouds);
  const name = cloudName ?? (env.OS_CLOUD || (names.length === 1 ? names[0] : undefined));
  if (name === undefined) {
    throw new KilnError('CREDENTIALS_MISSING', `clouds.yaml has ${listed(names)}, and none is named`, {
      advice: 'Name one with --os-cloud or OS_CLOUD.',
    });
  }
  const plain = clouds[name];
  if (!plain) throw new KilnError('CREDENTIALS_MISSING', `clouds.yaml has no cloud ${name}; it has ${listed(names)}`);
  const secret = (secureText === null ? undefined : cloudsIn(secureText, 'secure.yaml')[name]) ?? {};

  const cloud: Fields = { ...plain, ...secret };
  // openstacksdk takes the credentials under `auth` or beside it.
  const auth: Fields = { ...cloud, ...optionsOf(plain.auth), ...optionsOf(secret.auth) };
  const verify = cloud.insecure === undefined ? cloud.verify !== false : cloud.insecure !== true;
  if (!auth.auth_url) {
    const profile = cloud.profile ? ` (profiles of vendors, here ${cloud.profile}, are not read)` : '';
    throw new KilnError('CREDENTIALS_MISSING', `Cloud ${name} of clouds.yaml has no auth_url${profile}`);
  }
  return {
    auth: authOf((key) => textOf(auth[key])),
    regionName: env.OS_REGION_NAME || textOf(cloud.region_name) || firstRegion(cloud.regions),
    interface: interfaceOf(env.OS_INTERFACE || textOf(cloud.interface) || textOf(cloud.endpoint_type)),
    verify,
    caFile: env.OS_CACERT || textOf(cloud.cacert),
    certFile: textOf(cloud.cert),
    keyFile: textOf(cloud.key),
    endpointOverride: (serviceType) => textOf(cloud[overrideKey(serviceType)]),
  };
}

/** What the OS_* variables of an openrc file say; null when OS_AUTH_URL is not set. */
export function authFromEnvironment(env: Environment): CloudAccess | null {
  if (!env.OS_AUTH_URL) return null;
  const named = (key: string) => env[`OS_${key.toUpperCase()}`] || null;
  return {
    auth: authOf((key) => named(key) ?? (key.startsWith('project_') ? named(key.replace('project', 'tenant')) : null)),
    regionName: named('region_name'),
    interface: interfaceOf(named('interface') ?? named('endpoint_type')),
    verify: !/^(1|true|yes|on)$/i.test(env.OS_INSECURE ?? ''),
    caFile: named('cacert'),
    certFile: named('cert'),
    keyFile: named('key'),
    endpointOverride: (serviceType) => named(overrideKey(serviceType)),
  };
}

/** As openstacksdk has it: `load_balancer_endpoint_override`. */
const overrideKey = (serviceType: string) => `${serviceType.replaceAll('-', '_')}_endpoint_override`;

/** Reads each credential by its keystoneauth name. Without auth_type it is inferred from what is there. */
function authOf(read: (key: string) => string | null): OpenStackAuthSettings {
  const hasApplicationCredential = read('application_credential_secret') !== null;
  const guessed = hasApplicationCredential ? 'v3applicationcredential' : read('token') ? 'token' : 'password';
  return {
    authUrl: read('auth_url') ?? '',
    authType: read('auth_type') ?? guessed,
    username: read('username'),
    userId: read('user_id'),
    userDomainName: read('user_domain_name'),
    userDomainId: read('user_domain_id'),
    password: read('password'),
    token: read('token'),
    applicationCredentialId: read('application_credential_id'),
    applicationCredentialName: read('application_credential_name'),
    applicationCredentialSecret: read('application_credential_secret'),
    projectName: read('project_name'),
    projectId: read('project_id'),
    projectDomainName: read('project_domain_name'),
    projectDomainId: read('project_domain_id'),
    domainName: read('domain_name'),
    domainId: read('domain_id'),
    systemScope: read('system_scope'),
    defaultDomainName: read('default_domain_name') ?? read('default_domain'),
    defaultDomainId: read('default_domain_id'),
  };
}

function cloudsIn(text: string, file: string): Record<string, Fields> {
  let content: unknown;
  try {
    content = parse(text);
  } catch (cause) {
    // The parser's message quotes the line, and lines of these files hold passwords.
    const line = (cause as { linePos?: { line: number }[] }).linePos?.[0]?.line;
    throw new KilnError('CONFIGURATION_INVALID', `${file} is not YAML${line ? `: see line ${line}` : ''}`);
  }
  const clouds = mappingOf(mappingOf(content).clouds);
  if (Object.keys(clouds).length === 0) throw new KilnError('CONFIGURATION_INVALID', `${file} has no clouds`);
  return Object.fromEntries(Object.entries(clouds).map(([name, cloud]) => [name, optionsOf(cloud)]));
}

function mappingOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

/** The options in a mapping: openstacksdk takes dashes in their names for underscores. */
function optionsOf(value: unknown): Fields {
  return Object.fromEntries(Object.entries(mappingOf(value)).map(([name, one]) => [name.replaceAll('-', '_'), one]));
}

function textOf(value: unknown): string | null {
  return value === undefined || value === null || value === '' ? null : String(value);
}

function firstRegion(regions: unknown): string | null {
  const first: unknown = Array.isArray(regions) ? regions[0] : undefined;
  return textOf(typeof first === 'object' ? mappingOf(first).name : first);
}

function interfaceOf(value: string | null): string | null {
  return value === null ? null : value.replace(/URL$/, '');
}

function listed(names: readonly string[]): string {
  return names.length === 1 ? `the cloud ${names[0]}` : `the clouds ${names.join(', ')}`;
}
