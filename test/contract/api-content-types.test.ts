import { describe, expect, it } from 'vitest';
import { openApiHarness } from '../kit/api.ts';

/** What Octavia answers beside its resources (pecan, webob, wsme, oslo.middleware), as a real one answered it. */
const away = ['The Octavia database is unavailable.'];
const health = (problems: readonly string[] = [], detailed = false) => ({ problems: async () => problems, detailed });

describe('/healthcheck', () => {
  it.each([
    [undefined, 'text/plain; charset=UTF-8'],
    ['text/plain', 'text/plain; charset=UTF-8'],
    ['*/*', 'text/plain; charset=UTF-8'],
    ['image/png', 'text/plain; charset=UTF-8'],
    ['nonsense', 'text/plain; charset=UTF-8'],
    ['text/html', 'text/html; charset=UTF-8'],
    ['application/json', 'application/json'],
    ['application/*', 'application/json'],
    ['text/html;q=0.1, application/json', 'application/json'],
  ])('answers Accept: %s with %s', async (accept, type) => {
    const { app } = openApiHarness({ health: health() });
    const answer = await app.inject({ url: '/healthcheck', headers: accept === undefined ? {} : { accept } });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toMatch(type);
    if (type.startsWith('text/plain')) expect(answer.body).toBe('OK');
    else if (type.startsWith('text/html')) expect(answer.body).toContain('<H2>Result of 1 checks:</H2>');
    else expect(answer.body).toBe('{\n    "detailed": false,\n    "reasons": [\n        "OK"\n    ]\n}');
  });

  it('has a HEAD, which has no body', async () => {
    const well = await openApiHarness({ health: health() }).app.inject({ method: 'HEAD', url: '/healthcheck' });
    expect([well.statusCode, well.body]).toEqual([204, '']);
    const sick = await openApiHarness({ health: health(away) }).app.inject({ method: 'HEAD', url: '/healthcheck' });
    expect([sick.statusCode, sick.body]).toEqual([503, '']);
  });

  it('says 503 and why, in each type', async () => {
    const { call } = openApiHarness({ health: health(away) });
    const ask = (accept: string) => call('GET', '/healthcheck', undefined, { accept });
    expect(await ask('text/plain')).toMatchObject({ status: 503, body: away[0] });
    expect(await ask('application/json')).toMatchObject({ status: 503, body: { detailed: false, reasons: away } });
    expect((await ask('text/html')).body).toContain(`<TD>${away[0]}</TD>`);
  });

  it('has the fields of the details, and in them nothing of the process', async () => {
    const { call } = openApiHarness({ health: health(away, true) });
    const { body } = await call('GET', '/healthcheck', undefined, { accept: 'application/json' });
    expect(Object.keys(body)).toEqual([
      ...['detailed', 'gc', 'greenthreads', 'now', 'platform', 'python_version', 'reasons', 'threads'],
    ]);
    expect(body).toMatchObject({ detailed: true, platform: '', threads: [], greenthreads: [] });
    expect(body.reasons).toEqual([{ class: 'OctaviaDBCheckResult', details: '', reason: away[0] }]);
    const html = await call('GET', '/healthcheck', undefined, { accept: 'text/html' });
    expect(html.body).toContain('Garbage collector');
    expect(html.body).not.toContain(process.version);
    expect((await call('GET', '/healthcheck')).body).toBe(away[0]);
  });

  it('takes no other method, and is not there when it is off', async () => {
    const { call, app } = openApiHarness({ health: health() });
    for (const method of ['POST', 'PUT', 'DELETE'] as const)
      expect((await call(method, '/healthcheck')).status).toBe(405);
    const off = openApiHarness({ health: null });
    expect((await off.call('GET', '/healthcheck')).status).toBe(404);
    expect((await app.inject({ url: '/healthcheck/' })).statusCode).toBe(200);
  });
});

describe('what is no resource', () => {
  const { app, call } = openApiHarness();

  it.each(['application/xml', 'application/xml,text/html', 'text/plain', 'image/png', 'application/json;q=0'])(
    'Accept: %s is 406',
    async (accept) => {
      for (const path of ['/', '/v2', '/lbaas/loadbalancers', '/lbaas/nothing'])
        expect(await call('GET', path, undefined, { accept })).toMatchObject({
          status: 406,
          body: { code: 406, title: 'Not Acceptable', description: 'Only content type application/json is accepted.' },
        });
    },
  );

  it.each(['', 'bogus', '*', ';;;', 'application/json, text/plain, */*', 'text/html,application/json;q=0.8'])(
    'Accept: "%s" is not refused',
    async (accept) => {
      for (const path of ['/', '/lbaas/loadbalancers'])
        expect((await call('GET', path, undefined, { accept })).status).toBe(200);
    },
  );

  it.each([
    ['GET', '/nope', 404, null, undefined],
    ['GET', '/v3', 404, null, undefined],
    ['GET', '/v2/nope', 404, '', undefined],
    ['GET', '/v2/lbaas/nope', 404, '', undefined],
    ['GET', '/v2/lbaas/loadbalancers/a/b/c', 404, '', undefined],
    ['PATCH', '/nope', 404, null, undefined],
    ['POST', '/v2/lbaas/nope', 405, '', 'GET'],
    ['POST', '/v2', 405, '', 'GET'],
    ['PATCH', '/v2/lbaas/quotas/x', 405, '', 'DELETE, GET, PUT'],
    ['PUT', '/v2/octavia/amphorae/x', 405, '', 'DELETE, GET'],
    ['POST', '/v2/octavia/amphorae/x/stats', 405, '', 'GET'],
    ['POST', '/v2/lbaas/providers', 405, '', 'GET'],
  ] as const)('%s %s is %i', async (method, url, status, description, allow) => {
    const answer = await app.inject({ method, url });
    const title = status === 404 ? 'Not Found' : 'Method Not Allowed';
    expect([answer.statusCode, answer.json()]).toEqual([status, { code: status, title, description }]);
    expect(answer.headers.allow).toBe(allow);
  });

  it('HEAD is 405 where Octavia has none, and OPTIONS is 200 everywhere', async () => {
    for (const url of ['/v2', '/v2/lbaas/loadbalancers', '/v2/lbaas/loadbalancers/x', '/v2/lbaas/quotas/defaults'])
      expect((await app.inject({ method: 'HEAD', url })).statusCode).toBe(405);
    for (const url of ['/', '/metrics', '/openapi.json'])
      expect((await app.inject({ method: 'HEAD', url })).statusCode).toBe(200);
    for (const url of ['/v2', '/nope', '/v2/lbaas/loadbalancers', '/v2/lbaas/pools/x/members'])
      expect(await app.inject({ method: 'OPTIONS', url })).toMatchObject({ statusCode: 200, body: '' });
  });
});

describe('a body', () => {
  const { app } = openApiHarness();
  const post = (type: string, payload: string | Buffer) =>
    app.inject({ method: 'POST', url: '/v2/lbaas/pools', headers: { 'content-type': type }, payload });

  it.each(['text/plain', 'application/xml', 'image/png', 'application/vnd.api+json'])(
    'of type %s is 415, and without anything in it a missing argument',
    async (type) => {
      const refused = await post(type, '{}');
      expect([refused.statusCode, refused.json()]).toEqual([
        415,
        { faultcode: 'Client', faultstring: `Unknown mimetype: ${type}`, debuginfo: null },
      ]);
      expect((await post(type, '')).json().faultstring).toBe('Missing argument: "pool_"');
    },
  );

  it.each(['application/json', 'application/json; charset=utf-8', 'text/javascript', 'application/javascript'])(
    'of type %s is JSON',
    async (type) => {
      expect((await post(type, '{"x":1}')).json().faultstring).toContain('Unknown attribute');
      for (const broken of ['{bad', ' ', '\uFEFF{}', '{"pool":NaN}', Buffer.from([0xff, 0xfe]), '{"pool":{}}x'])
        expect((await post(type, broken)).json()).toEqual({
          faultcode: 'Client',
          faultstring: 'Request is not in valid JSON format',
          debuginfo: null,
        });
    },
  );
});
