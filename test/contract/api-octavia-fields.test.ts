import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStoredApiHarness, type StoredApiHarness, subnetId } from '../kit/api.ts';

/** Answers to single fields as Octavia's own API gave them, asked beside Kiln's. */
let api: StoredApiHarness;
let loadBalancer: string;
let listener: string;
let pool: string;

async function made(path: string, key: string, fields: object): Promise<Record<string, unknown>> {
  const { status, body } = await api.call('POST', path, { [key]: fields });
  expect([status, body.faultstring]).toEqual([201, undefined]);
  await api.settleAll();
  return body[key];
}

beforeAll(async () => {
  api = await openStoredApiHarness();
  loadBalancer = String((await made('/lbaas/loadbalancers', 'loadbalancer', { vip_subnet_id: subnetId })).id);
  const http = { loadbalancer_id: loadBalancer, protocol: 'HTTP' };
  listener = String((await made('/lbaas/listeners', 'listener', { ...http, protocol_port: 80 })).id);
  pool = String((await made('/lbaas/pools', 'pool', { ...http, lb_algorithm: 'ROUND_ROBIN' })).id);
});
afterAll(() => api.close());

it('a provider that is an empty text is the default one', async () => {
  const { provider } = await made('/lbaas/loadbalancers', 'loadbalancer', { vip_subnet_id: subnetId, provider: '' });
  expect(provider).toBe('amphora');
});

it.each([
  ['POST', 'listeners', () => ({ loadbalancer_id: '', protocol: 'HTTP', protocol_port: 81 }), 'loadbalancer_id'],
  ['POST', 'healthmonitors', () => ({ pool_id: '', type: 'HTTP', delay: 5, timeout: 4, max_retries: 3 }), 'pool_id'],
  ['POST', 'l7policies', () => ({ listener_id: '', action: 'REJECT' }), 'listener_id'],
] as const)('%s /%s in what is an empty text is refused', async (method, path, fields, field) => {
  const key = path === 'l7policies' ? 'l7policy' : path.slice(0, -1);
  const { status, body } = await api.call(method, `/lbaas/${path}`, { [key]: fields() });
  const words = `Invalid input for field/attribute ${field}. Value: ''. Value should be UUID format`;
  expect([status, body.faultstring]).toEqual([400, words]);
});

it.each([
  [{ tags: [0] }, "Invalid input for field/attribute tags. Value: '[0]'. Value should be string"],
  [{ tags: ['a', {}] }, "Invalid input for field/attribute tags. Value: '['a', {}]'. Value should be string"],
  [{ name: [] }, "Invalid input for field/attribute name. Value: '[]'. Value should be string"],
  [
    { allowed_cidrs: ['x/8'] },
    "Invalid input for field/attribute allowed_cidrs. Value: '['x/8']'. Value should be IPv4 or IPv6 CIDR format",
  ],
  [
    { client_authentication: null },
    'Validation failure: Client authentication setting None requires a client CA container reference.',
  ],
])('PUT of a listener with %j is refused in these words', async (fields, words) => {
  const { status, body } = await api.call('PUT', `/lbaas/listeners/${listener}`, { listener: fields });
  expect([status, body.faultstring]).toEqual([400, words]);
});

it('a client authority without a certificate is refused as that, whatever the protocol', async () => {
  const fields = { loadbalancer_id: loadBalancer, protocol: 'HTTP', protocol_port: 81 };
  const { status, body } = await api.call('POST', '/lbaas/listeners', {
    listener: { ...fields, client_ca_tls_container_ref: 'x' },
  });
  const words =
    'Validation failure: An SNI or default certificate container reference must be provided with a client CA container reference.';
  expect([status, body.faultstring]).toEqual([400, words]);
});

it.each([
  ['POST', '/lbaas/pools', 'UDP and SCTP'],
  ['PUT', '', 'UDP'],
] as const)(
  '%s of a pool calls the protocols with persistence timeouts as Octavia does',
  async (method, path, names) => {
    const session_persistence = { type: 'SOURCE_IP', persistence_timeout: 7 };
    const whole = { loadbalancer_id: loadBalancer, protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN' };
    const { status, body } = await api.call(method, path || `/lbaas/pools/${pool}`, {
      pool: { ...(method === 'POST' ? whole : {}), session_persistence },
    });
    const words = `Validation failure: persistence_timeout and persistence_granularity is only for ${names} protocol pools.`;
    expect([status, body.faultstring]).toEqual([400, words]);
  },
);

it('a health monitor names the versions of HTTP with their fractions', async () => {
  const monitor = { pool_id: pool, type: 'HTTP', delay: 5, timeout: 4, max_retries: 3, http_version: 2 };
  const { body } = await api.call('POST', '/lbaas/healthmonitors', { healthmonitor: monitor });
  expect(body.faultstring).toContain('Value should be one of: 1.0, 1.1');
});

const url = 'http://a.example';
const prefix = 'http://b.example';
it.each([
  [{ action: 'REJECT', redirect_http_code: 308 }, ['REJECT', null, null, 308]],
  [{ action: 'REJECT' }, ['REJECT', null, null, null]],
  [{ action: 'REJECT', redirect_url: url }, ['REJECT', null, null, null]],
  [{ action: 'REJECT', redirect_prefix: prefix }, ['REDIRECT_PREFIX', null, prefix, 302]],
  [{ action: 'REDIRECT_TO_URL', redirect_url: url, redirect_prefix: prefix }, ['REDIRECT_TO_URL', url, null, 302]],
  [{ action: 'REDIRECT_PREFIX', redirect_url: url, redirect_prefix: prefix }, ['REDIRECT_TO_URL', url, null, 302]],
] as const)('an L7 policy of %j becomes %j', async (fields, [action, redirectUrl, redirectPrefix, code]) => {
  const whole = { ...fields, listener_id: listener };
  expect(await made('/lbaas/l7policies', 'l7policy', whole)).toMatchObject({
    action,
    redirect_url: redirectUrl,
    redirect_prefix: redirectPrefix,
    redirect_http_code: code,
  });
});

it('quotas are found by how many a project has now', async () => {
  await api.call('PUT', '/lbaas/quotas/empty', { quota: { listener: 5 } });
  await api.call('PUT', '/lbaas/quotas/11111111111111111111111111111111', { quota: { listener: 5 } });
  const found = async (query: string) => {
    const { status, body } = await api.call('GET', `/lbaas/quotas?${query}`);
    return [status, body.quotas?.map(({ project_id }: { project_id: string }) => project_id)];
  };
  expect(await found('in_use_listener=1')).toEqual([200, ['11111111111111111111111111111111']]);
  expect(await found('in_use_listener=0')).toEqual([200, ['empty']]);
  expect(await found('in_use_listener=x')).toEqual([200, []]);
  expect(await found('in_use_member=0&in_use_pool=1')).toEqual([200, ['11111111111111111111111111111111']]);
});

it('listeners are numbered in their load balancer as peer_port, which finds and sorts them and is in no answer', async () => {
  const http = (protocol_port: number) => ({ protocol: 'HTTP', protocol_port });
  const { id, listeners } = await made('/lbaas/loadbalancers', 'loadbalancer', {
    vip_subnet_id: subnetId,
    listeners: [http(80), http(81)],
  });
  const [first, second] = listeners as [{ id: string }, { id: string }];
  const third = await made('/lbaas/listeners', 'listener', { loadbalancer_id: id, ...http(82) });
  expect(Object.keys(third)).not.toContain('peer_port');
  const found = async (query: string) => {
    const { body } = await api.call('GET', `/lbaas/listeners?loadbalancer_id=${id}&${query}`);
    return body.listeners.map((one: { id: string }) => one.id);
  };
  expect(await found('peer_port=1025')).toEqual([first.id]);
  expect(await found('peer_port=1026')).toEqual([second.id]);
  expect(await found('peer_port=1028')).toEqual([]);
  expect(await found('sort=peer_port:desc')).toEqual([third.id, second.id, first.id]);
  await api.call('DELETE', `/lbaas/listeners/${first.id}`);
  await api.settleAll();
  const fourth = await made('/lbaas/listeners', 'listener', { loadbalancer_id: id, ...http(80) });
  expect(await found('peer_port=1028')).toEqual([fourth.id]);
  await api.call('PUT', `/lbaas/listeners/${fourth.id}`, { listener: { name: 'renamed' } });
  await api.settleAll();
  expect(await found('peer_port=1028')).toEqual([fourth.id]);
});
