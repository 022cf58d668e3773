/** A request for each write operation of the OpenAPI document, all about the same few things, so that any two meet. */
import { ownProject, qosPolicyId, securityGroupId, subnetId } from './api.ts';

export type Ids = Record<
  | ('lb' | 'listener' | 'spare' | 'tls' | 'pool' | 'other' | 'member' | 'monitor' | 'policy' | 'rule')
  | ('amphora' | 'broken' | 'certificate')
  | ('flavorProfile' | 'unusedProfile' | 'flavor' | 'zoneProfile' | 'unusedZoneProfile' | 'zone'),
  string
>;

export interface WriteRequest {
  /** As in the OpenAPI document. */
  operation: string;
  /** What it meets: the load balancer and what is in it, or what new ones are made by. */
  about: 'tree' | 'catalog';
  of(ids: Ids): [path: string, body?: object];
}

const member = { name: 'new-member', address: '10.0.0.9', protocol_port: 99, subnet_id: subnetId };
const api = '/v2/lbaas';
const tree = (operation: string, of: (ids: Ids) => [path: string, body?: object]): WriteRequest => ({
  operation,
  about: 'tree',
  of: (ids) => {
    const [path, ...body] = of(ids);
    return [path.startsWith('/v2') ? path : `${api}${path}`, ...body];
  },
});
const catalog = (operation: string, of: (ids: Ids) => [path: string, body?: object]): WriteRequest => ({
  ...tree(operation, of),
  about: 'catalog',
});

export const writeRequests: Readonly<Record<string, WriteRequest>> = {
  'POST loadbalancer': catalog('POST /v2/lbaas/loadbalancers', ({ flavor, certificate }) => [
    '/loadbalancers',
    {
      loadbalancer: {
        name: 'new',
        vip_subnet_id: subnetId,
        flavor_id: flavor,
        availability_zone: 'zone',
        listeners: [
          {
            protocol: 'TERMINATED_HTTPS',
            protocol_port: 443,
            default_tls_container_ref: certificate,
            default_pool: { name: 'p', protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN', members: [member] },
          },
        ],
      },
    },
  ]),
  'PUT loadbalancer name': tree('PUT /v2/lbaas/loadbalancers/{id}', ({ lb }) => [
    `/loadbalancers/${lb}`,
    { loadbalancer: { name: 'renamed', tags: ['new'] } },
  ]),
  'PUT loadbalancer policy': tree('PUT /v2/lbaas/loadbalancers/{id}', ({ lb }) => [
    `/loadbalancers/${lb}`,
    { loadbalancer: { vip_qos_policy_id: qosPolicyId, vip_sg_ids: [securityGroupId] } },
  ]),
  'PUT failover': tree('PUT /v2/lbaas/loadbalancers/{id}/failover', ({ lb }) => [`/loadbalancers/${lb}/failover`]),
  'DELETE loadbalancer': tree('DELETE /v2/lbaas/loadbalancers/{id}', ({ lb }) => [`/loadbalancers/${lb}?cascade=true`]),
  'DELETE loadbalancer without cascade': tree('DELETE /v2/lbaas/loadbalancers/{id}', ({ lb }) => [
    `/loadbalancers/${lb}`,
  ]),
  'PUT resize of it': tree('PUT /v2/kiln/loadbalancers/{id}/flavor', ({ lb, flavor }) => [
    `/v2/kiln/loadbalancers/${lb}/flavor`,
    { flavor_id: flavor },
  ]),
  'PUT quota of what is in it': tree('PUT /v2/lbaas/quotas/{projectId}', () => [
    `/quotas/${ownProject}`,
    { quota: { listener: 3, pool: 2, member: 1, healthmonitor: 1, l7policy: 1, l7rule: 1 } },
  ]),
  'POST listener': tree('POST /v2/lbaas/listeners', ({ lb }) => [
    '/listeners',
    { listener: { name: 'new-listener', loadbalancer_id: lb, protocol: 'HTTP', protocol_port: 81 } },
  ]),
  'POST listener with a certificate': tree('POST /v2/lbaas/listeners', ({ lb, other, certificate }) => [
    '/listeners',
    {
      listener: {
        name: 'new-tls',
        loadbalancer_id: lb,
        protocol: 'TERMINATED_HTTPS',
        protocol_port: 444,
        default_pool_id: other,
        default_tls_container_ref: certificate,
      },
    },
  ]),
  'PUT listener limit': tree('PUT /v2/lbaas/listeners/{id}', ({ listener }) => [
    `/listeners/${listener}`,
    { listener: { connection_limit: 7 } },
  ]),
  'PUT listener pool': tree('PUT /v2/lbaas/listeners/{id}', ({ spare, other }) => [
    `/listeners/${spare}`,
    { listener: { default_pool_id: other } },
  ]),
  'PUT listener without pool': tree('PUT /v2/lbaas/listeners/{id}', ({ listener }) => [
    `/listeners/${listener}`,
    { listener: { default_pool_id: null } },
  ]),
  'PUT listener certificate': tree('PUT /v2/lbaas/listeners/{id}', ({ tls, certificate }) => [
    `/listeners/${tls}`,
    { listener: { sni_container_refs: [certificate] } },
  ]),
  'DELETE listener': tree('DELETE /v2/lbaas/listeners/{id}', ({ listener }) => [`/listeners/${listener}`]),
  'POST pool': tree('POST /v2/lbaas/pools', ({ spare }) => [
    '/pools',
    {
      pool: { name: 'new-pool', listener_id: spare, protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN', members: [member] },
    },
  ]),
  'PUT pool': tree('PUT /v2/lbaas/pools/{id}', ({ pool }) => [
    `/pools/${pool}`,
    { pool: { lb_algorithm: 'SOURCE_IP' } },
  ]),
  'PUT pool certificates': tree('PUT /v2/lbaas/pools/{id}', ({ other, certificate }) => [
    `/pools/${other}`,
    { pool: { tls_enabled: true, tls_container_ref: certificate } },
  ]),
  'DELETE pool': tree('DELETE /v2/lbaas/pools/{id}', ({ other }) => [`/pools/${other}`]),
  'DELETE the listener’s pool': tree('DELETE /v2/lbaas/pools/{id}', ({ pool }) => [`/pools/${pool}`]),
  'POST member': tree('POST /v2/lbaas/pools/{parentId}/members', ({ pool }) => [`/pools/${pool}/members`, { member }]),
  'POST member elsewhere': tree('POST /v2/lbaas/pools/{parentId}/members', ({ other }) => [
    `/pools/${other}/members`,
    { member },
  ]),
  'PUT members': tree('PUT /v2/lbaas/pools/{parentId}/members', ({ pool }) => [
    `/pools/${pool}/members`,
    { members: [member] },
  ]),
  'PUT members as well': tree('PUT /v2/lbaas/pools/{parentId}/members', ({ pool }) => [
    `/pools/${pool}/members?additive_only=true`,
    { members: [member] },
  ]),
  'PUT members into a subnet': tree('PUT /v2/lbaas/pools/{parentId}/members', ({ pool }) => [
    `/pools/${pool}/members`,
    { members: [{ name: 'moved', address: '10.0.0.1', protocol_port: 80, subnet_id: subnetId }] },
  ]),
  'PUT member': tree('PUT /v2/lbaas/pools/{parentId}/members/{id}', ({ pool, member: id }) => [
    `/pools/${pool}/members/${id}`,
    { member: { weight: 9 } },
  ]),
  'DELETE member': tree('DELETE /v2/lbaas/pools/{parentId}/members/{id}', ({ pool, member: id }) => [
    `/pools/${pool}/members/${id}`,
  ]),
  'POST healthmonitor': tree('POST /v2/lbaas/healthmonitors', ({ other }) => [
    '/healthmonitors',
    { healthmonitor: { name: 'new-monitor', pool_id: other, type: 'TCP', delay: 5, timeout: 3, max_retries: 2 } },
  ]),
  'PUT healthmonitor': tree('PUT /v2/lbaas/healthmonitors/{id}', ({ monitor }) => [
    `/healthmonitors/${monitor}`,
    { healthmonitor: { delay: 9 } },
  ]),
  'DELETE healthmonitor': tree('DELETE /v2/lbaas/healthmonitors/{id}', ({ monitor }) => [`/healthmonitors/${monitor}`]),
  'POST l7policy': tree('POST /v2/lbaas/l7policies', ({ listener, other }) => [
    '/l7policies',
    {
      l7policy: {
        name: 'new-policy',
        listener_id: listener,
        action: 'REDIRECT_TO_POOL',
        redirect_pool_id: other,
        position: 1,
        rules: [{ type: 'PATH', compare_type: 'EQUAL_TO', value: '/nested' }],
      },
    },
  ]),
  'PUT l7policy': tree('PUT /v2/lbaas/l7policies/{id}', ({ policy }) => [
    `/l7policies/${policy}`,
    { l7policy: { description: 'changed' } },
  ]),
  'PUT l7policy to a pool': tree('PUT /v2/lbaas/l7policies/{id}', ({ policy, other }) => [
    `/l7policies/${policy}`,
    { l7policy: { action: 'REDIRECT_TO_POOL', redirect_pool_id: other } },
  ]),
  'PUT l7policy last': tree('PUT /v2/lbaas/l7policies/{id}', ({ policy }) => [
    `/l7policies/${policy}`,
    { l7policy: { position: 2 } },
  ]),
  'DELETE l7policy': tree('DELETE /v2/lbaas/l7policies/{id}', ({ policy }) => [`/l7policies/${policy}`]),
  'POST rule': tree('POST /v2/lbaas/l7policies/{parentId}/rules', ({ policy }) => [
    `/l7policies/${policy}/rules`,
    { rule: { type: 'PATH', compare_type: 'EQUAL_TO', value: '/new' } },
  ]),
  'PUT rule': tree('PUT /v2/lbaas/l7policies/{parentId}/rules/{id}', ({ policy, rule }) => [
    `/l7policies/${policy}/rules/${rule}`,
    { rule: { value: '/other' } },
  ]),
  'DELETE rule': tree('DELETE /v2/lbaas/l7policies/{parentId}/rules/{id}', ({ policy, rule }) => [
    `/l7policies/${policy}/rules/${rule}`,
  ]),
  'PUT amphora failover': tree('PUT /v2/octavia/amphorae/{id}/failover', ({ amphora }) => [
    `/v2/octavia/amphorae/${amphora}/failover`,
  ]),
  'PUT amphora config': tree('PUT /v2/octavia/amphorae/{id}/config', ({ amphora }) => [
    `/v2/octavia/amphorae/${amphora}/config`,
  ]),
  'DELETE amphora': tree('DELETE /v2/octavia/amphorae/{id}', ({ broken }) => [`/v2/octavia/amphorae/${broken}`]),

  'PUT quota': catalog('PUT /v2/lbaas/quotas/{projectId}', () => [
    `/quotas/${ownProject}`,
    { quota: { loadbalancer: 1 } },
  ]),
  'DELETE quota': catalog('DELETE /v2/lbaas/quotas/{projectId}', () => [`/quotas/${ownProject}`]),
  'POST flavor': catalog('POST /v2/lbaas/flavors', ({ unusedProfile }) => [
    '/flavors',
    { flavor: { name: 'another', flavor_profile_id: unusedProfile } },
  ]),
  'PUT flavor': catalog('PUT /v2/lbaas/flavors/{key}', ({ flavor }) => [
    `/flavors/${flavor}`,
    { flavor: { name: 'another', enabled: false } },
  ]),
  'PUT resize': catalog('PUT /v2/kiln/loadbalancers/{id}/flavor', ({ lb, flavor }) => [
    `/v2/kiln/loadbalancers/${lb}/flavor`,
    { flavor_id: flavor },
  ]),
  'DELETE flavor': catalog('DELETE /v2/lbaas/flavors/{key}', ({ flavor }) => [`/flavors/${flavor}`]),
  'POST flavorprofile': catalog('POST /v2/lbaas/flavorprofiles', () => [
    '/flavorprofiles',
    { flavorprofile: { name: 'new', provider_name: 'amphora', flavor_data: '{"loadbalancer_topology":"SINGLE"}' } },
  ]),
  'PUT flavorprofile': catalog('PUT /v2/lbaas/flavorprofiles/{key}', ({ unusedProfile }) => [
    `/flavorprofiles/${unusedProfile}`,
    { flavorprofile: { flavor_data: '{"compute_flavor":"65"}' } },
  ]),
  'PUT flavorprofile name': catalog('PUT /v2/lbaas/flavorprofiles/{key}', ({ flavorProfile }) => [
    `/flavorprofiles/${flavorProfile}`,
    { flavorprofile: { name: 'renamed' } },
  ]),
  'DELETE flavorprofile': catalog('DELETE /v2/lbaas/flavorprofiles/{key}', ({ unusedProfile }) => [
    `/flavorprofiles/${unusedProfile}`,
  ]),
  'POST zone': catalog('POST /v2/lbaas/availabilityzones', ({ unusedZoneProfile }) => [
    '/availabilityzones',
    { availability_zone: { name: 'another', availability_zone_profile_id: unusedZoneProfile } },
  ]),
  'PUT zone': catalog('PUT /v2/lbaas/availabilityzones/{key}', () => [
    '/availabilityzones/zone',
    { availability_zone: { description: 'changed' } },
  ]),
  'DELETE zone': catalog('DELETE /v2/lbaas/availabilityzones/{key}', () => ['/availabilityzones/zone']),
  'POST zone profile': catalog('POST /v2/lbaas/availabilityzoneprofiles', () => [
    '/availabilityzoneprofiles',
    { availability_zone_profile: { name: 'new', provider_name: 'amphora', availability_zone_data: '{}' } },
  ]),
  'PUT zone profile': catalog('PUT /v2/lbaas/availabilityzoneprofiles/{key}', ({ unusedZoneProfile }) => [
    `/availabilityzoneprofiles/${unusedZoneProfile}`,
    { availability_zone_profile: { availability_zone_data: '{"compute_zone":"elsewhere"}' } },
  ]),
  'DELETE zone profile': catalog('DELETE /v2/lbaas/availabilityzoneprofiles/{key}', ({ unusedZoneProfile }) => [
    `/availabilityzoneprofiles/${unusedZoneProfile}`,
  ]),
};

const flavorprofile = { provider_name: 'amphora', flavor_data: '{}' };
const zoneProfile = { provider_name: 'amphora', availability_zone_data: '{}' };
const pool = (name: string, more: object) => ({ name, protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN', ...more });

/** What is there before any of the requests. */
export const bodyOfWorld: {
  catalog: readonly [name: keyof Ids, path: string, body: (ids: Ids) => object][];
  loadBalancer(ids: Ids): object;
} = {
  catalog: [
    ['flavorProfile', 'flavorprofiles', () => ({ flavorprofile: { name: 'used', ...flavorprofile } })],
    ['unusedProfile', 'flavorprofiles', () => ({ flavorprofile: { name: 'unused', ...flavorprofile } })],
    ['flavor', 'flavors', (ids) => ({ flavor: { name: 'flavor', flavor_profile_id: ids.flavorProfile } })],
    [
      'zoneProfile',
      'availabilityzoneprofiles',
      () => ({ availability_zone_profile: { name: 'used', ...zoneProfile } }),
    ],
    [
      'unusedZoneProfile',
      'availabilityzoneprofiles',
      () => ({ availability_zone_profile: { name: 'unused', ...zoneProfile } }),
    ],
    [
      'zone',
      'availabilityzones',
      (ids) => ({ availability_zone: { name: 'zone', availability_zone_profile_id: ids.zoneProfile } }),
    ],
  ],
  loadBalancer: ({ certificate }) => ({
    loadbalancer: {
      name: 'lb',
      vip_subnet_id: subnetId,
      pools: [pool('other', {})],
      listeners: [
        {
          name: 'listener',
          protocol: 'HTTP',
          protocol_port: 80,
          default_pool: pool('pool', {
            members: [{ name: 'member', address: '10.0.0.1', protocol_port: 80 }],
            healthmonitor: { name: 'monitor', type: 'HTTP', delay: 5, timeout: 3, max_retries: 2 },
          }),
          l7policies: [
            {
              name: 'policy',
              action: 'REJECT',
              rules: [{ type: 'PATH', compare_type: 'EQUAL_TO', value: '/' }],
            },
          ],
        },
        { name: 'spare', protocol: 'HTTP', protocol_port: 82 },
        { name: 'tls', protocol: 'TERMINATED_HTTPS', protocol_port: 443, default_tls_container_ref: certificate },
      ],
    },
  }),
};
