import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestbedAccess } from '../kit/testbed-access.ts';

/** Where Debian's Tempest finds its tests, those of its plugins among them. */
const TEMPEST = '/usr/lib/python3/dist-packages/tempest';

/** tempest.conf by section. */
type Sections = Record<string, Record<string, string>>;

/**
 * A folder to run Tempest in: users of its own for each class of tests, real Keystone, and a load-balancer API in `region`,
 * which is taken for one whose drivers touch no cloud.
 * @param more sections of other plugins.
 */
export function writeWorkspace(folder: string, bed: TestbedAccess, region: string, more: Sections = {}): void {
  const { admin } = bed.users;
  const sections: Sections = {
    ...more,
    DEFAULT: { log_dir: folder, log_file: 'tempest.log' },
    oslo_concurrency: { lock_path: join(folder, 'lock') },
    auth: {
      use_dynamic_credentials: 'true',
      create_isolated_networks: 'false',
      admin_username: admin.name,
      admin_password: admin.password,
      admin_project_name: admin.projectName,
      admin_domain_name: admin.domainName,
      tempest_roles: 'member',
    },
    identity: {
      uri_v3: bed.endpoints.identity,
      auth_version: 'v3',
      region: bed.region,
      v3_endpoint_type: 'public',
    },
    'identity-feature-enabled': { api_v3: 'true' },
    service_available: {
      load_balancer: 'true',
      octavia: 'true',
      nova: 'true',
      neutron: 'true',
      glance: 'true',
      cinder: 'false',
      swift: 'false',
      horizon: 'false',
    },
    compute: { flavor_ref: '65', flavor_ref_alt: '65' },
    // Without a network that can be reached every class would be skipped; none is made with drivers that touch no cloud.
    network: { project_networks_reachable: 'true' },
    validation: { run_validation: 'false' },
    load_balancer: {
      region,
      test_with_noop: 'true',
      // Octavia's own descriptions: the test of providers compares the whole list.
      enabled_provider_drivers:
        'amphora:The Octavia Amphora driver.,octavia:Deprecated alias of the Octavia Amphora driver.',
      provider: 'octavia',
      test_server_path: '',
      // Tempest's defaults are for clouds that boot servers: 5 and 10 seconds between looks.
      build_interval: '0.2',
      check_interval: '0.2',
      check_timeout: '300',
      lb_build_interval: '0.2',
      lb_build_timeout: '300',
      availability_zone: 'nova',
      availability_zone2: 'nova2',
      availability_zone3: 'nova3',
      RBAC_test_type: 'advanced',
    },
  };
  const text = Object.entries(sections)
    .map(([section, options]) =>
      [`[${section}]`, ...Object.entries(options).map(([name, value]) => `${name} = ${value}`), ''].join('\n'),
    )
    .join('\n');
  mkdirSync(join(folder, 'lock'), { recursive: true });
  writeFileSync(join(folder, 'tempest.conf'), text, { mode: 0o600 });
  // Tests of one class stay in one worker: they share its users.
  writeFileSync(
    join(folder, '.stestr.conf'),
    ['[DEFAULT]', `test_path=${TEMPEST}/test_discover`, `top_dir=${TEMPEST}/..`, 'group_regex=([^\\.]*\\.)*', ''].join(
      '\n',
    ),
  );
}
