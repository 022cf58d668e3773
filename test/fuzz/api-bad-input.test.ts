import { createHash } from 'node:crypto';
import { type AddressInfo, connect } from 'node:net';
import fc from 'fast-check';
import { sql } from 'kysely';
import { request } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createPolicy } from '../../src/api/policy/policy.ts';
import type { OpenApiDocument } from '../../src/api/v2/openapi/document.ts';
import type { AmphoraStore } from '../../src/ports/amphora-store.ts';
import { openStoredApiHarness, otherProject, ownProject, type StoredApiHarness, subnetId } from '../kit/api.ts';
import { storedAmphora } from '../kit/contract/amphora-store.ts';
import { type MalformedBody, malformedBodies, validValue } from '../kit/malformed-bodies.ts';
import { operationsOf, resolved } from '../kit/openapi.ts';

/**
 * Requests that are wrong, made from the OpenAPI document and sent to a listening server over a real database: each one
 * is refused with a 4xx that names what is wrong, and changes nothing.
 */

const unknownId = '99999999-9999-4999-8999-999999999999';

let harness: StoredApiHarness;
let document: OpenApiDocument;
let port: number;
let untouched: string;
let changesBefore: number;
/** Requests that were refused as they should be. */
let refused = 0;
/** By the last fixed word of a path, the ID of what is there: ours, and another project's. */
let ours: Record<string, string>;
let theirs: Record<string, string>;

const administrator = { 'x-roles': 'admin', 'x-project-id': ownProject };
const member = { 'x-roles': 'load-balancer_member', 'x-project-id': ownProject };

async function addLoadBalancer(projectId: string): Promise<Record<string, string>> {
  const pool = {
    name: 'web',
    protocol: 'HTTP',
    lb_algorithm: 'ROUND_ROBIN',
    members: [{ address: '192.0.2.1', protocol_port: 80 }],
    healthmonitor: { type: 'HTTP', delay: 5, timeout: 3, max_retries: 2 },
  };
  const rules = [{ type: 'PATH', compare_type: 'STARTS_WITH', value: '/' }];
  const l7policies = [{ action: 'REJECT', rules }];
  const listeners = [{ protocol: 'HTTP', protocol_port: 80, default_pool: pool, l7policies }];
  const loadbalancer = { vip_subnet_id: subnetId, project_id: projectId, listeners };
  const { body } = await harness.call('POST', '/v2/lbaas/loadbalancers', { loadbalancer }, administrator);
  const {
    id,
    listeners: [listener],
    pools: [whole],
  } = body.loadbalancer;
  return {
    loadbalancers: id,
    listeners: listener.id,
    pools: whole.id,
    members: whole.members[0].id,
    healthmonitors: whole.healthmonitor.id,
    l7policies: listener.l7policies[0].id,
    rules: listener.l7policies[0].rules[0].id,
  };
}

async function addOffers(): Promise<Record<string, string>> {
  const make = async (path: string, key: string, body: object) =>
    (await harness.call('POST', `/v2/lbaas/${path}`, { [key]: body }, administrator)).body[key];
  const flavorProfile = await make('flavorprofiles', 'flavorprofile', {
    name: 'p',
    provider_name: 'amphora',
    flavor_data: '{}',
  });
  const flavor = await make('flavors', 'flavor', { name: 'f', flavor_profile_id: flavorProfile.id });
  const zoneProfile = await make('availabilityzoneprofiles', 'availability_zone_profile', {
    name: 'p',
    provider_name: 'amphora',
    availability_zone_data: '{"compute_zone": "nova"}',
  });
  await make('availabilityzones', 'availability_zone', {
    name: 'nova',
    availability_zone_profile_id: zoneProfile.id,
  });
  return {
    flavors: flavor.id,
    flavorprofiles: flavorProfile.id,
    availabilityzones: 'nova',
    availabilityzoneprofiles: zoneProfile.id,
    providers: 'amphora',
    quotas: ownProject,
    amphorae: 'amphora-1',
  };
}

beforeAll(async () => {
  harness = await openStoredApiHarness({ policy: createPolicy({}) });
  ours = { ...(await addLoadBalancer(ownProject)), ...(await addOffers()) };
  theirs = await addLoadBalancer(otherProject);
  await (harness.deps.amphorae as unknown as AmphoraStore).insert(
    storedAmphora('amphora-1', { loadBalancerId: ours.loadbalancers ?? '', status: 'ALLOCATED' }),
  );
  await harness.settleAll();
  await harness.app.listen({ host: '127.0.0.1', port: 0 });
  ({ port } = harness.app.server.address() as AddressInfo);
  document = harness.app.openApi();
  untouched = await checksum();
  changesBefore = await changes();
});
/** After each request it is enough that no row was written. */
afterEach(async () => expect(await checksum()).toBe(untouched));
afterAll(async () => {
  await harness.close();
  expect(refused).toBeGreaterThan(300);
});

/** Of every row of every table. */
async function checksum(): Promise<string> {
  const tables = await sql<{ name: string }>`select name from sqlite_master where type = 'table'`.execute(
    harness.database,
  );
  const hash = createHash('sha256');
  for (const { name } of tables.rows) {
    const { rows } = await sql`select * from ${sql.table(name)}`.execute(harness.database);
    hash.update(`${name} ${rows.length} ${JSON.stringify(rows)}`);
  }
  return hash.digest('hex');
}

/** Rows that were ever written. */
async function changes(): Promise<number> {
  const { rows } = await sql<{ n: number }>`select total_changes() as n`.execute(harness.database);
  return rows[0]?.n ?? -1;
}

/** A path of the document with IDs in it: of each parameter, what its fixed word stands for. */
function filled(path: string, ids: Readonly<Record<string, string>>): string {
  const words = path.split('/');
  return words
    .map((word, index) => (word.startsWith('{') ? (ids[words[index - 1] ?? ''] ?? unknownId) : word))
    .join('/');
}

interface Ask {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  /** What the refusal has to say. */
  names?: string | null;
  why: string;
}

/** The request is refused, as a client's fault, in the format that the document has; and nothing has changed. */
async function expectRefusal({ method, path, headers = {}, body, names = null, why }: Ask): Promise<number> {
  const { statusCode: status, body: stream } = await request(`http://127.0.0.1:${port}${path}`, {
    method: method as 'GET',
    headers: {
      ...administrator,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  });
  const answer = (await stream.json()) as { faultstring?: string; faultcode?: string; code?: number; errors?: unknown };
  const reported = `${method} ${path.slice(0, 120)}: ${why} → ${status} ${JSON.stringify(answer).slice(0, 300)}`;
  expect(status, reported).toBeGreaterThanOrEqual(400);
  expect(status, reported).toBeLessThan(500);
  if (![404, 405, 406].includes(status) || answer.code === undefined) {
    if (status !== 406) expect(answer.faultcode, reported).toBe('Client');
  }
  if (names !== null) expect(answer.faultstring, reported).toContain(names);
  expect(await changes(), `${reported} changed something`).toBe(changesBefore);
  refused++;
  return status;
}

const writes = () => operationsOf(document).filter(({ operation }) => operation.requestBody);
const schemaOf = (operation: ReturnType<typeof writes>[number]['operation']) =>
  operation.requestBody?.content['application/json'].schema ?? {};

describe('bodies', () => {
  it('of the wrong shape, type, length or format, with fields too many or too few', { timeout: 600_000 }, async () => {
    const seen = new Set<string>();
    for (const { method, path, operation } of writes()) {
      for (const { why, names, body } of malformedBodies(document, schemaOf(operation)) as Iterable<MalformedBody>) {
        // The same object stands in several places of a creation: once is enough for each route.
        const key = `${path} ${method} ${why} ${JSON.stringify(body).length}`;
        if (seen.has(key)) continue;
        seen.add(key);
        // Null is judged, as in Octavia, behind other things that are wrong with these bodies, such as a parent that is not there.
        const isNothing = / is null$|: ""$/.test(why);
        const status = await expectRefusal({
          method,
          path: filled(path, ours),
          body: JSON.stringify(body),
          names: isNothing ? null : names,
          why,
        });
        expect([path, why, status]).toEqual([path, why, isNothing && status === 404 ? 404 : 400]);
      }
    }
  });

  it('that are no JSON, no UTF-8, huge or deep', async () => {
    const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    for (const { method, path, operation } of writes()) {
      const [key = ''] = Object.keys(resolved(document, schemaOf(operation)).properties);
      const at = { method, path: filled(path, ours) };
      for (const [why, body] of [
        ['no body', ''],
        ['half a body', `{"${key}": {`],
        ['two values', '{} {}'],
        ['single quotes', `{'${key}': {}}`],
        ['NaN', `{"${key}": NaN}`],
        ['a comma at the end', `{"${key}": {},}`],
        ['deep lists', `{"${key}": ${deep(40_000)}}`],
        ['deep in a field', `{"${key}": {"name": ${deep(40_000)}, "colour": 1}}`],
        ['deep objects', `${'{"a":'.repeat(15_000)}1${'}'.repeat(15_000)}`],
        ['bad UTF-8', Buffer.concat([Buffer.from(`{"${key}": {"name": "`), Buffer.from([0xff]), Buffer.from('"}}')])],
        ['an overlong sequence', Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')])],
        ['UTF-16', Buffer.from(`{"${key}": {}}`, 'utf16le')],
      ] as const) {
        expect([why, await expectRefusal({ ...at, body, why })]).toEqual([why, 400]);
      }
      const huge = `{"${key}": {"name": "${'x'.repeat(200_000)}"}}`;
      expect(await expectRefusal({ ...at, body: huge, why: 'huge' })).toBe(413);
    }
  });

  it('of any JSON whatever', { timeout: 120_000 }, async () => {
    const all = writes();
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.jsonValue({ maxDepth: 4 }), fc.boolean(), async (n, value, wrapped) => {
        const { method, path, operation } = all[n % all.length] as (typeof all)[number];
        const [key = ''] = Object.keys(resolved(document, schemaOf(operation)).properties);
        const isEmpty = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
        // An empty change is a good one.
        fc.pre(!(wrapped && isEmpty));
        const body = JSON.stringify(wrapped ? { [key]: value } : value);
        await expectRefusal({ method, path: filled(path, ours), body, why: body });
      }),
      { numRuns: 150 },
    );
  });

  it('of another type', async () => {
    for (const type of [
      'text/plain',
      'application/xml',
      'multipart/form-data; boundary=x',
      'nonsense',
      'application/',
    ]) {
      for (const { method, path } of writes()) {
        const headers = { 'content-type': type };
        const at = { method, path: filled(path, ours), headers, body: '{"a": 1}', why: `content type ${type}` };
        expect([type, await expectRefusal(at)]).toEqual([type, 415]);
      }
    }
  });

  it('that refer to what is not there', async () => {
    for (const { method, path, operation } of writes()) {
      const schema = schemaOf(operation);
      const good = validValue(document, schema) as Record<string, Record<string, unknown>>;
      const [key] = Object.keys(good);
      // All of a plan's fields may be left out; where they lead is tried in api-releases.test.ts.
      if (key === undefined) continue;
      const properties = resolved(document, resolved(document, schema).properties[key]).properties ?? {};
      const references = Object.keys(properties).filter((name) => /(?<!project|tenant)_id$/.test(name));
      for (const name of references) {
        // Of Neutron's the stand-in for the network knows the subnet alone.
        if (/^vip_(port|network|qos)/.test(name)) continue;
        const extra = path.endsWith('/loadbalancers') ? { vip_subnet_id: subnetId } : {};
        const more = path.endsWith('/members') ? { address: '192.0.2.99', protocol_port: 99 } : {};
        const body = JSON.stringify({ [key]: { ...good[key], ...extra, ...more, [name]: unknownId } });
        const status = await expectRefusal({ method, path: filled(path, ours), body, why: `${name} leads nowhere` });
        expect([400, 404], `${path} ${name}`).toContain(status);
      }
    }
  });
});

describe('paths', () => {
  it('with IDs of nothing', async () => {
    const odd = [unknownId, 'x', '0', 'null', '%00', '%F0%9F%94%A5', "'%20or%201=1--", '..%2F..', 'x'.repeat(90)];
    for (const { method, path, operation } of operationsOf(document)) {
      if (!path.includes('{') || path.includes('/quotas/') || path.includes('/providers/')) continue;
      const good = operation.requestBody ? JSON.stringify(validValue(document, schemaOf(operation))) : undefined;
      for (const id of odd) {
        const at = path.replace(/\{\w+\}(?!.*\{)/, id);
        const ask = { method, path: filled(at, ours), why: 'no such thing' };
        const status = await expectRefusal({ ...ask, ...(good === undefined ? {} : { body: good }) });
        // What is wrong with the body may be reported first.
        expect(good === undefined ? [404] : [400, 404], `${method} ${at}`).toContain(status);
      }
    }
  });

  it('that are no paths, or lead nowhere', async () => {
    for (const path of [
      '/v2/lbaas/loadbalancers/%ff',
      '/v2/lbaas/loadbalancers/%zz',
      '/v2/lbaas/loadbalancers/%',
      `/v2/lbaas/loadbalancers/${'x'.repeat(5000)}`,
      '/v2/lbaas/nothing',
      '/v2/nothing',
      '/v3/lbaas/loadbalancers',
      '/v2//lbaas//loadbalancers',
      '/v2/lbaas/../lbaas/nothing',
      '/v2/lbaas/octavia/amphorae',
    ]) {
      for (const method of ['GET', 'DELETE']) await expectRefusal({ method, path, why: 'no path' });
    }
  });

  it('with methods that they do not take', async () => {
    for (const path of Object.keys(document.paths)) {
      const known = Object.keys(document.paths[path] ?? {}).map((method) => method.toUpperCase());
      for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'].filter((one) => !known.includes(one))) {
        const at = { method, path: filled(path, ours), why: 'method' };
        const status = await expectRefusal(at);
        // A path that says too little or too much for its method gets that answer: routes/odd-paths.ts.
        const isOdd = method === 'POST' ? path.endsWith('}') : method !== 'PATCH';
        expect([method, path, status]).toEqual([method, path, isOdd && status === 400 ? 400 : 405]);
      }
    }
  });
});

describe("other projects' things", () => {
  it('are shown, changed and deleted by nobody else', async () => {
    for (const { method, path, operation } of operationsOf(document)) {
      const word = path.split('/')[3] ?? '';
      if (!path.includes('{') || !(word in theirs)) continue;
      const body = operation.requestBody ? { body: JSON.stringify(validValue(document, schemaOf(operation))) } : {};
      const ask = { method, path: filled(path, theirs), headers: member, why: "another project's", ...body };
      expect(await expectRefusal(ask), `${method} ${path}`).toBe(403);
    }
  });

  it('are referred to by nobody else', async () => {
    const { loadbalancers, listeners, pools } = theirs;
    const { l7policies: _mine, pools: myPool, listeners: myListener } = ours;
    const pool = { protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN' };
    const monitor = { type: 'HTTP', delay: 5, timeout: 3, max_retries: 2 };
    for (const [method, path, body] of [
      ['POST', 'listeners', { listener: { loadbalancer_id: loadbalancers, protocol: 'HTTP', protocol_port: 99 } }],
      ['POST', 'pools', { pool: { loadbalancer_id: loadbalancers, ...pool } }],
      ['POST', 'pools', { pool: { listener_id: listeners, ...pool } }],
      ['POST', 'healthmonitors', { healthmonitor: { pool_id: pools, ...monitor } }],
      ['POST', 'l7policies', { l7policy: { listener_id: listeners, action: 'REJECT' } }],
      ['PUT', `listeners/${myListener}`, { listener: { default_pool_id: pools } }],
      ['PUT', `l7policies/${ours.l7policies}`, { l7policy: { redirect_pool_id: pools } }],
      [
        'POST',
        'l7policies',
        { l7policy: { listener_id: myListener, action: 'REDIRECT_TO_POOL', redirect_pool_id: pools } },
      ],
      ['PUT', `pools/${myPool}/members/${theirs.members}`, { member: { weight: 3 } }],
      ['PUT', `l7policies/${ours.l7policies}/rules/${theirs.rules}`, { rule: { value: '/x' } }],
      ['POST', 'loadbalancers', { loadbalancer: { vip_subnet_id: subnetId, project_id: otherProject } }],
    ] as const) {
      const ask = { method, path: `/v2/lbaas/${path}`, headers: member, body: JSON.stringify(body), why: 'theirs' };
      expect([403, 404], `${method} ${path}`).toContain(await expectRefusal(ask));
    }
  });

  it('stay out of lists, however they are asked for', async () => {
    for (const word of ['loadbalancers', 'listeners', 'pools', 'healthmonitors', 'l7policies']) {
      const path = `/v2/lbaas/${word}?project_id=${otherProject}`;
      expect(await expectRefusal({ method: 'GET', path, headers: member, why: 'theirs' })).toBe(403);
    }
  });
});

describe('query strings', () => {
  it('of lists', async () => {
    const lists = operationsOf(document).filter(
      ({ operation }) => operation.parameters?.some((one) => '$ref' in one && one.$ref.endsWith('/limit')) ?? false,
    );
    expect(lists.length).toBeGreaterThan(10);
    for (const { path } of lists) {
      for (const query of [
        'limit=many',
        'limit=1.5',
        'limit=',
        'limit=1&limit=2',
        'sort=colour',
        'sort=id:sideways',
        'sort=id:asc:desc',
        'sort_key=colour',
        'sort_key=id&sort_dir=up',
        'colour=red',
        'constructor=1',
        '__proto__=1',
        'marker=a&marker=b',
        `marker=${unknownId}`,
        'page_reverse=1&page_reverse=0&marker=x',
        ...(path.includes('quotas') ? [] : ['name=a&name=b', 'enabled[]=1', 'id[$ne]=1']),
      ]) {
        // A quota's marker is a project, which may be any.
        if (path.includes('quotas') && query.startsWith('marker=9')) continue;
        // Quotas have no ID.
        if (path.includes('quotas') && query === 'sort_key=id&sort_dir=up') continue;
        const at = { method: 'GET', path: `${filled(path, ours)}?${query}`, why: query };
        expect([path, query, await expectRefusal(at)]).toEqual([path, query, 400]);
      }
    }
  });
});

describe('headers', () => {
  /** What a server answers to bytes that are hardly HTTP. */
  function raw(bytes: string | Buffer): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      let answer = '';
      socket.setTimeout(20_000, () => socket.destroy(new Error('no answer')));
      socket.on('data', (data) => {
        answer += data.toString('latin1');
      });
      socket.on('error', reject);
      socket.on('close', () => resolve(answer));
      socket.end(bytes);
    });
  }
  const headers = 'X-Roles: admin\r\nContent-Type: application/json\r\n';
  const head = `POST /v2/lbaas/pools HTTP/1.1\r\nHost: x\r\n${headers}`;

  it.each([
    ['two lengths', `${head}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`],
    ['a length and chunks', `${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['a length that is no number', `${head}Content-Length: two\r\n\r\n{}`],
    ['a chunk that is no chunk', `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`],
    ['no host', `POST /v2/lbaas/pools HTTP/1.1\r\n${headers}Content-Length: 2\r\n\r\n{}`],
    ['a name with a blank', `${head}X Bad: 1\r\n\r\n`],
    ['a bare line feed in a value', `${head}X-Bad: a\nb\r\n\r\n`],
    ['a NUL in a value', `${head}X-Bad: a\0b\r\n\r\n`],
    ['a header that is too large', `${head}X-Bad: ${'x'.repeat(17_000)}\r\n\r\n`],
    ['a method that is none', 'FOO /v2/lbaas/pools HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['no HTTP at all', 'hello\r\n\r\n'],
    ['TLS', Buffer.from('16030100050100000100', 'hex')],
    ['a path with a blank', 'GET /v2/lbaas/po ols HTTP/1.1\r\nHost: x\r\n\r\n'],
  ])('%s', async (_why, bytes) => {
    expect(await raw(bytes)).toMatch(/^HTTP\/1\.1 4\d\d /);
    refused++;
  });

  it('that ask for what is not given', async () => {
    for (const accept of ['text/html', 'application/xml', 'image/*', 'application/json;q=0']) {
      // Metrics and the health check have types of their own.
      const operations = operationsOf(document).filter(({ path }) => path.startsWith('/v2'));
      for (const { method, path } of operations.slice(0, 20)) {
        const at = { method, path: filled(path, ours), headers: { accept }, why: `accept ${accept}` };
        expect(await expectRefusal(at)).toBe(406);
      }
    }
  });
});
