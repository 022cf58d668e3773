import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPolicy } from '../../src/api/policy/policy.ts';
import { openStoredApiHarness, otherProject, ownProject, type StoredApiHarness, subnetId } from '../kit/api.ts';

/** What a tenant may try against the reader of bodies, the paths and the headers: see also test/fuzz. */

const somePool = { protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN' };
const tenant = { 'x-roles': 'load-balancer_member' };

let api: StoredApiHarness;
let origin: string;
let ids: { loadbalancer: string; listener: string; pool: string; policy: string };

beforeAll(async () => {
  api = await openStoredApiHarness({ policy: createPolicy({}) });
  const make = async (path: string, key: string, body: object): Promise<string> => {
    const answer = await api.call('POST', `/lbaas/${path}`, { [key]: body }, tenant);
    expect([path, answer.status]).toEqual([path, 201]);
    await api.settleAll();
    return answer.body[key].id;
  };
  const loadbalancer = await make('loadbalancers', 'loadbalancer', { vip_subnet_id: subnetId });
  const listener = await make('listeners', 'listener', {
    protocol: 'HTTP',
    protocol_port: 80,
    loadbalancer_id: loadbalancer,
  });
  const pool = await make('pools', 'pool', {
    protocol: 'HTTP',
    lb_algorithm: 'ROUND_ROBIN',
    loadbalancer_id: loadbalancer,
  });
  const policy = await make('l7policies', 'l7policy', { action: 'REJECT', listener_id: listener });
  ids = { loadbalancer, listener, pool, policy };
  origin = await api.app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(() => api.close());

const ask = (method: 'POST' | 'PUT', path: string, body: string) => api.call(method, `/lbaas/${path}`, body, tenant);
const loadBalancers = async () =>
  (await api.call('GET', '/lbaas/loadbalancers', undefined, tenant)).body.loadbalancers.length;

describe('bodies', () => {
  it('with a key twice: the last one counts, for the policy as for what is written', async () => {
    const twice = (first: string, last: string) =>
      `{"loadbalancer": {"vip_subnet_id": "${subnetId}", "project_id": "${first}", "project_id": "${last}"}}`;
    const before = await loadBalancers();
    expect((await ask('POST', 'loadbalancers', twice(ownProject, otherProject))).status).toBe(403);
    expect(await loadBalancers()).toBe(before);
    const { status, body } = await ask('POST', 'loadbalancers', twice(otherProject, ownProject));
    expect([status, body.loadbalancer.project_id]).toEqual([201, ownProject]);
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'with the key %s, wherever objects are',
    async (key) => {
      const odd = `"${key}": {"project_id": "${otherProject}"}`;
      for (const [path, body] of [
        ['loadbalancers', `{"loadbalancer": {"vip_subnet_id": "${subnetId}", ${odd}}}`],
        ['loadbalancers', `{${odd}, "loadbalancer": {"vip_subnet_id": "${subnetId}"}}`],
        [
          'pools',
          `{"pool": {"protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN", "session_persistence": {"type": "SOURCE_IP", ${odd}}}}`,
        ],
        [
          'listeners',
          `{"listener": {"protocol": "HTTP", "protocol_port": 81, "insert_headers": {"${key}": "true"}, "loadbalancer_id": "${ids.loadbalancer}"}}`,
        ],
      ] as const) {
        const { status, body: answer } = await ask('POST', path, body);
        expect([status, answer.faultstring]).toEqual([400, expect.stringContaining(key)]);
      }
    },
  );

  it("with another project's ID make nothing of that project's", async () => {
    const more = { project_id: otherProject };
    const parent = { loadbalancer_id: ids.loadbalancer };
    for (const [path, key, body] of [
      ['listeners', 'listener', { protocol: 'HTTP', protocol_port: 8080, ...parent }],
      ['pools', 'pool', { protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN', ...parent }],
      [`pools/${ids.pool}/members`, 'member', { address: '192.0.2.1', protocol_port: 80 }],
      ['healthmonitors', 'healthmonitor', { type: 'TCP', delay: 5, timeout: 4, max_retries: 3, pool_id: ids.pool }],
      ['l7policies', 'l7policy', { action: 'REJECT', listener_id: ids.listener }],
      [`l7policies/${ids.policy}/rules`, 'rule', { type: 'PATH', compare_type: 'EQUAL_TO', value: '/a' }],
    ] as const) {
      const { status, body: answer } = await ask('POST', path, JSON.stringify({ [key]: { ...body, ...more } }));
      await api.settleAll();
      expect([path, status, answer[key].project_id]).toEqual([path, 201, ownProject]);
    }
  });

  it('with as many tags, addresses and members as a body holds are taken or refused, and never an error of the database', async () => {
    const many = (length: number, item: (index: number) => string) =>
      Array.from({ length }, (_, index) => item(index)).join();
    for (const [method, path, body] of [
      ['PUT', `loadbalancers/${ids.loadbalancer}`, `{"loadbalancer": {"tags": [${many(14_000, (n) => `"${n}"`)}]}}`],
      [
        'PUT',
        `listeners/${ids.listener}`,
        `{"listener": {"allowed_cidrs": [${many(6000, (n) => `"10.0.${n >> 8}.${n & 255}"`)}]}}`,
      ],
      [
        'PUT',
        `pools/${ids.pool}/members`,
        `{"members": [${many(2300, (n) => `{"address":"10.1.${n >> 8}.${n & 255}","protocol_port":1}`)}]}`,
      ],
    ] as const) {
      expect(body.length).toBeLessThan(114_688);
      const { status } = await ask(method, path, body);
      expect([path, status < 500]).toEqual([path, true]);
      await api.settleAll();
    }
  }, 120_000);
});

describe('paths', () => {
  it('that are encoded, or spelled in capitals, lead to nothing else', async () => {
    const id = ids.loadbalancer;
    for (const path of [
      `${id}%2Fstatus`,
      `${id}%00`,
      `${id}%0a`,
      `%2e%2e%2flisteners`,
      ` ${id}`.replace(' ', '%20'),
      id.replace(/./, '%7B'),
    ]) {
      const { status } = await api.call('GET', `/lbaas/loadbalancers/${path}`, undefined, tenant);
      expect([path, status]).toEqual([path, 404]);
    }
  });

  it.each(['all_projects=1', 'all_tenants=1', 'tenant_id=*', 'project_id='])(
    'lists with %s show no other project',
    async (query) => {
      await api.call(
        'POST',
        '/lbaas/loadbalancers',
        { loadbalancer: { vip_subnet_id: subnetId } },
        { ...tenant, 'x-project-id': otherProject },
      );
      const { status, body } = await api.call('GET', `/lbaas/loadbalancers?${query}`, undefined, tenant);
      const projects = (body.loadbalancers ?? []).map((one: { project_id: string }) => one.project_id);
      expect([status < 500, projects.includes(otherProject)]).toEqual([true, false]);
    },
  );
});

describe('markers', () => {
  it("of another project's are none: a list sorted behind one would tell where its values stand", async () => {
    const asOther = { ...tenant, 'x-project-id': otherProject };
    const loadbalancer = { vip_subnet_id: subnetId, name: 'their secret', pools: [{ name: 'p', ...somePool }] };
    const theirs = await api.call('POST', '/lbaas/loadbalancers', { loadbalancer }, asOther);
    await api.settleAll();
    const { id, pools } = theirs.body.loadbalancer;
    const address = { address: '192.0.2.9', protocol_port: 99 };
    await api.call('POST', `/lbaas/pools/${pools[0].id}/members`, { member: address }, asOther);
    const [member] = (await api.call('GET', `/lbaas/pools/${pools[0].id}/members`, undefined, asOther)).body.members;
    await api.call('POST', `/lbaas/pools/${ids.pool}/members`, { member: address }, tenant);
    await api.settleAll();
    for (const [path, marker] of [
      ['loadbalancers', id],
      ['pools', pools[0].id],
      [`pools/${ids.pool}/members`, member.id],
    ]) {
      for (const query of [
        'sort=name',
        'sort=name:desc',
        'sort=name&page_reverse=true',
        'sort=name:desc&page_reverse=true',
      ]) {
        const { status, body } = await api.call('GET', `/lbaas/${path}?${query}&marker=${marker}`, undefined, tenant);
        const refusal = `Supplied pagination marker '${marker}' is not valid.`;
        expect([path, query, status, body.faultstring]).toEqual([path, query, 400, refusal]);
      }
    }
  });

  it('of quotas are the same', async () => {
    const admin = { 'x-roles': 'admin' };
    for (const [projectId, loadbalancer] of [
      [ownProject, 5],
      [otherProject, 3],
    ] as const) {
      await api.call('PUT', `/lbaas/quotas/${projectId}`, { quota: { loadbalancer } }, admin);
    }
    const path = `/lbaas/quotas?sort=loadbalancer&marker=${otherProject}`;
    const { status, body } = await api.call('GET', path, undefined, tenant);
    expect([status, body.quotas]).toEqual([200, []]);
    await api.call('DELETE', `/lbaas/quotas/${ownProject}`, undefined, admin);
  });
});

describe('headers', () => {
  const forwarded = {
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-for': '203.0.113.7',
  };
  const linkOf = async (at: string) => {
    const { body } = await request(`${at}/v2/lbaas/loadbalancers?limit=1`, {
      headers: { ...tenant, 'x-project-id': ownProject, ...forwarded },
    });
    const answer = (await body.json()) as { loadbalancers_links: { href: string }[] };
    return new URL(answer.loadbalancers_links[0]?.href ?? '').origin;
  };

  it('of proxies are believed where the operator says so (enable_proxy_headers_parsing), and nowhere else', async () => {
    expect(await linkOf(origin)).toBe(origin);
    const trusting = await openStoredApiHarness({ http: { largestBodyBytes: 1000, trustsProxyHeaders: true } });
    try {
      await trusting.call('POST', '/lbaas/loadbalancers', { loadbalancer: { vip_subnet_id: subnetId } });
      expect(await linkOf(await trusting.app.listen({ host: '127.0.0.1', port: 0 }))).toBe('https://evil.example');
    } finally {
      await trusting.close();
    }
  });

  it('with two tokens let nobody in', async () => {
    const seen: string[] = [];
    const validate = async (token: string) => {
      seen.push(token);
      return null;
    };
    const strict = await openStoredApiHarness({
      authentication: { strategy: 'keystone', tokens: { validate }, authUrl: 'http://127.0.0.1/' },
    });
    try {
      const at = await strict.app.listen({ host: '127.0.0.1', port: 0 });
      const headers = ['x-auth-token', 'good', 'x-auth-token', 'other', 'x-roles', 'admin', 'x-project-id', ownProject];
      const { statusCode } = await request(`${at}/v2/lbaas/loadbalancers`, { headers });
      expect([statusCode, seen]).toEqual([401, ['good, other']]);
    } finally {
      await strict.close();
    }
  });
});

it('client_authentication null of a new listener is refused, as in Octavia', async () => {
  const listener = {
    protocol: 'HTTP',
    protocol_port: 99,
    loadbalancer_id: ids.loadbalancer,
    client_authentication: null,
  };
  const { status, body } = await ask('POST', 'listeners', JSON.stringify({ listener }));
  const words = 'Validation failure: Client authentication setting None requires a client CA container reference.';
  expect([status, body.faultstring]).toEqual([400, words]);
});

it('max_request_body_size: one byte more is 413, and nothing is written', async () => {
  const small = await openStoredApiHarness({ http: { largestBodyBytes: 1000, trustsProxyHeaders: false } });
  try {
    const at = await small.app.listen({ host: '127.0.0.1', port: 0 });
    const body = JSON.stringify({ loadbalancer: { vip_subnet_id: subnetId } });
    const send = async (length: number) => {
      const headers = { 'x-project-id': ownProject, 'content-type': 'application/json' };
      const answer = await request(`${at}/v2/lbaas/loadbalancers`, {
        method: 'POST',
        headers,
        body: body.padEnd(length),
      });
      await answer.body.dump();
      return answer.statusCode;
    };
    expect([await send(1001), await send(1000)]).toEqual([413, 201]);
    expect((await small.call('GET', '/lbaas/loadbalancers')).body.loadbalancers).toHaveLength(1);
  } finally {
    await small.close();
  }
});

it.each([
  ['GET', '/v2/lbaas/loadbalancers', 200],
  ['GET', `/v2/lbaas/loadbalancers/${randomUUID()}`, 404],
  ['DELETE', `/v2/lbaas/pools/${randomUUID()}`, 404],
  ['POST', '/v2/lbaas/loadbalancers', 400],
  ['GET', '/v2/lbaas/nonsense', 404],
])(
  '%s %s: a client that asks for the end of the connection reads that it ends, with %d too',
  async (method, path, status) => {
    const socket = connect(Number(new URL(origin).port), '127.0.0.1');
    const head = [
      `${method} ${path} HTTP/1.1`,
      'host: kiln',
      'connection: close',
      `x-project-id: ${ownProject}`,
      'x-roles: load-balancer_member',
    ];
    if (method === 'POST') head.push('content-type: application/json', 'content-length: 2');
    socket.write(`${head.join('\r\n')}\r\n\r\n${method === 'POST' ? '{}' : ''}`);
    const answer = await text(socket);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toMatch(/\r\nconnection: close\r\n/i);
  },
);
