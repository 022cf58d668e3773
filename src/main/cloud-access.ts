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
  RetrySettings,
  ServiceEndpointSettings,
  TransportSettings,
} from '../adapters/openstack/settings.ts';
import type { Configuration } from '../config/options/index.ts';
import { resolveServiceAccess, resolveTokenAccess } from '../config/service-access.ts';
import { KilnError } from '../model/errors.ts';
import { retrySettings, timeLimits } from './settings/cloud-settings.ts';

export const serviceTypes = ['image', 'compute', 'network', 'load-balancer'] as const;
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
  /** Keystone, as who asks it about the tokens of the API's callers. */
  tokens: Access['identity'];
  /** How operations, for which nobody waits, try again. */
  patience: Readonly<Record<'compute' | 'network', Partial<RetrySettings>>>;
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

function accessFromConfiguration(configuration: Configuration): Access {
  const access = (type: Exclude<ServiceType, 'load-balancer'>) => resolveServiceAccess(configuration, type);
  const identity = resolveServiceAccess(configuration, 'identity');
  return {
    identity,
    services: {
      image: access('image'),
      compute: access('compute'),
      network: access('network'),
      // octavia.conf does not say where Octavia is: as whom Kiln is at Keystone, and by the catalog.
      'load-balancer': { ...identity, endpoint: { ...identity.endpoint, serviceType: 'load-balancer' } },
    },
    tokens: resolveTokenAccess(configuration),
    patience: patienceOf(configuration),
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
      endpointOverride: access.endpointOverride(serviceType),
    },
    transport,
  });
  return {
    identity: { auth: access.auth, transport },
    services: {
      image: service('image'),
      compute: service('compute'),
      network: service('network'),
      'load-balancer': service('load-balancer'),
    },
    tokens: { auth: access.auth, transport },
    patience: patienceOf(configuration),
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

function patienceOf({ compute, networking }: Configuration): Access['patience'] {
  return { compute: retrySettings(compute), network: retrySettings(networking) };
}
