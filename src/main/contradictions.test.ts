import { describe, expect, it } from 'vitest';
import { loadConfiguration } from '../config/load.ts';
import { contradictions } from './contradictions.ts';
import { remarksOf } from './remarks.ts';
import { readConfiguration } from './source.ts';

/** @param environment options as SECTION__OPTION. */
const variables = (options: Record<string, string>) =>
  Object.fromEntries(Object.entries(options).map(([name, value]) => [`OS_${name}`, value]));
const load = (options: Record<string, string>) =>
  loadConfiguration({ configFiles: [], configDirs: [], environment: variables(options) });

describe('options that contradict each other', () => {
  it.each([
    [{ API_SETTINGS__MINIMUM_TLS_VERSION: 'TLSv1.3' }, ['default_listener_tls_versions', 'default_pool_tls_versions']],
    [
      { API_SETTINGS__MINIMUM_TLS_VERSION: 'TLSv1.2', API_SETTINGS__DEFAULT_POOL_TLS_VERSIONS: 'TLSv1.1,TLSv1.2' },
      ['default_pool_tls_versions'],
    ],
    [
      { API_SETTINGS__TLS_CIPHER_PROHIBIT_LIST: 'AES128-SHA:DHE-RSA-AES256-GCM-SHA384' },
      ['default_listener_ciphers', 'default_pool_ciphers'],
    ],
    [
      {
        API_SETTINGS__TLS_CIPHER_BLACKLIST: 'AES128-SHA',
        API_SETTINGS__DEFAULT_LISTENER_CIPHERS: 'AES128-SHA:AES256-SHA',
      },
      ['default_listener_ciphers'],
    ],
    [{ API_SETTINGS__DEFAULT_LISTENER_CIPHERS: 'TLS_AES_128_GCM_SHA256' }, ['default_listener_ciphers']],
    [{ API_SETTINGS__DEFAULT_POOL_CIPHERS: 'NONE-SUCH' }, ['default_pool_ciphers']],
    [{ API_SETTINGS__DEFAULT_LISTENER_TLS_VERSIONS: 'TLSv1' }, ['default_listener_tls_versions']],
    [{ API_SETTINGS__DEFAULT_POOL_TLS_VERSIONS: '' }, ['default_pool_tls_versions']],
    [{ API_SETTINGS__DEFAULT_LISTENER_ALPN_PROTOCOLS: '' }, ['default_listener_alpn_protocols']],
    [{ API_SETTINGS__DEFAULT_POOL_ALPN_PROTOCOLS: '' }, ['default_pool_alpn_protocols']],
  ])('%j is refused', (options, refused) => {
    // The older name is read from files alone, as by oslo.config.
    const { API_SETTINGS__TLS_CIPHER_BLACKLIST: old, ...others } = options as Record<string, string>;
    const named = old === undefined ? others : { ...others, API_SETTINGS__TLS_CIPHER_PROHIBIT_LIST: old };
    const found = contradictions(load(named));
    expect(found.map(({ option }) => option)).toEqual(refused);
    const source = {
      options: { configFiles: [], configDirs: [] },
      environment: { ...variables(named), HOME: '/nowhere' },
    };
    expect(() => readConfiguration(source)).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION_INVALID', message: expect.stringContaining(refused[0] ?? '') }),
    );
  });

  it('names the option, its value and what it clashes with', () => {
    const [fault] = contradictions(load({ API_SETTINGS__MINIMUM_TLS_VERSION: 'TLSv1.3' }));
    expect(fault).toMatchObject({ section: 'api_settings', value: 'TLSv1.2,TLSv1.3' });
    expect(fault?.message).toMatch(/TLSv1\.2 < TLSv1\.3.*minimum_tls_version/);
  });

  it.each([
    {},
    { API_SETTINGS__MINIMUM_TLS_VERSION: 'TLSv1.2' },
    { API_SETTINGS__TLS_CIPHER_PROHIBIT_LIST: 'AES128-SHA' },
    {
      API_SETTINGS__MINIMUM_TLS_VERSION: 'TLSv1.3',
      API_SETTINGS__DEFAULT_LISTENER_TLS_VERSIONS: 'TLSv1.3',
      API_SETTINGS__DEFAULT_POOL_TLS_VERSIONS: 'TLSv1.3',
    },
  ])('%j is not', (options) => expect(contradictions(load(options))).toEqual([]));
});

it.each([
  [
    {
      NETWORKING__ALLOW_VIP_NETWORK_ID: 'no',
      NETWORKING__ALLOW_VIP_SUBNET_ID: 'no',
      NETWORKING__ALLOW_VIP_PORT_ID: 'no',
    },
    'allow_vip_port_id',
  ],
  [{ NETWORKING__VALID_VIP_NETWORKS: 'a,b', NETWORKING__DENYLIST_VIP_NETWORKS: 'b,c,a' }, 'valid_vip_networks'],
  [{ OSLO_MESSAGING_RABBIT__SSL_ENFORCE_HOSTNAME_VERIFICATION: 'yes' }, 'ssl_enforce_hostname_verification'],
  [{ DEFAULT__LOG_DIR: '/var/log/octavia' }, 'log_dir'],
  [{ DATABASE__CONNECTION: 'mysql+pymysql://u:p@h/d?use_unicode=1&isolation=2' }, 'connection'],
])('%j is allowed, and said to do less than it seems', (options, option) => {
  expect(remarksOf(load(options)).cautions.map((one) => one.option)).toEqual([option]);
  expect(remarksOf(load({})).cautions).toEqual([]);
});
