import { describeCase } from '../../kit/api-comparison.ts';
import type { ApiCase } from '../../kit/octavia-api.ts';

const v2 = '/v2.0/lbaas';
const pool = { protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN', loadbalancer_id: '$lb' };
const monitor = { type: 'HTTP', delay: 5, timeout: 4, max_retries: 3, pool_id: '$free' };
const listener = { protocol: 'HTTP', protocol_port: 8080, loadbalancer_id: '$lb' };
const rule = { type: 'PATH', compare_type: 'EQUAL_TO', value: '/a' };

/** Path, key of bodies, and one that is there. */
const kinds = [
  ['/loadbalancers', 'loadbalancer', '$lb'],
  ['/listeners', 'listener', '$http'],
  ['/pools', 'pool', '$pool'],
  ['/healthmonitors', 'healthmonitor', '$monitor'],
  ['/l7policies', 'l7policy', '$policy'],
  ['/pools/$pool/members', 'member', '$member'],
  ['/l7policies/$policy/rules', 'rule', '$rule'],
  ['/quotas', 'quota', '$project'],
  ['/flavors', 'flavor', '$flavor'],
  ['/flavorprofiles', 'flavorprofile', '$fp'],
  ['/availabilityzones', 'availability_zone', 'nova'],
  ['/availabilityzoneprofiles', 'availability_zone_profile', '$zp'],
] as const;

const post = (path: string, body: unknown): ApiCase => ({ method: 'POST', path: v2 + path, body });
const put = (path: string, body: unknown): ApiCase => ({ method: 'PUT', path: v2 + path, body });
const get = (path: string): ApiCase => ({ method: 'GET', path: v2 + path });
const remove = (path: string): ApiCase => ({ method: 'DELETE', path: v2 + path });

const cases: ApiCase[] = [
  ...kinds.flatMap(([path, key, id]): ApiCase[] => {
    const empty = [{}, { [key]: null }, { [key]: {} }, { [key]: { bogus: 1 } }];
    const misshapen = [
      { [key]: [] },
      { [key]: 'x' },
      { [key]: 7 },
      { bogus: {} },
      { [key]: {}, bogus: {} },
      [],
      null,
      'x',
      '',
      '{',
      '"x"',
    ];
    return [
      ...[...empty, ...misshapen].flatMap((body) => [
        put(`${path}/${id}`, body),
        post(path, body),
        ...(key === 'member' ? [] : [put(path, body)]),
      ]),
      ...empty.map((body) => put(`${path}/$nobody`, body)),
      ...[path, `${path}/$nobody`, `${path}/x`, `${path}/${id}`].map(remove),
      ...[`${path}/$nobody`, `${path}/x`, `${path}/${id}/bogus`, `${path}/`, `${path}/${id}/`].map(get),
      post(`${path}/${id}`, { [key]: {} }),
      ...['fields=id', 'fields=bogus', 'bogus=1'].map((query) => get(`${path}/${id}?${query}`)),
    ];
  }),
  ...['delay', 'timeout', 'max_retries', 'type', 'pool_id'].map((field) =>
    post('/healthmonitors', { healthmonitor: { ...monitor, [field]: null } }),
  ),
  ...['type', 'compare_type', 'value'].flatMap((field) => [
    post('/l7policies/$policy/rules', { rule: { ...rule, [field]: null } }),
    put('/l7policies/$policy/rules/$rule', { rule: { [field]: null } }),
  ]),
  post('/healthmonitors', { healthmonitor: { ...monitor, pool_id: '$pool' } }),
  post('/listeners', { listener: { ...listener, protocol_port: 80 } }),
  post('/pools', { pool: { ...pool, listener_id: '$http' } }),
  post('/pools', { pool: { ...pool, protocol: 'UDP', listener_id: '$http' } }),
  post('/pools', { pool: { ...pool, loadbalancer_id: undefined } }),
  post('/l7policies', { l7policy: { action: 'REJECT', listener_id: null } }),
  post('/l7policies', { l7policy: { action: null, listener_id: '$http' } }),
  ...['/l7policies/$nobody/rules', '/l7policies/x/rules'].flatMap((path) => [post(path, { rule }), get(path)]),
  ...['/pools/$nobody/members', '/pools/x/members'].flatMap((path) => [
    post(path, { member: { address: '10.0.0.1', protocol_port: 80 } }),
    put(path, { members: [] }),
    get(path),
  ]),
  get('/pools/$free/members/$member'),
  remove('/pools/$free/members/$member'),
  put('/pools/$free/members/$member', { member: { weight: 2 } }),
  remove('/loadbalancers/$lb?cascade=x'),
  remove('/loadbalancers/$lb?cascade=false'),
  remove('/loadbalancers/$lb?bogus=1'),
  put('/loadbalancers/$lb/failover', undefined),
  put('/loadbalancers/$nobody/failover', undefined),
  put('/loadbalancers/$lb/failover', {}),
  ...['status', 'statuses', 'stats', 'failover', 'bogus'].flatMap((one) => [
    get(`/loadbalancers/$lb/${one}`),
    get(`/loadbalancers/$nobody/${one}`),
    get(`/listeners/$nobody/${one}`),
  ]),
  ...['amphora', 'octavia', 'bogus'].flatMap((provider) => [
    get(`/providers/${provider}`),
    get(`/providers/${provider}/flavor_capabilities`),
    get(`/providers/${provider}/availability_zone_capabilities`),
    get(`/providers/${provider}/bogus`),
  ]),
  ...[
    '/quotas/defaults',
    '/quotas/default',
    '/quotas/$project/default',
    '/quotas/$project/bogus',
    '/quotas/nobody',
  ].map(get),
  ...['HTTP_COOKIE', 'APP_COOKIE', 'SOURCE_IP'].flatMap((type) =>
    ['$pool', '$tcp', '$udp'].map((id) => put(`/pools/${id}`, { pool: { session_persistence: { type } } })),
  ),
  ...['', '/$nobody', '/x', '/$nobody/stats', '/$nobody/config', '/$nobody/failover', '/$nobody/bogus'].flatMap(
    (path) =>
      (['GET', 'PUT', 'POST', 'DELETE'] as const).map((method) => ({ method, path: `/v2.0/octavia/amphorae${path}` })),
  ),
  ...[
    '/',
    '/v2',
    '/v2.0',
    '/v2/lbaas',
    '/v2.0/lbaas',
    '/v2.0/octavia',
    '/v2.0/bogus',
    '/v1',
    '/v3',
    '/bogus',
    '/v2.0/lbaas/bogus',
  ].map((path): ApiCase => ({ method: 'GET', path })),
];

/** Whole requests: what is missing, misshapen, in use or nowhere. */
export const requests = [...new Map(cases.map((one) => [describeCase(one), one]))].map(([about, one]) => ({
  ...one,
  about,
}));
