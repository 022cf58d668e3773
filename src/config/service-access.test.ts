import { expect, it } from 'vitest';
import { createEvaluator } from './evaluate.ts';
import { type Configuration, declarations } from './options/index.ts';
import { parseOsloFile } from './oslo-parser.ts';
import { resolveServiceAccess } from './service-access.ts';

function configure(text: string): Configuration {
  const evaluate = createEvaluator(declarations, [parseOsloFile(text, 'octavia.conf')], {});
  const sections = Object.entries(declarations).map(([section, options]) => [
    section,
    Object.fromEntries(Object.keys(options).map((option) => [option, evaluate(section, option).value])),
  ]);
  return Object.fromEntries(sections);
}

const shared = `[service_auth]
auth_type = password
auth_url = http://keystone
username = octavia
password = secret
project_name = service
user_domain_name = Default
project_domain_name = Default
cafile = /ca.pem
region_name = One
`;

it('Glance and Nova: credentials of [service_auth], their own endpoint', () => {
  const config = configure(`${shared}[glance]\nendpoint = http://glance\nca_certificates_file = /glance.pem\n[nova]
endpoint_type = internalURL\nregion_name = Two\ninsecure = true\nservice_name = nova2\n[kiln]\nservice_connect_timeout_seconds = 1`);
  const image = resolveServiceAccess(config, 'image');
  const compute = resolveServiceAccess(config, 'compute');
  expect(image.auth).toMatchObject({ authType: 'password', username: 'octavia', projectName: 'service' });
  expect(compute.auth).toEqual(image.auth);
  expect(image.endpoint).toEqual({
    serviceType: 'image',
    serviceName: null,
    regionName: 'One',
    interfaces: ['public'],
    endpointOverride: 'http://glance',
  });
  expect(compute.endpoint).toMatchObject({ serviceName: 'nova2', regionName: 'Two', interfaces: ['internal'] });
  expect(image.transport).toMatchObject({ caFile: '/glance.pem', insecure: false, connectTimeoutSeconds: 1 });
  expect(compute.transport).toMatchObject({ caFile: '/ca.pem', insecure: true });
});

it('Keystone itself is reached by [service_auth]', () => {
  const { auth, endpoint, transport } = resolveServiceAccess(configure(`${shared}insecure = on`), 'identity');
  expect(auth.authUrl).toBe('http://keystone');
  expect(endpoint).toMatchObject({ serviceType: 'identity', regionName: 'One', interfaces: [] });
  expect(transport).toMatchObject({ caFile: '/ca.pem', insecure: true, requestTimeoutSeconds: 60 });
});

it('[neutron] takes from [service_auth] what it leaves out', () => {
  const config = configure(
    `${shared}valid_interfaces = admin\n[neutron]\nusername = neutron\nregion_name = Three\ninsecure = no`,
  );
  const { auth, endpoint, transport } = resolveServiceAccess(config, 'network');
  expect(auth).toMatchObject({ authUrl: 'http://keystone', username: 'neutron', password: 'secret' });
  expect(endpoint).toMatchObject({ regionName: 'Three', interfaces: ['admin'], endpointOverride: null });
  expect(transport).toMatchObject({ caFile: '/ca.pem', insecure: false });
});

it('[neutron] with an auth_url of its own stands alone, but for auth_type', () => {
  const { auth, transport } = resolveServiceAccess(
    configure(`${shared}[neutron]\nauth_url = http://other\nuser_id = 5\npassword = p\nproject_id = 6`),
    'network',
  );
  expect(auth).toMatchObject({ authType: 'password', authUrl: 'http://other', userId: '5', username: null });
  expect(auth).toMatchObject({ projectId: '6', projectName: null, userDomainName: null });
  expect(transport.caFile).toBeNull();
});

it('older options of [neutron] count where their successors are not set', () => {
  const older = 'endpoint = http://old\nendpoint_type = internalURL\nca_certificates_file = /old.pem\n';
  const { endpoint, transport } = resolveServiceAccess(configure(`${shared}[neutron]\n${older}`), 'network');
  expect({ ...endpoint, ...transport }).toMatchObject({
    endpointOverride: 'http://old',
    interfaces: ['internal'],
    caFile: '/old.pem',
  });
  const newer = 'endpoint_override = http://new\nvalid_interfaces = admin, public\ncafile = /new.pem\n';
  const both = resolveServiceAccess(configure(`${shared}[neutron]\n${older}${newer}`), 'network');
  expect({ ...both.endpoint, ...both.transport }).toMatchObject({
    endpointOverride: 'http://new',
    interfaces: ['admin', 'public'],
    caFile: '/new.pem',
  });
});

it('nothing configured: empty, not invented', () => {
  const { auth } = resolveServiceAccess(configure(''), 'image');
  expect(auth).toMatchObject({ authType: '', authUrl: '', username: null });
});

it('[neutron] auth_section = service_auth sets its own credentials aside, not its endpoint', () => {
  const config = configure(
    `${shared}[neutron]\nauth_section = service_auth\nauth_url = http://other\nusername = x\nregion_name = Three`,
  );
  const { auth, endpoint, transport } = resolveServiceAccess(config, 'network');
  expect(auth).toMatchObject({ authUrl: 'http://keystone', username: 'octavia' });
  expect([endpoint.regionName, transport.caFile]).toEqual(['Three', '/ca.pem']);
});
