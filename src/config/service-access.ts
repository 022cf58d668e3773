import type { Configuration } from './options/index.ts';

/** Services that Kiln talks to, by their type in the catalog. */
export type ServiceType = 'identity' | 'image' | 'compute' | 'network';

/** Credentials as configured, in keystoneauth's names. What is not set is null, or empty where it must be set. */
export interface ServiceCredentials {
  readonly authType: string;
  readonly authUrl: string;
  readonly username: string | null;
  readonly userId: string | null;
  readonly userDomainName: string | null;
  readonly userDomainId: string | null;
  readonly password: string | null;
  readonly token: string | null;
  readonly applicationCredentialId: string | null;
  readonly applicationCredentialName: string | null;
  readonly applicationCredentialSecret: string | null;
  readonly projectName: string | null;
  readonly projectId: string | null;
  readonly projectDomainName: string | null;
  readonly projectDomainId: string | null;
  readonly domainName: string | null;
  readonly domainId: string | null;
  readonly systemScope: string | null;
  readonly defaultDomainName: string | null;
  readonly defaultDomainId: string | null;
}

/** All that is configured about reaching one service. */
export interface ServiceAccess {
  readonly auth: ServiceCredentials;
  readonly endpoint: {
    readonly serviceType: ServiceType;
    readonly serviceName: string | null;
    readonly regionName: string | null;
    /** public, internal or admin, in order of preference; empty means public. */
    readonly interfaces: readonly string[];
    readonly endpointOverride: string | null;
  };
  readonly transport: {
    readonly caFile: string | null;
    readonly insecure: boolean;
    readonly certFile: string | null;
    readonly keyFile: string | null;
    readonly connectTimeoutSeconds: number;
    readonly requestTimeoutSeconds: number;
  };
}

type KeystoneSection = Configuration['service_auth'];
type Credentials = Omit<KeystoneSection, 'region_name' | 'valid_interfaces'>;

/**
 * Who Kiln is at a service and how it gets there, with Octavia's rules (octavia/common/keystone.py, clients.py,
 * config.py handle_neutron_deprecations):
 *
 * - Glance and Nova are used with the credentials of [service_auth]; their own sections say where they are, and may
 *   name other authorities to trust. The region alone is taken from [service_auth] too, which Octavia does not do;
 * - [neutron] may hold credentials of its own. When it names an `auth_url` they stand alone, `auth_type` excepted;
 *   else each option that it leaves out is taken from [service_auth]. With `auth_section = service_auth` its own
 *   credentials do not count;
 * - [keystone_authtoken] is who asks Keystone about the tokens of callers; the same rule holds for its credentials;
 * - `endpoint`, `endpoint_type` and `ca_certificates_file` of [neutron] count where their successors are not set.
 */
export function resolveServiceAccess(config: Configuration, service: ServiceType): ServiceAccess {
  if (service === 'network') return resolveNeutron(config);
  const auth = config.service_auth;
  const section = service === 'image' ? config.glance : service === 'compute' ? config.nova : null;
  return {
    auth: readCredentials(auth),
    endpoint: {
      serviceType: service,
      serviceName: section?.service_name ?? null,
      regionName: section?.region_name ?? auth.region_name,
      interfaces: section ? [plainInterface(section.endpoint_type)] : auth.valid_interfaces,
      endpointOverride: section?.endpoint ?? null,
    },
    transport: {
      ...readTransport(config, auth),
      caFile: section?.ca_certificates_file ?? auth.cafile,
      insecure: section?.insecure ?? auth.insecure ?? false,
    },
  };
}

function resolveNeutron(config: Configuration): ServiceAccess {
  const { neutron, service_auth: shared } = config;
  const own = {
    ...neutron,
    cafile: neutron.cafile ?? neutron.ca_certificates_file,
    valid_interfaces:
      neutron.valid_interfaces.length === 0 && neutron.endpoint_type
        ? [plainInterface(neutron.endpoint_type)]
        : neutron.valid_interfaces,
  };
  const auth = besides(own, shared);
  return {
    auth: readCredentials(own.auth_section === null ? auth : shared),
    endpoint: {
      serviceType: 'network',
      serviceName: own.service_name,
      regionName: auth.region_name,
      interfaces: auth.valid_interfaces,
      endpointOverride: own.endpoint_override ?? own.endpoint,
    },
    transport: readTransport(config, auth),
  };
}

/** Who asks Keystone about the tokens of callers, and how it gets there. */
export function resolveTokenAccess(config: Configuration): Pick<ServiceAccess, 'auth' | 'transport'> {
  const { keystone_authtoken: own, service_auth: shared } = config;
  const auth = besides(own, shared);
  return {
    auth: readCredentials(own.auth_section === null ? auth : shared),
    transport: readTransport(config, auth),
  };
}

/** Credentials that stand alone where they name an `auth_url`, `auth_type` excepted; else what they lack is taken from `shared`. */
function besides<Section extends Credentials>(own: Section, shared: KeystoneSection): KeystoneSection & Section {
  return own.auth_url === null || own.auth_section !== null
    ? inherit(own, shared)
    : { ...shared, ...own, auth_type: own.auth_type ?? shared.auth_type };
}

/** Options that are not set in `own` are taken from `shared`. */
function inherit<Section extends Credentials>(own: Section, shared: KeystoneSection): KeystoneSection & Section {
  const isSet = ([, value]: [string, unknown]): boolean => value !== null && !(Array.isArray(value) && !value.length);
  return { ...own, ...shared, ...Object.fromEntries(Object.entries(own).filter(isSet)) };
}

function readTransport(config: Configuration, auth: Credentials): ServiceAccess['transport'] {
  return {
    caFile: auth.cafile,
    insecure: auth.insecure ?? false,
    certFile: auth.certfile,
    keyFile: auth.keyfile,
    connectTimeoutSeconds: config.kiln.service_connect_timeout_seconds,
    requestTimeoutSeconds: config.kiln.service_request_timeout_seconds,
  };
}

function readCredentials(auth: Credentials): ServiceCredentials {
  return {
    authType: auth.auth_type ?? '',
    authUrl: auth.auth_url ?? '',
    username: auth.username,
    userId: auth.user_id,
    userDomainName: auth.user_domain_name,
    userDomainId: auth.user_domain_id,
    password: auth.password,
    token: auth.token,
    applicationCredentialId: auth.application_credential_id,
    applicationCredentialName: auth.application_credential_name,
    applicationCredentialSecret: auth.application_credential_secret,
    projectName: auth.project_name,
    projectId: auth.project_id,
    projectDomainName: auth.project_domain_name,
    projectDomainId: auth.project_domain_id,
    domainName: auth.domain_name,
    domainId: auth.domain_id,
    systemScope: auth.system_scope,
    defaultDomainName: auth.default_domain_name,
    defaultDomainId: auth.default_domain_id,
  };
}

/** publicURL → public. */
function plainInterface(endpointType: string): string {
  return endpointType.replace(/URL$/, '');
}
