import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenApiDocument } from '../../src/api/v2/openapi/document.ts';
import { openStoredApiHarness, type StoredApiHarness, subnetId } from '../kit/api.ts';
import { faultsOf, operationsOf, resolved } from '../kit/openapi.ts';

let harness: StoredApiHarness;
let document: OpenApiDocument;
beforeAll(async () => {
  harness = await openStoredApiHarness();
  const served = await harness.app.inject({ method: 'GET', url: '/openapi.json' });
  expect(served.statusCode).toBe(200);
  document = served.json();
});
afterAll(() => harness.close());

/** An answer of the API, held to the document. */
async function ask(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, template = path) {
  const { status, body: answer } = await harness.call(method, path, body);
  const operation = document.paths[template]?.[method.toLowerCase()];
  expect(operation, `${method} ${template}`).toBeDefined();
  const described = resolved(document, operation?.responses[status] ?? operation?.responses.default);
  const schema = described.content?.['application/json']?.schema;
  expect([template, schema ? faultsOf(document, schema, answer) : answer]).toEqual([template, schema ? [] : '']);
  if (method !== 'DELETE') await harness.settleAll();
  return answer;
}

describe('the OpenAPI document', () => {
  it('has references that lead somewhere, and names every operation once', () => {
    const walk = (node: unknown): void => {
      if (typeof node !== 'object' || node === null) return;
      if ('$ref' in node) resolved(document, node);
      Object.values(node).forEach(walk);
    };
    walk(document);
    const ids = operationsOf(document).map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('describes every answer, and the body of every request that has one', () => {
    for (const { path, method, operation } of operationsOf(document)) {
      expect([path, Object.keys(operation.responses)[0]]).toEqual([path, expect.stringMatching(/^20\d$/)]);
      const hasBody = method === 'POST' || (method === 'PUT' && !/\/(failover|config)$/.test(path));
      expect([method, path, operation.requestBody !== undefined]).toEqual([method, path, hasBody]);
    }
  });

  it('knows all that is served: what it does not know is "not found" or "not allowed"', async () => {
    for (const path of ['/v2/lbaas/nothing', '/v2/octavia/nothing', '/v2/lbaas/loadbalancers/x/nothing']) {
      expect((await harness.call('GET', path)).status).toBe(404);
    }
    for (const path of Object.keys(document.paths)) {
      const known = Object.keys(document.paths[path] ?? {});
      for (const method of ['GET', 'POST', 'PUT', 'DELETE'] as const) {
        if (known.includes(method.toLowerCase())) continue;
        const { status } = await harness.call(method, path.replaceAll(/\{\w+\}/g, 'x'));
        // A path that says too little or too much for its method gets that answer: routes/odd-paths.ts.
        const isOdd = method === 'POST' ? path.endsWith('}') : status === 400;
        expect([method, path, status]).toEqual([method, path, isOdd && status === 400 ? 400 : 405]);
      }
    }
  });

  it('is true of real answers', async () => {
    const lb = await ask('POST', '/v2/lbaas/loadbalancers', {
      loadbalancer: {
        vip_subnet_id: subnetId,
        tags: ['t'],
        listeners: [
          {
            protocol: 'HTTP',
            protocol_port: 80,
            insert_headers: { 'X-Forwarded-For': 'true' },
            default_pool: {
              name: 'web',
              protocol: 'HTTP',
              lb_algorithm: 'ROUND_ROBIN',
              session_persistence: { type: 'APP_COOKIE', cookie_name: 'c' },
              members: [{ address: '192.0.2.1', protocol_port: 80 }],
              healthmonitor: { type: 'HTTP', delay: 5, timeout: 3, max_retries: 2 },
            },
            l7policies: [{ action: 'REJECT', rules: [{ type: 'PATH', compare_type: 'STARTS_WITH', value: '/' }] }],
          },
        ],
      },
    });
    const { id, listeners, pools } = lb.loadbalancer;
    const [{ id: listener, l7policies }] = listeners;
    const [{ id: pool, members, healthmonitor }] = pools;
    const [{ id: policy, rules }] = l7policies;
    const one = (path: string, key: string, template: string) => ask('GET', `${path}/${key}`, undefined, template);
    for (const [path, key] of [
      ['/v2/lbaas/loadbalancers', id],
      ['/v2/lbaas/listeners', listener],
      ['/v2/lbaas/pools', pool],
      ['/v2/lbaas/healthmonitors', healthmonitor.id],
      ['/v2/lbaas/l7policies', policy],
    ]) {
      await ask('GET', path);
      await one(path, key, `${path}/{id}`);
    }
    for (const [path, key, template] of [
      [`/v2/lbaas/pools/${pool}/members`, members[0].id, '/v2/lbaas/pools/{parentId}/members'],
      [`/v2/lbaas/l7policies/${policy}/rules`, rules[0].id, '/v2/lbaas/l7policies/{parentId}/rules'],
    ]) {
      await ask('GET', path, undefined, template);
      await one(path, key, `${template}/{id}`);
    }
    for (const part of ['status', 'stats']) {
      await ask('GET', `/v2/lbaas/loadbalancers/${id}/${part}`, undefined, `/v2/lbaas/loadbalancers/{id}/${part}`);
    }
    await ask('PUT', `/v2/lbaas/pools/${pool}`, { pool: { name: 'n' } }, '/v2/lbaas/pools/{id}');
    await ask('PUT', `/v2/lbaas/pools/${pool}`, { pool: { name: 1 } }, '/v2/lbaas/pools/{id}');
    const failover = `/v2/lbaas/loadbalancers/${id}/failover`;
    await ask('PUT', failover, undefined, '/v2/lbaas/loadbalancers/{id}/failover');

    const profile = { name: 'p', provider_name: 'amphora', flavor_data: '{}' };
    const { flavorprofile } = await ask('POST', '/v2/lbaas/flavorprofiles', { flavorprofile: profile });
    await ask('POST', '/v2/lbaas/flavors', { flavor: { name: 'f', flavor_profile_id: flavorprofile.id } });
    const quota = { quota: { pool: 3 } };
    await ask('PUT', '/v2/lbaas/quotas/p', quota, '/v2/lbaas/quotas/{projectId}');
    for (const path of [
      '/v2/lbaas/flavors',
      '/v2/lbaas/flavorprofiles',
      '/v2/lbaas/availabilityzones',
      '/v2/lbaas/availabilityzoneprofiles',
      '/v2/lbaas/providers',
      '/v2/lbaas/quotas',
      '/v2/octavia/amphorae',
      '/v2/kiln/fleet',
      '/',
    ]) {
      await ask('GET', path);
    }
    expect(await ask('GET', '/v2/lbaas/flavors/x', undefined, '/v2/lbaas/flavors/{key}')).toMatchObject({
      faultcode: 'Client',
    });
  });
});
