/** `kiln ui`: the page on loopback over a control socket, and who is let in. */
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { relayPublicApi } from '../../src/adapters/control/client.ts';
import { createUiFiles } from '../../src/adapters/ui/files.ts';
import { controlRoutes } from '../../src/api/control/routes.ts';
import { createLocalPage } from '../../src/api/local-page/server.ts';
import { createPolicy } from '../../src/api/policy/policy.ts';
import { openApiHarness } from '../kit/api.ts';
import { createFakeClock } from '../kit/fakes/fake-clock.ts';

const files = createUiFiles();
let folder: string;
let codes: string[];
let clock: ReturnType<typeof createFakeClock>;
let page: FastifyInstance;
let port: number;
let control: FastifyInstance;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kiln-local-page-'));
  codes = [];
  clock = createFakeClock();
  const socketPath = join(folder, 'kiln.sock');
  control = await serveControl(socketPath);
  const { relay, close } = relayPublicApi(socketPath, 'alice@controller');
  page = createLocalPage({ files, relay, clock, onCode: (code) => codes.push(code) });
  page.addHook('onClose', close);
  await page.listen({ host: '127.0.0.1', port: 0 });
  ({ port } = page.server.address() as AddressInfo);
});
afterEach(async () => {
  await page.close();
  await control.close();
  rmSync(folder, { recursive: true, force: true });
});

async function serveControl(socketPath: string): Promise<FastifyInstance> {
  const { app: publicApi } = openApiHarness({ policy: createPolicy({ everybodyIsAdmin: true }) });
  await publicApi.ready();
  const unused = () => Promise.reject(new Error('not asked for here'));
  const amphorae = { list: unused, get: unused, boot: unused, delete: unused };
  const app = Fastify();
  await controlRoutes(app, {
    self: { pid: 4711, version: '0.3.0' },
    amphorae,
    abortOperation: unused,
    status: unused,
    publicApi: async () => publicApi,
  });
  app.addHook('onClose', () => publicApi.close());
  await app.listen({ path: socketPath });
  return app;
}

/** As any program of the host can ask: with whatever headers it likes. */
async function ask(method: string, path: string, headers: Record<string, string> = {}, body?: unknown) {
  const sent = httpRequest({ host: '127.0.0.1', port, method, path, headers: { connection: 'close', ...headers } });
  sent.end(body === undefined ? undefined : JSON.stringify(body));
  const answer = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    sent.once('response', resolve).once('error', reject);
  });
  return { status: answer.statusCode, headers: answer.headers, body: await text(answer) };
}

const json = { 'content-type': 'application/json' };
const redeem = (code: string, headers: Record<string, string> = {}) =>
  ask('POST', '/ui/sign-in', { ...json, ...headers }, { method: 'code', code });

async function signedIn(): Promise<string> {
  const answer = await redeem(codes.at(-1) ?? '');
  expect(answer.status).toBe(200);
  return (JSON.parse(answer.body) as { token: string }).token;
}

it('lets in who has the code, as an administrator under their own name, with the whole public API', async () => {
  const index = await ask('GET', '/ui/');
  expect(index.body).toContain('name="kiln-sign-in" content="address"');
  expect(index.headers['content-security-policy']).toContain("default-src 'none'");
  const token = { 'x-auth-token': await signedIn() };
  const { permissions } = JSON.parse((await ask('GET', '/v2/kiln/permissions', token)).body) as {
    permissions: { user_name: string; system_scope: boolean; actions: string[] };
  };
  expect(permissions).toMatchObject({ user_name: 'alice@controller', system_scope: true });
  expect(permissions.actions).toContain('release:put_intent');
  const refused = await ask('POST', '/v2/kiln/releases/plan', { ...token, ...json }, { tag: 7 });
  expect(refused.status).toBe(400);
  expect(refused.body).toContain('tag');
  expect((await ask('DELETE', '/v2/lbaas/loadbalancers/nobody', token)).status).toBe(404);
});

it('hands on no identity that a request claims', async () => {
  const token = await signedIn();
  const claimed = { 'x-auth-token': token, 'x-user-name': 'mallory', 'x-roles': 'reader', 'x-project-id': 'p' };
  const { permissions } = JSON.parse((await ask('GET', '/v2/kiln/permissions', claimed)).body) as {
    permissions: object;
  };
  expect(permissions).toMatchObject({ user_name: 'alice@controller', project_id: null, roles: ['admin'] });
});

it('takes a code once, then prints another one', async () => {
  expect(codes).toHaveLength(1);
  await signedIn();
  expect(codes).toHaveLength(2);
  const again = await redeem(codes[0] ?? '');
  expect(again.status).toBe(401);
  expect(again.body).toContain('used already');
  expect(codes).toHaveLength(2);
  await signedIn();
});

it('takes no code that is too old, and prints another one to who had it', async () => {
  await clock.advance(600_000);
  const late = await redeem(codes[0] ?? '');
  expect(late.status).toBe(401);
  expect(late.body).toContain('too old');
  expect(codes).toHaveLength(2);
  await signedIn();
});

it('takes no code that it has not printed, whatever it looks like', async () => {
  for (const code of ['', 'x', `${codes[0]}x`, '__proto__', 'a'.repeat(255)]) {
    expect((await redeem(code)).status).toBe(401);
  }
  for (const body of [
    null,
    {},
    { method: 'code' },
    { method: 'code', code: 7 },
    { method: 'password', user_name: 'u' },
  ]) {
    expect((await ask('POST', '/ui/sign-in', json, body)).status).toBe(400);
  }
  expect(codes).toHaveLength(1);
  await signedIn();
});

it.each(['GET', 'POST', 'PUT', 'DELETE'])('answers no %s to the API without the token of a session', async (method) => {
  for (const token of [undefined, '', 'x', codes[0]]) {
    const answer = await ask(method, '/v2/lbaas/loadbalancers', token === undefined ? {} : { 'x-auth-token': token });
    expect(answer.status).toBe(401);
  }
});

it('ends a session after twelve hours, and the oldest of more than sixteen', async () => {
  const first = await signedIn();
  const second = await signedIn();
  for (let count = 0; count < 15; count++) await signedIn();
  const statusOf = async (token: string) =>
    (await ask('GET', '/v2/kiln/permissions', { 'x-auth-token': token })).status;
  expect(await statusOf(first)).toBe(401);
  expect(await statusOf(second)).toBe(200);
  await clock.advance(12 * 3_600_000);
  expect(await statusOf(second)).toBe(401);
});

it('answers under no other name: one that was rebound to 127.0.0.1 gets nothing', async () => {
  const token = { 'x-auth-token': await signedIn() };
  for (const host of [
    'evil.example',
    `evil.example:${port}`,
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '0.0.0.0',
    '127.0.0.1@evil.example',
    '127.0.0.1:80:80',
  ]) {
    for (const path of ['/ui/', '/ui/app.js', '/v2/kiln/permissions']) {
      const { status, body } = await ask('GET', path, { ...token, host });
      // Node.js itself refuses a head without a host.
      expect([400, 421], `${host} ${path}`).toContain(status);
      expect(body).not.toContain('alice');
    }
    expect([400, 421]).toContain((await redeem(codes.at(-1) ?? '', { host })).status);
  }
  for (const host of [`127.0.0.1:${port}`, 'localhost', 'localhost:8081']) {
    expect((await ask('GET', '/v2/kiln/permissions', { ...token, host })).status).toBe(200);
  }
});

it('answers to no page of another site, of another port, nor of a file', async () => {
  const token = { 'x-auth-token': await signedIn() };
  const host = `127.0.0.1:${port}`;
  for (const origin of [
    'https://evil.example',
    `http://localhost:${port}`,
    'http://127.0.0.1:1',
    `https://${host}`,
    'null',
  ]) {
    expect((await ask('GET', '/v2/kiln/permissions', { ...token, host, origin })).status).toBe(403);
    expect((await ask('OPTIONS', '/v2/kiln/permissions', { host, origin })).status).toBe(403);
    expect((await redeem(codes.at(-1) ?? '', { host, origin })).status).toBe(403);
  }
  expect((await ask('GET', '/v2/kiln/permissions', { ...token, host, origin: `http://${host}` })).status).toBe(200);
});

it('reaches nothing on the control socket but the public API', async () => {
  const token = { 'x-auth-token': await signedIn() };
  for (const path of [
    '/ping',
    '/status',
    '/amphorae',
    '/v2/../status',
    '/v2/%2e%2e/amphorae',
    '//status',
    '/operations/x/abort',
  ]) {
    expect((await ask('GET', path, token)).status, path).toBe(404);
  }
});

it('says that kiln serve does not answer, and goes on when it does again', async () => {
  const token = { 'x-auth-token': await signedIn() };
  await control.close();
  const lost = await ask('GET', '/v2/kiln/permissions', token);
  expect(lost.status).toBe(502);
  expect(lost.body).toContain('kiln serve does not answer');
  control = await serveControl(join(folder, 'kiln.sock'));
  expect((await ask('GET', '/v2/kiln/permissions', token)).status).toBe(200);
});
