import { servedProviders } from '../../model/provider.ts';
import { boolean, choice, dict, integer, ipAddress, ipAddressItem, list, port, string } from '../option.ts';

const tlsVersions = ['SSLv3', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;
const tlsVersion = { test: /^(SSLv3|TLSv1(\.[123])?)$/, description: tlsVersions.join(', ') };
const alpnProtocol = { test: /^(h2|http\/1\.[01])$/, description: 'h2, http/1.1 or http/1.0' };

/** OWASP's cipher suite B, Octavia's default (octavia/common/constants.py). */
const owaspSuiteB =
  'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:' +
  'ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:' +
  'ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-GCM-SHA256:' +
  'DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305';

const ciphers = { regex: /^[\w\-+!:@=.]+$/, description: 'an OpenSSL cipher list' };

/** [api_settings]: the load-balancer API. */
export const apiSettingsOptions = {
  bind_host: ipAddress({ default: '127.0.0.1', help: 'Address that the API listens on.' }),
  bind_port: port({ default: 9876, help: 'Port that the API listens on.' }),
  auth_strategy: choice(['keystone', 'noauth', 'testing'], {
    default: 'keystone',
    help: 'Who may call: those with a token of Keystone, or everybody, as an administrator. noauth is for tests alone. testing is taken as keystone.',
    remark: (strategy) =>
      strategy === 'noauth'
        ? 'whoever reaches the API is an administrator. It is for tests alone.'
        : strategy === 'testing'
          ? 'Kiln takes it as keystone: each request needs a token. Octavia would believe whatever roles a request claims.'
          : null,
  }),
  api_base_uri: string({
    default: null,
    help: 'URL that links in answers begin with. Not set: the scheme and host that the client asked.',
  }),
  pagination_max_limit: string({
    default: null,
    octaviaDefault: {
      value: '1000',
      reason: 'a client that does not follow the links to further pages misses nothing',
    },
    pattern: { regex: /^(\s*[+-]?\d{1,15}\s*|infinite)$/, description: 'a whole number, or infinite' },
    help: 'Most rows in one page of a list. Not set, infinite, or less than 1: no limit.',
  }),
  healthcheck_enabled: boolean({ default: false, help: 'Serve /healthcheck.' }),
  healthcheck_refresh_interval: integer({
    default: 5,
    unit: 'seconds',
    min: 0,
    help: 'For so long an answer of /healthcheck is good: the database is not asked again.',
  }),
  enabled_provider_drivers: dict({
    default: { amphora: 'The Octavia Amphora driver.', octavia: 'Deprecated alias of the Octavia Amphora driver.' },
    help: 'Providers that a load balancer may name, each with its description. Kiln serves amphora, amphorav2 and octavia, which all mean its amphorae; others are not offered.',
    remark: (drivers) => {
      const others = Object.keys(drivers).filter((name) => !servedProviders.has(name));
      return others.length === 0 ? null : `Kiln does not serve ${others.join(', ')}, and does not offer them`;
    },
  }),
  default_provider_driver: string({ default: 'amphora', help: 'Provider of a load balancer that names none.' }),
  allow_tls_terminated_listeners: boolean({ default: true, help: 'Allow TERMINATED_HTTPS listeners.' }),
  allow_ping_health_monitors: boolean({ default: true, help: 'Allow health monitors of type PING.' }),
  allow_prometheus_listeners: boolean({ default: true, help: 'Allow PROMETHEUS listeners.' }),
  udp_connect_min_interval_health_monitor: integer({
    default: 3,
    unit: 'seconds',
    help: 'Smallest delay of a health monitor of type UDP-CONNECT. Negative: no limit.',
  }),
  default_listener_ciphers: string({
    default: owaspSuiteB,
    pattern: ciphers,
    help: 'Ciphers of a listener that names none.',
  }),
  default_pool_ciphers: string({ default: owaspSuiteB, pattern: ciphers, help: 'Ciphers of a pool that names none.' }),
  tls_cipher_prohibit_list: string({
    default: '',
    deprecatedNames: [['api_settings', 'tls_cipher_blacklist']],
    help: 'Ciphers that nobody may ask for, with colons between.',
  }),
  default_listener_tls_versions: list({
    default: ['TLSv1.2', 'TLSv1.3'],
    item: tlsVersion,
    help: 'TLS versions of a listener that names none.',
  }),
  default_pool_tls_versions: list({
    default: ['TLSv1.2', 'TLSv1.3'],
    item: tlsVersion,
    help: 'TLS versions of a pool that names none.',
  }),
  minimum_tls_version: choice(tlsVersions, { default: null, help: 'Oldest TLS version that one may ask for.' }),
  default_listener_alpn_protocols: list({
    default: ['h2', 'http/1.1', 'http/1.0'],
    item: alpnProtocol,
    help: 'ALPN protocols of a listener that names none.',
  }),
  default_pool_alpn_protocols: list({
    default: ['h2', 'http/1.1', 'http/1.0'],
    item: alpnProtocol,
    help: 'ALPN protocols of a pool that names none.',
  }),
};

/** [oslo_middleware] */
export const osloMiddlewareOptions = {
  max_request_body_size: integer({
    default: 114688,
    unit: 'bytes',
    min: 1,
    deprecatedNames: [
      ['DEFAULT', 'osapi_max_request_body_size'],
      ['DEFAULT', 'max_request_body_size'],
    ],
    help: 'Largest body of a request.',
  }),
  enable_proxy_headers_parsing: boolean({
    default: false,
    help: 'Take host and scheme of links from X-Forwarded-Host and X-Forwarded-Proto. Only behind a proxy that sets both.',
  }),
};

/** [healthcheck] */
export const healthcheckOptions = {
  detailed: boolean({
    default: false,
    help: "Answer /healthcheck with the fields of oslo.middleware's details. What would tell of the host and the process stays empty: whoever asks needs no token.",
  }),
};

/** [oslo_policy]: who may do what. */
export const osloPolicyOptions = {
  policy_file: string({
    default: 'policy.yaml',
    deprecatedNames: [['DEFAULT', 'policy_file']],
    help: "File with deviations from Octavia's default policies, relative to the folder of octavia.conf. A file that is not there changes nothing.",
  }),
  enforce_new_defaults: boolean({
    default: false,
    help: "Only Keystone's roles (admin, member, reader) count where they can stand for Octavia's own (load-balancer_member and its kin).",
  }),
};

const quota = (what: string) =>
  integer({
    default: -1,
    min: -1,
    help: `${what} a project may have unless it has a quota of its own. -1: any number.`,
  });

/** [quotas] */
export const quotasOptions = {
  default_load_balancer_quota: quota('Load balancers'),
  default_listener_quota: quota('Listeners'),
  default_pool_quota: quota('Pools'),
  default_member_quota: quota('Members'),
  default_health_monitor_quota: quota('Health monitors'),
  default_l7policy_quota: quota('L7 policies'),
  default_l7rule_quota: quota('L7 rules'),
};

/** How calls that operations make to a service are tried again, with Octavia's names (tenacity's exponential wait). */
function retryOptions(service: string) {
  return {
    max_retries: integer({
      default: 15,
      min: 0,
      help: `How often an operation asks ${service} in all when a call fails in a way that may pass, within a minute. What the API asks while a client waits, and what commands ask, is tried for seconds only.`,
    }),
    retry_interval: integer({ default: 1, unit: 'seconds', min: 0, help: 'Shortest pause before a further try.' }),
    retry_backoff: integer({
      default: 1,
      unit: 'seconds',
      min: 0,
      help: 'Pause before the second try, doubled with each one after it; retry_interval and retry_max bound it.',
    }),
    retry_max: integer({ default: 10, unit: 'seconds', min: 0, help: 'Longest pause before a further try.' }),
  };
}

const networkId = { test: /^[^\s,'"[\]]+$/, description: 'an ID' };

/** [networking]: what VIPs may be. */
export const networkingOptions = {
  allow_vip_network_id: boolean({ default: true, help: 'Allow a VIP to be asked for by its network.' }),
  allow_vip_subnet_id: boolean({ default: true, help: 'Allow a VIP to be asked for by its subnet.' }),
  allow_vip_port_id: boolean({ default: true, help: 'Allow a VIP to be asked for by its port.' }),
  valid_vip_networks: list({
    default: [],
    item: networkId,
    mayBeBracketed: true,
    help: 'Networks that VIPs may be in, by ID. Empty: any.',
  }),
  denylist_vip_networks: list({
    default: [],
    item: networkId,
    mayBeBracketed: true,
    help: 'Networks that no VIP may be in, by ID, whatever else allows them.',
  }),
  reserved_ips: list({
    default: ['169.254.169.254'],
    item: ipAddressItem,
    mayBeBracketed: true,
    help: 'Addresses that no member may have, in whatever spelling.',
  }),
  ...retryOptions('Neutron'),
  port_detach_timeout: integer({
    default: 300,
    unit: 'seconds',
    min: 0,
    withoutEffect: 'Kiln never moves a port to another server: it deletes it, and Neutron takes it out of the server',
    help: 'How long Octavia waits until a port has left its server.',
  }),
};

/** [compute] */
export const computeOptions = retryOptions('Nova');

/** [task_flow]: how much a worker does at a time. */
export const taskFlowOptions = {
  max_workers: integer({
    default: 100,
    min: 1,
    octaviaDefault: { value: '5', reason: 'there it is the threads of one flow, here the operations of all workers' },
    help: 'Operations that are carried out side by side, by all workers together.',
  }),
};
