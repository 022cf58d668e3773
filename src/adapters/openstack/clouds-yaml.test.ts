import { describe, expect, it } from 'vitest';
import { authFromCloudsYaml, authFromEnvironment, cloudsYamlPaths } from './clouds-yaml.ts';

const one = `
clouds:
  mine:
    region_name: RegionOne
    interface: internalURL
    verify: false
    cacert: /etc/ca.pem
    auth:
      auth_url: http://keystone:5000
      username: demo
      password: 12345
      project-name: demo
      user_domain_name: Default
      project_domain_id: default
`;
const two = `${one}
  app:
    auth_type: v3applicationcredential
    regions: [{ name: North }, South]
    auth: { auth_url: "https://k/v3", application_credential_id: i, application_credential_secret: s }
`;

describe('clouds.yaml', () => {
  it('says who to be, where, and how', () => {
    expect(authFromCloudsYaml(one, 'mine', {})).toMatchObject({
      auth: {
        authUrl: 'http://keystone:5000',
        authType: 'password',
        username: 'demo',
        password: '12345',
        projectName: 'demo',
        userDomainName: 'Default',
        projectDomainId: 'default',
        projectId: null,
      },
      regionName: 'RegionOne',
      interface: 'internal',
      verify: false,
      caFile: '/etc/ca.pem',
    });
    expect(authFromCloudsYaml(two, 'app', {})).toMatchObject({
      auth: { authType: 'v3applicationcredential', applicationCredentialId: 'i', applicationCredentialSecret: 's' },
      regionName: 'North',
      interface: null,
      verify: true,
    });
  });

  it('names URLs of services in place of the catalog, by their types', () => {
    const text = `${one}    load_balancer_endpoint_override: "http://octavia:9876"\n    image-endpoint-override: http://glance\n`;
    const { endpointOverride } = authFromCloudsYaml(text, 'mine', {});
    expect(['load-balancer', 'image', 'network'].map(endpointOverride)).toEqual([
      'http://octavia:9876',
      'http://glance',
      null,
    ]);
    const env = { OS_AUTH_URL: 'http://k', OS_LOAD_BALANCER_ENDPOINT_OVERRIDE: 'http://o' };
    expect(authFromEnvironment(env)?.endpointOverride('load-balancer')).toBe('http://o');
  });

  it('needs no name when it has one cloud, or when OS_CLOUD tells', () => {
    expect(authFromCloudsYaml(one, null, {}).auth.username).toBe('demo');
    expect(authFromCloudsYaml(two, null, { OS_CLOUD: 'app' }).auth.authUrl).toBe('https://k/v3');
    expect(() => authFromCloudsYaml(two, null, {})).toThrow('the clouds mine, app');
    expect(() => authFromCloudsYaml(two, 'myne', {})).toThrow('no cloud myne; it has the clouds mine, app');
  });

  it('gives way to the environment for region, interface and CA', () => {
    const env = { OS_REGION_NAME: 'Two', OS_INTERFACE: 'admin', OS_CACERT: '/ca' };
    expect(authFromCloudsYaml(one, 'mine', env)).toMatchObject({
      regionName: 'Two',
      interface: 'admin',
      caFile: '/ca',
    });
  });

  it('takes the secrets from secure.yaml', () => {
    const secure = 'clouds: { mine: { auth: { password: better } } }';
    expect(authFromCloudsYaml(one, 'mine', {}, secure).auth).toMatchObject({ username: 'demo', password: 'better' });
  });

  it.each([
    ['clouds:\n  a:\n    password: "se cret\n   x: [', 'is not YAML'],
    ['', 'has no clouds'],
    ['- a', 'has no clouds'],
    ['clouds: {}', 'has no clouds'],
    ['clouds: { a: { profile: vexxhost } }', 'no auth_url (profiles of vendors, here vexxhost, are not read)'],
  ])('is refused, without quoting it: %j', (text, message) => {
    expect(() => authFromCloudsYaml(text, 'a', {})).toThrow(message);
    expect(() => authFromCloudsYaml(text, 'a', {})).not.toThrow('se cret');
  });

  it('is looked for where openstacksdk does', () => {
    expect(cloudsYamlPaths({}, '/home/me')).toEqual([
      './clouds.yaml',
      '/home/me/.config/openstack/clouds.yaml',
      '/etc/openstack/clouds.yaml',
    ]);
    expect(cloudsYamlPaths({ OS_CLIENT_CONFIG_FILE: '/x' }, '/home/me')[0]).toBe('/x');
  });
});

describe('OS_* variables', () => {
  it('are an openrc file', () => {
    const access = authFromEnvironment({
      OS_AUTH_URL: 'http://k',
      OS_USERNAME: 'u',
      OS_PASSWORD: 'p',
      OS_TENANT_NAME: 'old',
      OS_USER_DOMAIN_NAME: 'Default',
      OS_REGION_NAME: 'One',
      OS_INTERFACE: 'public',
      OS_INSECURE: 'True',
      OS_CACERT: '/ca',
    });
    expect(access).toMatchObject({
      auth: { authUrl: 'http://k', authType: 'password', username: 'u', password: 'p', projectName: 'old' },
      regionName: 'One',
      interface: 'public',
      verify: false,
      caFile: '/ca',
    });
  });

  it('may hold a token or an application credential, or nothing', () => {
    expect(authFromEnvironment({ OS_AUTH_URL: 'http://k', OS_TOKEN: 't' })?.auth.authType).toBe('token');
    const credential = { OS_APPLICATION_CREDENTIAL_ID: 'i', OS_APPLICATION_CREDENTIAL_SECRET: 's' };
    expect(authFromEnvironment({ OS_AUTH_URL: 'http://k', ...credential })?.auth.authType).toBe(
      'v3applicationcredential',
    );
    expect(authFromEnvironment({ OS_USERNAME: 'u' })).toBeNull();
  });
});
