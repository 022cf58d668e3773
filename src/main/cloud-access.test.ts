import { describe, expect, it } from 'vitest';
import { loadConfiguration } from '../config/load.ts';
import type { Option } from '../config/option.ts';
import { type Declarations, declarations } from '../config/options/index.ts';
import { findAccess } from './cloud-access.ts';

const shared = {
  OS_SERVICE_AUTH__AUTH_URL: 'http://keystone',
  OS_SERVICE_AUTH__AUTH_TYPE: 'password',
  OS_SERVICE_AUTH__USERNAME: 'octavia',
};
const accessWith = (environment: Record<string, string>) => {
  const { config } = loadConfiguration({ configFiles: [], configDirs: [], environment: { ...shared, ...environment } });
  return findAccess(config, null, {});
};

/** A value that is allowed and is not what is in force. */
function another(declared: Option<unknown>): string {
  const candidates = ['token', 'admin', 'adminURL', 'true', 'service_auth', '7', 'another'];
  const found = candidates.find((text) => 'value' in declared.parse(text));
  if (found === undefined) throw new Error(`no value for an option that allows: ${declared.allowed}`);
  return found;
}

/** Sections whose declarations are shared: that one of them is read says nothing of the others. */
const sections = ['service_auth', 'neutron', 'keystone_authtoken', 'glance', 'nova', 'compute', 'networking'] as const;
/** What is no matter of how a service is reached; options-are-read.test.ts sees to these. */
const elsewhere = new Set([
  'www_authenticate_uri',
  'token_cache_time',
  'availability_zone',
  'random_amphora_name_length',
  'enable_anti_affinity',
  'anti_affinity_policy',
  'port_detach_timeout',
  ...Object.keys(declarations.networking).filter((name) => /^(allow_|valid_|denylist_|reserved_)/.test(name)),
]);

const options = sections.flatMap((section) =>
  Object.entries<Option<unknown>>((declarations as Declarations)[section] ?? {})
    .filter(([name]) => !elsewhere.has(name))
    // It may name no section but its own.
    .filter(([name]) => !(section === 'service_auth' && name === 'auth_section'))
    .map(([name, declared]) => ({ section, name, declared })),
);

describe('each option changes how Kiln reaches the cloud', () => {
  it.each(options)('[$section] $name', ({ section, name, declared }) => {
    const variable = (option: string) => `OS_${section.toUpperCase()}__${option.toUpperCase()}`;
    // Some options count only where the section stands alone, or where it does not.
    const settings = [{}, { [variable('auth_url')]: 'http://own', [variable('username')]: 'own' }];
    const changes = settings.map((base) => {
      const before = Object.hasOwn(declarations[section], 'auth_url') ? base : {};
      return [accessWith({ ...before }), accessWith({ ...before, [variable(name)]: another(declared) })];
    });
    expect(changes.some(([before, after]) => JSON.stringify(before) !== JSON.stringify(after))).toBe(true);
  });
});

it('tokens of callers are asked about by [keystone_authtoken], and what it lacks by [service_auth]', () => {
  const own = accessWith({
    OS_KEYSTONE_AUTHTOKEN__AUTH_URL: 'http://own',
    OS_KEYSTONE_AUTHTOKEN__USERNAME: 'checker',
    OS_KEYSTONE_AUTHTOKEN__CAFILE: '/own.pem',
  });
  expect(own.tokens.auth).toMatchObject({ authUrl: 'http://own', username: 'checker', authType: 'password' });
  expect(own.tokens.transport.caFile).toBe('/own.pem');
  expect(own.identity.auth).toMatchObject({ authUrl: 'http://keystone', username: 'octavia' });
  expect(accessWith({ OS_KEYSTONE_AUTHTOKEN__WWW_AUTHENTICATE_URI: 'http://public' }).tokens.auth).toEqual(
    own.identity.auth,
  );
});

it('operations try again as [networking] and [compute] say', () => {
  const { patience } = accessWith({ OS_NETWORKING__MAX_RETRIES: '3', OS_COMPUTE__RETRY_INTERVAL: '4' });
  expect(patience).toEqual({
    network: { maxAttempts: 3, firstDelaySeconds: 1, minDelaySeconds: 1, maxDelaySeconds: 10 },
    compute: { maxAttempts: 15, firstDelaySeconds: 1, minDelaySeconds: 4, maxDelaySeconds: 10 },
  });
});
