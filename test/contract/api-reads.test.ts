import { describe, expect, it } from 'vitest';
import { createPolicy } from '../../src/api/policy/policy.ts';
import type { LoadBalancer } from '../../src/model/load-balancer.ts';
import { openApiHarness, otherProject, ownProject } from '../kit/api.ts';
import type { FakeLoadBalancerStore } from '../kit/fakes/fake-load-balancer-store.ts';

let count = 0;
async function putLoadBalancer(
  store: FakeLoadBalancerStore,
  fields: Partial<LoadBalancer> = {},
): Promise<LoadBalancer> {
  count++;
  const loadBalancer: LoadBalancer = {
    id: `00000000-0000-4000-8000-${String(count).padStart(12, '0')}`,
    projectId: ownProject,
    name: `lb-${count}`,
    description: '',
    adminStateUp: true,
    provisioningStatus: 'ACTIVE',
    operatingStatus: 'ONLINE',
    tags: [],
    createdAt: new Date(Date.UTC(2026, 0, 1, 0, 0, count)).toISOString(),
    updatedAt: null,
    vip: { address: '198.51.100.1', networkId: 'n', subnetId: 's', portId: 'p', octaviaOwned: true },
    vipQosPolicyId: null,
    vipSgIds: [],
    additionalVips: [],
    provider: 'amphora',
    flavorId: null,
    availabilityZone: null,
    topology: 'SINGLE',
    serverGroupId: null,
    ...fields,
  };
  await store.apply({
    loadBalancerId: loadBalancer.id,
    mutableFrom: [],
    rows: [{ kind: 'loadbalancer', put: loadBalancer }],
    operation: null,
  });
  return loadBalancer;
}
const names = (body: { loadbalancers: { name: string }[] }) => body.loadbalancers.map(({ name }) => name);

describe('reading', () => {
  it('tells the versions without a token, and that it is well', async () => {
    const { call } = openApiHarness();
    const { status, body } = await call('GET', '/');
    expect(status).toBe(200);
    expect(body.versions[0]).toEqual({
      id: 'v2.0',
      status: 'SUPPORTED',
      updated: '2016-12-11T00:00:00Z',
      links: [{ href: 'http://localhost:80/v2', rel: 'self' }],
    });
    expect(body.versions.at(-1).status).toBe('CURRENT');
    expect((await call('GET', '/healthcheck')).body).toBe('OK');
    expect((await call('GET', '/v2')).body).toBe('v2');
  });

  it('answers a show with the fields of Octavia in its order', async () => {
    const { call, store } = openApiHarness();
    const { id } = await putLoadBalancer(store);
    const { body } = await call('GET', `/lbaas/loadbalancers/${id}`);
    expect(Object.keys(body.loadbalancer)).toEqual([
      ...['id', 'name', 'description', 'provisioning_status', 'operating_status', 'admin_state_up', 'project_id'],
      ...['created_at', 'updated_at', 'vip_address', 'vip_port_id', 'vip_subnet_id', 'vip_network_id', 'vip_sg_ids'],
      ...['additional_vips', 'listeners', 'pools', 'provider', 'flavor_id', 'vip_qos_policy_id', 'tags'],
      ...['availability_zone', 'vip_vnic_type', 'tenant_id'],
    ]);
    const some = await call('GET', `/lbaas/loadbalancers/${id}?fields=name&fields=id`);
    expect(some.body).toEqual({ loadbalancer: { id, name: body.loadbalancer.name } });
  });

  it.each([
    ['/lbaas/loadbalancers/zz', 'Load Balancer zz not found.'],
    ['/lbaas/healthmonitors/zz', 'Health Monitor zz not found.'],
    ['/lbaas/l7policies/zz', 'L7 Policy zz not found.'],
    ['/lbaas/pools/zz/members', 'Pool zz not found.'],
  ])('%s is not found, in the words and the order of Octavia', async (path, faultstring) => {
    const { call, app } = openApiHarness();
    const { status, body } = await call('GET', path);
    expect([status, body]).toEqual([404, { faultcode: 'Client', faultstring, debuginfo: null }]);
    const raw = await app.inject({ url: `/v2.0${path}` });
    expect(raw.body).toMatch(/^\{"faultcode":"Client","faultstring":".*","debuginfo":null\}$/);
  });

  it('has 404 for no route, 405 for no method, 406 for no JSON', async () => {
    const { call, app } = openApiHarness();
    expect(await call('GET', '/lbaas/nothing')).toMatchObject({
      status: 404,
      body: { code: 404, title: 'Not Found', description: '' },
    });
    expect((await call('POST', '/lbaas/providers')).status).toBe(405);
    expect((await app.inject({ method: 'PATCH', url: '/v2/lbaas/loadbalancers' })).statusCode).toBe(405);
    expect((await call('GET', '/lbaas/pools', undefined, { accept: 'text/html' })).status).toBe(406);
    expect((await call('GET', '/lbaas/loadbalancers/%zz')).status).toBe(400);
  });

  it('what is level in what is sorted by is in the order in which it was made, in the direction that was asked for last', async () => {
    const { store, call } = openApiHarness();
    for (const description of ['1', '2', '3']) await putLoadBalancer(store, { name: 'same', description });
    const list = async (query: string) => {
      const { body } = await call('GET', `/v2/lbaas/loadbalancers?${query}`);
      return body.loadbalancers.map(({ description }: LoadBalancer) => description).join('');
    };
    expect(await list('sort=name')).toBe('123');
    expect(await list('sort=name:desc')).toBe('321');
    expect(await list('sort=name:desc,provisioning_status')).toBe('123');
  });

  it('filters, sorts and picks fields', async () => {
    const { call, store } = openApiHarness();
    await putLoadBalancer(store, { name: 'a', tags: ['red', 'blue'], adminStateUp: false });
    await putLoadBalancer(store, {
      name: 'c',
      tags: ['red'],
      vip: { ...(await putLoadBalancer(store, { name: 'b' })).vip, subnetId: 't' },
    });
    const list = async (query: string) => names((await call('GET', `/lbaas/loadbalancers?${query}`)).body);
    expect(await list('sort=name')).toEqual(['a', 'b', 'c']);
    expect(await list('sort=name:desc')).toEqual(['c', 'b', 'a']);
    expect(await list('sort_key=name&sort_dir=desc')).toEqual(['c', 'b', 'a']);
    expect(await list('name=b')).toEqual(['b']);
    expect(await list('admin_state_up=false')).toEqual(['a']);
    expect(await list('admin_state_up=perhaps')).toEqual(['a']);
    expect(await list('vip_subnet_id=t')).toEqual(['c']);
    expect(await list('tags=red,blue')).toEqual(['a']);
    expect(await list('tags-any=blue,green')).toEqual(['a']);
    expect(await list('not-tags=red,blue&sort=name')).toEqual(['b', 'c']);
    expect(await list('not-tags-any=red&sort=name')).toEqual(['b']);
    const fields = await call('GET', '/lbaas/loadbalancers?name=a&fields=name');
    expect(fields.body).toEqual({ loadbalancers: [{ name: 'a' }], loadbalancers_links: [] });
  });

  it.each([
    ['loadbalancers', 'server_group_id=s'],
    ['loadbalancers', 'enabled=true'],
    ['listeners', 'enabled=true'],
    ['pools', 'enabled=true'],
    ['healthmonitors', 'enabled=true'],
    ['l7policies', 'enabled=true'],
  ])('takes a filter of /%s by ?%s, a column of Octavia', async (path, query) => {
    const { call } = openApiHarness();
    expect((await call('GET', `/lbaas/${path}?${query}`)).status).toBe(200);
  });

  it.each([
    ['bogus=1', 'One or more arguments are either duplicate or invalid'],
    ['name=a&name=b', 'One or more arguments are either duplicate or invalid'],
    ['__proto__=1', 'One or more arguments are either duplicate or invalid'],
    ['sort=bogus', "Supplied sort key 'bogus' is not valid."],
    ['sort=name:up', "Supplied sort direction 'up' is not valid."],
    ['limit=x', "Supplied pagination limit 'x' is not valid."],
    ['marker=zz', "Supplied pagination marker 'zz' is not valid."],
  ])('refuses ?%s', async (query, faultstring) => {
    const { call } = openApiHarness();
    const { status, body } = await call('GET', `/lbaas/loadbalancers?${query}`);
    expect([status, body.faultstring]).toEqual([400, faultstring]);
  });

  it('pages both ways with the links that it gives, one query a page', async () => {
    const { call, store } = openApiHarness();
    for (const name of ['a', 'b', 'c', 'd', 'e']) await putLoadBalancer(store, { name });
    const seen: string[] = [];
    let href: string | undefined = 'http://localhost:80/v2.0/lbaas/loadbalancers?limit=2&sort=name:desc';
    let last = href;
    while (href) {
      store.reads = 0;
      const { body } = await call('GET', href.replace('http://localhost:80', ''));
      expect(store.reads).toBe(1);
      seen.push(...names(body));
      last = href;
      href = body.loadbalancers_links.find(({ rel }: { rel: string }) => rel === 'next')?.href;
    }
    expect(seen).toEqual(['e', 'd', 'c', 'b', 'a']);
    const { body } = await call('GET', last.replace('http://localhost:80', ''));
    const previous = body.loadbalancers_links.find(({ rel }: { rel: string }) => rel === 'previous').href;
    expect(previous).toContain('page_reverse=True');
    expect(names((await call('GET', previous.replace('http://localhost:80', ''))).body)).toEqual(['c', 'b']);
  });

  it('shows projects their own and administrators everything', async () => {
    const { call, store } = openApiHarness({ policy: createPolicy({}) });
    await putLoadBalancer(store, { name: 'mine' });
    const theirs = await putLoadBalancer(store, { name: 'theirs', projectId: otherProject });
    const member = { 'x-roles': 'member,reader' };
    expect(names((await call('GET', '/lbaas/loadbalancers', undefined, member)).body)).toEqual(['mine']);
    expect((await call('GET', `/lbaas/loadbalancers?project_id=${otherProject}`, undefined, member)).status).toBe(403);
    const refused = await call('GET', `/lbaas/loadbalancers/${theirs.id}`, undefined, member);
    expect([refused.status, refused.body.faultstring]).toEqual([
      403,
      'Policy does not allow this request to be performed.',
    ]);
    const admin = { 'x-roles': 'admin' };
    expect(names((await call('GET', '/lbaas/loadbalancers', undefined, admin)).body)).toEqual(['mine', 'theirs']);
    const scoped = await call('GET', `/lbaas/loadbalancers?project_id=${otherProject}`, undefined, admin);
    expect(names(scoped.body)).toEqual(['theirs']);
    expect((await call('GET', '/lbaas/loadbalancers', undefined, { 'x-roles': 'nobody' })).status).toBe(403);
  });

  it('wants a token, and answers as keystonemiddleware does without one', async () => {
    const tokens = { validate: async () => null };
    const { call } = openApiHarness({ authentication: { strategy: 'keystone', tokens, authUrl: 'http://keystone' } });
    for (const headers of [{}, { 'x-auth-token': 'gone' }]) {
      const { status, body, headers: answered } = await call('GET', '/lbaas/loadbalancers', undefined, headers);
      expect([status, answered['www-authenticate']]).toEqual([401, 'Keystone uri="http://keystone"']);
      expect(body.error.code).toBe(401);
    }
    expect((await call('GET', '/')).status).toBe(200);
  });
});
