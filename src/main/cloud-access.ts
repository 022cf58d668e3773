import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  authFromCloudsYaml,
  authFromEnvironment,
  type CloudAccess,
  cloudsYamlPaths,
} from '../adapters/openstack/clouds-yaml.ts';
import type {
  OpenStackAuthSettings,
  ServiceEndpointSettings,
  TransportSettings,
} from '../adapters/openstack/settings.ts';
import type { Configuration } from '../config/options/index.ts';
import { KilnError } from '../model/errors.ts';

export const serviceTypes = ['image', 'compute', 'network'] as const;
export type ServiceType = (typeof serviceTypes)[number];

/** Everything that decides how Kiln reaches one service: its credentials, its endpoint, its transport. */
interface ServiceAccess {
  auth: OpenStackAuthSettings;
  endpoint: ServiceEndpointSettings;
  transport: TransportSettings;
}

/** How Kiln reaches the cloud. */
export interface Access {
  /** Keystone, with the credentials that count as "we". */
  identity: { auth: OpenStackAuthSettings; transport: TransportSettings };
  services: Readonly<Record<ServiceType, ServiceAccess>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where the credentials come from: `--os-cloud`, else [service_auth] of octavia.conf, else OS_CLOUD, else OS_AUTH_URL
 * and its kin.
 * @throws CREDENTIALS_MISSING when there are none.
 */
export function findAccess(configuration: Configuration, osCloud: string | null, environment: Environment): Access {
  if (osCloud === null && configuration.service_auth.auth_url) return accessFromConfiguration(configuration);
  const access =
    osCloud !== null || environment.OS_CLOUD ? fromCloudsYaml(osCloud, environment) : authFromEnvironment(environment);
  if (!access) {
    throw new KilnError(
      'CREDENTIALS_MISSING',
      'no credentials: [service_auth] auth_url is not set, nor is OS_CLOUD or OS_AUTH_URL',
    );
  }
  return accessFromCloud(access, configuration);
}

/** The ServiceAccess that `service` has by octavia.conf; what it does not say itself is [service_auth]'s. */
function accessFromConfiguration(configuration: Configuration): Access {
  const { service_auth: common, glance, nova, neutron } = configuration;
  const auth = authOf(common);
  const transport = transportOf(configuration, common);
  const interfacesOf = (own: string | null) => (own ? [own] : common.valid_interfaces);
  const simple = (serviceType: ServiceType, own: typeof glance | typeof nova): ServiceAccess => ({
    auth,
    endpoint: {
      serviceType,
      serviceName: own.service_name,
      regionName: own.region_name ?? common.region_name,
      interfaces: interfacesOf(own.endpoint_type),
      endpointOverride: own.endpoint,
    },
    transport: {
      ...transport,
      caFile: own.ca_certificates_file ?? transport.caFile ?? null,
      insecure: own.insecure ?? transport.insecure ?? false,
    },
  });
  return {
    identity: { auth, transport },
    services: {
      image: simple('image', glance),
      compute: simple('compute', nova),
      network: {
        auth: { ...auth, ...withoutNull(authOf(neutron)) },
        endpoint: {
          serviceType: 'network',
          serviceName: neutron.service_name,
          regionName: neutron.region_name ?? common.region_name,
          interfaces:
            neutron.valid_interfaces.length > 0 ? neutron.valid_interfaces : interfacesOf(neutron.endpoint_type),
          endpointOverride: neutron.endpoint_override ?? neutron.endpoint,
        },
        transport: {
          ...transport,
          caFile: neutron.cafile ?? neutron.ca_certificates_file ?? transport.caFile ?? null,
          insecure: neutron.insecure ?? transport.insecure ?? false,
          certFile: neutron.certfile ?? transport.certFile ?? null,
          keyFile: neutron.keyfile ?? transport.keyFile ?? null,
        },
      },
    },
  };
}

function accessFromCloud(access: CloudAccess, configuration: Configuration): Access {
  const transport: TransportSettings = {
    ...timeLimits(configuration),
    caFile: access.caFile,
    insecure: !access.verify,
    certFile: access.certFile,
    keyFile: access.keyFile,
  };
  const service = (serviceType: ServiceType): ServiceAccess => ({
    auth: access.auth,
    endpoint: {
      serviceType,
      regionName: access.regionName,
      interfaces: access.interface ? [access.interface] : [],
    },
    transport,
  });
  return {
    identity: { auth: access.auth, transport },
    services: { image: service('image'), compute: service('compute'), network: service('network') },
  };
}

function fromCloudsYaml(osCloud: string | null, environment: Environment): CloudAccess {
  const paths = cloudsYamlPaths(environment, environment.HOME ?? homedir());
  const file = paths.find((path) => existsSync(path));
  if (!file) {
    throw new KilnError('CREDENTIALS_MISSING', `there is no clouds.yaml; looked for ${paths.join(', ')}`, {
      advice: 'Write one, or name it in OS_CLIENT_CONFIG_FILE.',
    });
  }
  const secure = join(dirname(file), 'secure.yaml');
  return authFromCloudsYaml(
    readFileSync(file, 'utf8'),
    osCloud,
    environment,
    existsSync(secure) ? readFileSync(secure, 'utf8') : null,
  );
}

type KeystoneOptions = Omit<Configuration['service_auth'], never>;

function authOf(options: KeystoneOptions): OpenStackAuthSettings {
  return {
    authUrl: options.auth_url ?? '',
    authType: options.auth_type ?? '',
    username: options.username,
    userId: options.user_id,
    userDomainName: options.user_domain_name,
    userDomainId: options.user_domain_id,
    password: options.password,
    token: options.token,
    applicationCredentialId: options.application_credential_id,
    applicationCredentialName: options.application_credential_name,
    applicationCredentialSecret: options.application_credential_secret,
    projectName: options.project_name,
    projectId: options.project_id,
    projectDomainName: options.project_domain_name,
    projectDomainId: options.project_domain_id,
    domainName: options.domain_name,
    domainId: options.domain_id,
    systemScope: options.system_scope,
    defaultDomainName: options.default_domain_name,
    defaultDomainId: options.default_domain_id,
  };
}

function withoutNull(auth: OpenStackAuthSettings): Partial<OpenStackAuthSettings> {
  return Object.fromEntries(Object.entries(auth).filter(([, value]) => value !== null && value !== ''));
}

function transportOf(configuration: Configuration, common: KeystoneOptions): TransportSettings {
  return {
    ...timeLimits(configuration),
    caFile: common.cafile,
    insecure: common.insecure ?? false,
    certFile: common.certfile,
    keyFile: common.keyfile,
  };
}

function timeLimits({ kiln }: Configuration): TransportSettings {
  return {
    connectTimeoutSeconds: kiln.service_connect_timeout_seconds,
    requestTimeoutSeconds: kiln.service_request_timeout_seconds,
  };
}
