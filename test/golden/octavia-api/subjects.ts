import { ownProject, subnetId } from '../../kit/api.ts';
import type { GoodRequest } from '../../kit/field-cases.ts';

/** What requests may name before anything is made. */
export const given = { subnet: subnetId, nobody: '00000000-0000-4000-8000-000000000bad', project: ownProject };

const pool = { protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN', loadbalancer_id: '$lb' };
const monitor = { type: 'HTTP', delay: 5, timeout: 4, max_retries: 3 };
const listener = { protocol: 'HTTP', protocol_port: 8080, loadbalancer_id: '$lb' };
const rule = { type: 'PATH', compare_type: 'EQUAL_TO', value: '/a' };
const member = { address: '10.0.0.1', protocol_port: 80 };
const session_persistence = { type: 'SOURCE_IP' };
const flavorProfile = { name: 'p', provider_name: 'amphora', flavor_data: '{}' };
const zoneProfile = { name: 'p', provider_name: 'amphora', availability_zone_data: '{}' };
const flavor = { name: 'f', flavor_profile_id: '$fp' };
const zone = { name: 'nova', availability_zone_profile_id: '$zp' };

const made = (path: string, body: object, keep: string) => ({
  method: 'POST' as const,
  path: `/v2.0/lbaas${path}`,
  body,
  keep,
});

/** What is there before each request. */
export const setup = [
  made('/loadbalancers', { loadbalancer: { vip_subnet_id: '$subnet' } }, 'lb'),
  made('/listeners', { listener: { ...listener, protocol_port: 80 } }, 'http'),
  made('/pools', { pool }, 'pool'),
  made('/pools', { pool }, 'free'),
  made('/pools', { pool: { ...pool, protocol: 'UDP' } }, 'udp'),
  made('/pools', { pool: { ...pool, protocol: 'TCP' } }, 'tcp'),
  made('/pools/$pool/members', { member }, 'member'),
  made('/healthmonitors', { healthmonitor: { ...monitor, pool_id: '$pool' } }, 'monitor'),
  made('/l7policies', { l7policy: { action: 'REJECT', listener_id: '$http' } }, 'policy'),
  made('/l7policies/$policy/rules', { rule }, 'rule'),
  made('/flavorprofiles', { flavorprofile: flavorProfile }, 'fp'),
  made('/flavorprofiles', { flavorprofile: { ...flavorProfile, name: 'q' } }, 'fpfree'),
  made('/flavors', { flavor }, 'flavor'),
  made('/availabilityzoneprofiles', { availability_zone_profile: zoneProfile }, 'zp'),
  made('/availabilityzoneprofiles', { availability_zone_profile: { ...zoneProfile, name: 'q' } }, 'zpfree'),
  made('/availabilityzones', { availability_zone: zone }, 'zone'),
];

const post = (route: string, body: GoodRequest['body'], more: Partial<GoodRequest> = {}): GoodRequest => ({
  method: 'POST',
  route,
  path: route,
  body,
  ...more,
});
const put = (route: string, id: string, key: string, more: Partial<GoodRequest> = {}): GoodRequest => ({
  method: 'PUT',
  route,
  path: route.replace(/\{\w+\}/, id),
  body: { [key]: {} },
  ...more,
});

/** Every route that writes, by the name of its file, with a request that Octavia and Kiln take. */
export const subjects: Readonly<Record<string, GoodRequest>> = {
  'load-balancer-post': post(
    '/loadbalancers',
    { loadbalancer: { vip_subnet_id: '$subnet' } },
    { nested: { additional_vips: [{ subnet_id: '$subnet' }] } },
  ),
  'load-balancer-put': put('/loadbalancers/{id}', '$lb', 'loadbalancer'),
  'listener-post': post('/listeners', { listener }),
  'listener-put': put('/listeners/{id}', '$http', 'listener'),
  'pool-post': post('/pools', { pool }, { nested: { session_persistence, members: [member], healthmonitor: monitor } }),
  'pool-put': put('/pools/{id}', '$pool', 'pool', { nested: { session_persistence } }),
  'pool-put-tcp': put('/pools/{id}', '$tcp', 'pool', { nested: { session_persistence } }),
  'pool-put-udp': put('/pools/{id}', '$udp', 'pool', { nested: { session_persistence } }),
  'member-post': post(
    '/pools/{parentId}/members',
    { member: { ...member, protocol_port: 81 } },
    { path: '/pools/$pool/members' },
  ),
  'member-put': put('/pools/{parentId}/members/{id}', '', 'member', { path: '/pools/$pool/members/$member' }),
  'members-put': put('/pools/{parentId}/members', '', 'members', {
    path: '/pools/$pool/members',
    body: { members: [member] },
  }),
  'health-monitor-post': post('/healthmonitors', { healthmonitor: { ...monitor, pool_id: '$free' } }),
  'health-monitor-put': put('/healthmonitors/{id}', '$monitor', 'healthmonitor'),
  'l7-policy-post': post(
    '/l7policies',
    { l7policy: { action: 'REJECT', listener_id: '$http' } },
    { nested: { rules: [rule] } },
  ),
  'l7-policy-put': put('/l7policies/{id}', '$policy', 'l7policy'),
  'l7-rule-post': post('/l7policies/{parentId}/rules', { rule }, { path: '/l7policies/$policy/rules' }),
  'l7-rule-put': put('/l7policies/{parentId}/rules/{id}', '', 'rule', { path: '/l7policies/$policy/rules/$rule' }),
  'quota-put': put('/quotas/{projectId}', 'qqq', 'quota'),
  'flavor-profile-post': post('/flavorprofiles', { flavorprofile: { ...flavorProfile, name: 'r' } }),
  'flavor-profile-put': put('/flavorprofiles/{key}', '$fpfree', 'flavorprofile'),
  'flavor-post': post('/flavors', { flavor: { ...flavor, name: 'g' } }),
  'flavor-put': put('/flavors/{key}', '$flavor', 'flavor'),
  'zone-profile-post': post('/availabilityzoneprofiles', { availability_zone_profile: { ...zoneProfile, name: 'r' } }),
  'zone-profile-put': put('/availabilityzoneprofiles/{key}', '$zpfree', 'availability_zone_profile'),
  'zone-post': post('/availabilityzones', { availability_zone: { ...zone, name: 'z' } }),
  'zone-put': put('/availabilityzones/{key}', 'nova', 'availability_zone'),
};
