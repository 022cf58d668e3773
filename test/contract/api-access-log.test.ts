/** One line a request, whatever becomes of it, over real connections. */
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectionLimits } from '../../src/http/limited-server.ts';
import { KilnError } from '../../src/model/errors.ts';
import { type ApiHarness, openApiHarness } from '../kit/api.ts';
import { createFakeLog } from '../kit/fakes/fake-log.ts';

const secret = 's3cr3t-s3cr3t';
let harness: ApiHarness;
let log: ReturnType<typeof createFakeLog>;
let port: number;
/** Lists of quotas wait for this. */
let held = Promise.withResolvers<void>();

beforeAll(async () => {
  log = createFakeLog();
  harness = openApiHarness({
    log,
    connections: { ...connectionLimits, headSeconds: 1, requestSeconds: 2, restSeconds: 1 },
    authentication: { strategy: 'keystone', tokens: { validate }, authUrl: 'http://keystone' } as never,
    quotas: {
      list: async () => {
        await held.promise;
        return [];
      },
    } as never,
  });
  await harness.app.listen({ host: '127.0.0.1', port: 0 });
  port = (harness.app.server.address() as AddressInfo).port;
});
afterAll(() => harness.app.close());

async function validate(token: string) {
  if (token === `${secret}-down`) throw new KilnError('SERVICE_UNREACHABLE', 'keystone is away');
  return token === secret ? { userId: 'u', projectId: 'p', roles: ['admin'], systemScope: false } : null;
}

/**
 * Sends these bytes; resolves with all that was answered, once the connection has ended.
 * @param options.cutAfter milliseconds from when the server has read the head.
 */
function exchange(bytes: string, { cutAfter = null }: { cutAfter?: number | null } = {}): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (data) => {
    answer += data.toString();
  });
  socket.on('error', () => {});
  socket.on('close', () => resolve(answer));
  socket.write(bytes);
  if (cutAfter !== null) harness.app.server.once('request', () => setTimeout(() => socket.destroy(), cutAfter));
  return promise;
}

const head = (line: string, more: readonly string[] = []) =>
  [`${line} HTTP/1.1`, 'Host: kiln', 'Connection: close', ...more, '', ''].join('\r\n');
const known = `X-Auth-Token: ${secret}`;
const json = 'Content-Type: application/json';
const lines = () => log.lines.filter(({ message }) => message === 'request').map(({ fields }) => fields);

async function linesAfter(count: number): Promise<object[]> {
  await expect.poll(() => lines().length, { timeout: 60_000 }).toBeGreaterThanOrEqual(count);
  return lines();
}

it.each<[title: string, bytes: string, status: number, path: string | null]>([
  ['an answer', head('GET /v2.0/lbaas/providers', [known]), 200, '/v2.0/lbaas/providers'],
  ['no token', head(`GET /v2.0/lbaas/pools?a=${secret}`), 401, '/v2.0/lbaas/pools'],
  ['a wrong token', head('GET /v2.0/lbaas/pools', [`X-Auth-Token: ${secret}-wrong`]), 401, '/v2.0/lbaas/pools'],
  ['Keystone away', head('GET /v2.0/lbaas/pools', [`X-Auth-Token: ${secret}-down`]), 503, '/v2.0/lbaas/pools'],
  ['no such route', head('GET /v2.0/nothing', [known]), 404, '/v2.0/nothing'],
  ['a method that is not taken', head('PATCH /v2.0/lbaas/pools', [known]), 405, '/v2.0/lbaas/pools'],
  ['a type that is not served', head('GET /v2.0/lbaas/pools', [known, 'Accept: text/html']), 406, '/v2.0/lbaas/pools'],
  ['HEAD', head('HEAD /healthcheck'), 204, '/healthcheck'],
  ['OPTIONS', head('OPTIONS /v2.0/lbaas/pools'), 200, '/v2.0/lbaas/pools'],
  ['no JSON', `${head('POST /v2.0/lbaas/pools', [known, json, 'Content-Length: 3'])}{{{`, 400, '/v2.0/lbaas/pools'],
  ['another type', `${head('POST /v2.0/lbaas/pools', [known, 'Content-Length: 1'])}x`, 415, '/v2.0/lbaas/pools'],
  ['too large', head('POST /v2.0/lbaas/pools', [known, json, 'Content-Length: 200000']), 413, '/v2.0/lbaas/pools'],
  ['a path that is none', head('GET /v2.0/lbaas/pools/%zz', [known]), 400, '/v2.0/lbaas/pools/%zz'],
  ['a very long path', head(`GET /v2.0/lbaas/pools/${'a'.repeat(500)}`, [known]), 404, null],
  ['no request', 'nonsense\r\n\r\n', 400, null],
  ['a head too large', head('GET /', [`X-Auth-Token: ${secret}${'a'.repeat(20_000)}`]), 431, null],
  ['half a head', 'GET /v2.0/lbaas/po', 408, null],
  [
    'half a body',
    `${head('POST /v2.0/lbaas/pools', [known, json, 'Content-Length: 50'])}{"pool"`,
    408,
    '/v2.0/lbaas/pools',
  ],
])('%s', { timeout: 20_000 }, async (_title, bytes, status, path) => {
  log.lines.splice(0);
  const answer = await exchange(bytes);
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  const requestId = /^x-openstack-request-id: (\S+)/im.exec(answer)?.[1];
  expect(requestId).toMatch(/^req-/);
  const [line, ...others] = await linesAfter(1);
  expect(others).toEqual([]);
  expect(line).toMatchObject({ requestId, status, ...(path && { path }) });
  expect(JSON.stringify(log.lines)).not.toContain(secret);
});

it('a client that goes while its body is awaited, and one that goes while its answer is made', async () => {
  log.lines.splice(0);
  held = Promise.withResolvers();
  await exchange(`${head('POST /v2.0/lbaas/pools', [known, json, 'Content-Length: 50'])}{"pool"`, { cutAfter: 100 });
  await linesAfter(1);
  await exchange(head('GET /v2.0/lbaas/quotas', [known]), { cutAfter: 100 });
  await linesAfter(2);
  held.resolve();
  const found = await linesAfter(2);
  expect(found).toMatchObject([
    { method: 'POST', path: '/v2.0/lbaas/pools', cutOff: true },
    { method: 'GET', path: '/v2.0/lbaas/quotas', status: null, cutOff: true },
  ]);
});
