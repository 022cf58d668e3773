import { otherProject } from '../../kit/api.ts';
import type { ApiCase } from '../../kit/octavia-api.ts';

interface Collection {
  path: string;
  /** What pages are gone on from. */
  markers?: readonly string[];
  /** What Octavia's data model calls its fields, with the names of its API: each is tried as a filter and to sort by. */
  columns: string;
  /** Filters with a value that something has. */
  found: readonly string[];
  /** What to sort by where an order is given. */
  name: string;
}

const common =
  'id project_id tenant_id provisioning_status operating_status enabled admin_state_up created_at updated_at';
const tagged = `${common} name description`;

/** Every list, by the name of its file. */
const collections: Readonly<Record<string, Collection>> = {
  'load-balancers': {
    path: '/loadbalancers',
    markers: ['$one', '$two'],
    columns: `${tagged} vip_address vip_subnet_id vip_port_id vip_network_id vip_qos_policy_id provider flavor_id availability_zone
      topology server_group_id listeners pools vip amphorae additional_vips vrrp_group`,
    found: [
      'id=$lb',
      'name=one',
      'vip_subnet_id=$subnet',
      'provider=amphora',
      'admin_state_up=true',
      'provisioning_status=ACTIVE',
    ],
    name: 'name',
  },
  listeners: {
    path: '/listeners',
    markers: ['$lix', '$liy'],
    columns: `${tagged} loadbalancer_id load_balancer_id protocol protocol_port connection_limit default_pool_id peer_port
      default_tls_container_ref sni_container_refs client_ca_tls_container_ref client_crl_container_ref client_authentication
      tls_certificate_id client_ca_tls_certificate_id client_crl_container_id timeout_client_data timeout_member_connect
      timeout_member_data timeout_tcp_inspect tls_ciphers tls_versions alpn_protocols insert_headers allowed_cidrs l7policies
      pools default_pool load_balancer stats`,
    found: [
      'protocol=HTTP',
      'protocol_port=8081',
      'connection_limit=-1',
      'loadbalancer_id=$lb',
      'peer_port=1025',
      'enabled=True',
    ],
    name: 'name',
  },
  pools: {
    path: '/pools',
    markers: ['$pox', '$poz'],
    columns: `${tagged} loadbalancer_id load_balancer_id protocol lb_algorithm session_persistence members listeners healthmonitor
      healthmonitor_id health_monitor l7policies load_balancer tls_enabled tls_container_ref ca_tls_container_ref crl_container_ref
      tls_certificate_id ca_tls_certificate_id crl_container_id tls_ciphers tls_versions alpn_protocols`,
    found: [
      'protocol=UDP',
      'healthmonitor_id=$monitor',
      'lb_algorithm=ROUND_ROBIN',
      'loadbalancer_id=$lb',
      'tls_enabled=false',
    ],
    name: 'name',
  },
  members: {
    path: '/pools/$pool/members',
    markers: ['$mex', '$mez'],
    columns: `${common} name address ip_address protocol_port weight backup subnet_id monitor_address monitor_port pool_id pool`,
    found: ['address=10.0.0.1', 'protocol_port=80', 'weight=1', 'backup=false', 'pool_id=$pool', 'pool_id=$free'],
    name: 'name',
  },
  'health-monitors': {
    path: '/healthmonitors',
    markers: ['$mox', '$moz'],
    columns: `${common} name pool_id pools pool type delay timeout max_retries max_retries_down rise_threshold fall_threshold
      http_method url_path expected_codes http_version domain_name`,
    found: ['type=HTTP', 'delay=5', 'max_retries=3', 'pool_id=$pool', 'url_path=/'],
    name: 'name',
  },
  'l7-policies': {
    path: '/l7policies',
    markers: ['$plx', '$plz'],
    columns: `${tagged} listener_id action redirect_pool_id redirect_url redirect_prefix redirect_http_code position rules l7rules
      listener redirect_pool`,
    found: ['action=REJECT', 'position=1', 'listener_id=$http'],
    name: 'name',
  },
  'l7-rules': {
    path: '/l7policies/$policy/rules',
    markers: ['$rux', '$ruz'],
    columns: `${common} type compare_type key value invert l7policy_id l7policy`,
    found: ['type=PATH', 'value=/a', 'invert=false', 'l7policy_id=$policy'],
    name: 'value',
  },
  quotas: {
    path: '/quotas',
    columns: `project_id tenant_id loadbalancer load_balancer listener member pool healthmonitor health_monitor l7policy l7rule
      in_use_load_balancer in_use_listener in_use_member in_use_pool in_use_health_monitor in_use_l7policy in_use_l7rule`,
    found: ['listener=7', 'project_id=aaa'],
    name: 'project_id',
  },
  flavors: {
    path: '/flavors',
    columns: 'id name description enabled flavor_profile_id project_id flavor_profile',
    found: ['name=f', 'enabled=true', 'flavor_profile_id=$fp'],
    name: 'name',
  },
  'flavor-profiles': {
    path: '/flavorprofiles',
    markers: ['$fp'],
    columns: 'id name provider_name flavor_data project_id enabled',
    found: ['name=p', 'provider_name=amphora', 'flavor_data={}'],
    name: 'name',
  },
  zones: {
    path: '/availabilityzones',
    columns: 'id name description enabled availability_zone_profile_id project_id',
    found: ['name=nova', 'enabled=true', 'availability_zone_profile_id=$zp'],
    name: 'name',
  },
  'zone-profiles': {
    path: '/availabilityzoneprofiles',
    columns: 'id name provider_name availability_zone_data project_id enabled',
    found: ['name=p', 'provider_name=amphora', 'availability_zone_data={}'],
    name: 'name',
  },
  amphorae: {
    path: '/../octavia/amphorae',
    columns: `id project_id loadbalancer_id load_balancer_id load_balancer compute_id lb_network_ip vrrp_ip ha_ip vrrp_port_id
      ha_port_id cert_expiration cert_busy role status vrrp_interface vrrp_id vrrp_priority cached_zone created_at updated_at
      image_id compute_flavor`,
    found: ['status=ALLOCATED', 'cert_busy=false'],
    name: 'id',
  },
  providers: { path: '/providers', columns: 'name description', found: ['name=amphora'], name: 'name' },
};

/** More to find than `setup` makes. */
export const recording = [
  made('/loadbalancers', { loadbalancer: { vip_subnet_id: '$subnet', name: 'one', tags: ['a', 'b'] } }, 'one'),
  made(
    '/loadbalancers',
    { loadbalancer: { vip_subnet_id: '$subnet', name: 'two', tags: ['b'], admin_state_up: false } },
    'two',
  ),
  ...['x', 'y', 'z'].flatMap((name, index) => {
    const tags = ['a', 'b', 'c'].slice(index);
    const port = 8081 + index;
    return [
      made(
        '/listeners',
        { listener: { name, tags, protocol: 'HTTP', protocol_port: port, loadbalancer_id: '$lb' } },
        `li${name}`,
      ),
      made(
        '/pools',
        { pool: { name, tags, protocol: 'HTTP', lb_algorithm: 'SOURCE_IP', loadbalancer_id: '$lb' } },
        `po${name}`,
      ),
      made(
        '/pools/$pool/members',
        { member: { name, tags, address: `10.0.0.${index + 2}`, protocol_port: 80, weight: index } },
        `me${name}`,
      ),
      made(
        '/healthmonitors',
        { healthmonitor: { name, tags, type: 'TCP', delay: 9, timeout: 4, max_retries: 3, pool_id: `$po${name}` } },
        `mo${name}`,
      ),
      made('/l7policies', { l7policy: { name, tags, action: 'REJECT', listener_id: '$http' } }, `pl${name}`),
      made(
        '/l7policies/$policy/rules',
        { rule: { tags, type: 'HOST_NAME', compare_type: 'EQUAL_TO', value: name } },
        `ru${name}`,
      ),
    ];
  }),
  ...['free', 'pool', 'tcp', 'udp'].map((name) => ({
    method: 'PUT' as const,
    path: `/v2.0/lbaas/pools/$${name}`,
    body: { pool: { name } },
  })),
  // Octavia lists what has a row, which is made with the first listener, Kiln what was set.
  { method: 'PUT' as const, path: '/v2.0/lbaas/quotas/$project', body: { quota: { pool: 50 } } },
  { method: 'PUT' as const, path: '/v2.0/lbaas/quotas/aaa', body: { quota: { listener: 7 } } },
];

function made(path: string, body: object, keep: string) {
  return { method: 'POST' as const, path: `/v2.0/lbaas${path}`, body, keep };
}

/** Who asks: Octavia's default policies tell them apart. */
const callers = {
  admin: { 'x-roles': 'admin' },
  member: { 'x-roles': 'member,load-balancer_member' },
  stranger: { 'x-roles': 'member,load-balancer_member', 'x-project-id': otherProject },
};

export interface ReadCase extends ApiCase {
  about: string;
  /** Whether the list is in an order that is the same each time. */
  ordered: boolean;
}

/** By the name of a file, what is asked for. */
export const reads: Readonly<Record<string, readonly ReadCase[]>> = Object.fromEntries(
  Object.entries(collections).map(([name, collection]) => [`read-${name}`, casesOf(collection)]),
);

function casesOf({ path, columns, found, name, markers = [] }: Collection): ReadCase[] {
  const names = columns.split(/\s+/);
  const sort = `sort=${name}`;
  const values = ['x', '', '0', 'true'];
  const byAdmin = [
    '',
    ...found,
    ...names.flatMap((column) => [...values.map((value) => `${column}=${value}`), `sort=${column}`]),
    ...['bogus=1', 'x-y=', 'name=x&name=y', 'project_id=$nobody', 'project_id=$project', 'tenant_id=$project'],
    ...['', 'bogus', ':', `${name}:desc`, `${name}:DESC`, `${name}:x`, `${name}:asc:desc`, `${name},`].map(
      (one) => `sort=${one}`,
    ),
    ...['', 'desc', 'DESC', 'x', 'desc,asc', 'desc,x'].map((one) => `sort_key=${name}&sort_dir=${one}`),
    ...[
      `sort=${name}&sort=id`,
      'sort_key=bogus',
      'sort_dir=x',
      `sort_key=${name},id&sort_dir=desc`,
      'sort=id&sort_key=bogus',
    ],
    ...['0', '-1', '1', '2', '01', '+1', '1.5', 'x', '', 'infinite', '99999999999'].map(
      (one) => `${sort}&limit=${one}`,
    ),
    ...['$nobody', 'x', ''].map((one) => `marker=${one}`),
    ...['limit=1&limit=2', 'marker=x&marker=y', 'page_reverse=x', 'page_reverse=True'],
    ...['id', name, 'bogus', '', `id,${name}`].map((one) => `fields=${one}`),
    ...[`fields=id&fields=${name}`, 'fields=id&bogus=1'],
    ...['tags', 'tags-any', 'not-tags', 'not-tags-any'].flatMap((one) =>
      ['a', 'a,b', 'a,x', '', 'nobody'].map((tags) => `${one}=${tags}`),
    ),
    ...['tags=a&tags=b', 'tags=b&not-tags=a', 'tags-any=a&not-tags-any=c'],
    ...markers.flatMap((marker) =>
      ['', '&limit=1', '&limit=1&page_reverse=True', '&page_reverse=true', '&page_reverse=False'].map(
        (more) => `${sort}&marker=${marker}${more}`,
      ),
    ),
  ];
  const byOthers = [
    '',
    ...found,
    'bogus=1',
    'project_id=$nobody',
    'project_id=$project',
    'tenant_id=$nobody',
    `${sort}&limit=1`,
    'fields=id',
  ];
  return [
    ...[...new Set(byAdmin)].map((query) => one('admin', query)),
    ...(['member', 'stranger'] as const).flatMap((who) => byOthers.map((query) => one(who, query))),
  ];

  function one(who: keyof typeof callers, query: string): ReadCase {
    const ordered = new RegExp(`sort(_key)?=${name}\\b`).test(query);
    const whole = `${`/v2.0/lbaas${path}`.replace('/lbaas/..', '')}?${query}`;
    return { method: 'GET', path: whole, headers: callers[who], about: `${who}: ${query}`, ordered };
  }
}
