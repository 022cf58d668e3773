import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createUiFiles } from '../../src/adapters/ui/files.ts';
import { securityHeaders } from '../../src/api/ui/page-files.ts';
import { KilnError } from '../../src/model/errors.ts';
import type { SignInRequest } from '../../src/ports/sign-in.ts';
import { type ApiHarness, openApiHarness } from '../kit/api.ts';
import { createFakeClock } from '../kit/fakes/fake-clock.ts';
import { createFakeLog } from '../kit/fakes/fake-log.ts';

/** All scripts of the page together, as they come over the network. */
const MOST_SCRIPT_BYTES = 60_000;

const files = createUiFiles();
let asked: SignInRequest[];
let log: ReturnType<typeof createFakeLog>;
let harness: ApiHarness;
beforeEach(() => {
  asked = [];
  log = createFakeLog();
  harness = openApiHarness({
    log,
    ui: {
      files,
      clock: createFakeClock(),
      signIn: {
        async signIn(request) {
          asked.push(request);
          if (request.method === 'password' && request.password !== 'right') {
            throw new KilnError('REQUEST_UNAUTHENTICATED', 'no');
          }
          return {
            token: 't',
            expiresAt: '2026-11-28T12:00:00.000Z',
            project: null,
            projects: [{ id: 'p', name: 'demo' }],
          };
        },
      },
    },
  });
});
afterEach(() => harness.app.close());

const get = (url: string, headers: Record<string, string> = {}) => harness.app.inject({ method: 'GET', url, headers });
const post = (body: unknown, headers: Record<string, string> = {}) =>
  harness.app.inject({
    method: 'POST',
    url: '/ui/sign-in',
    headers: { 'content-type': 'application/json', ...headers },
    payload: typeof body === 'string' ? body : JSON.stringify(body),
  });
const password = { method: 'password', user_name: 'u', user_domain: 'Default', password: 'right' };

describe('the files of the page', () => {
  it('come without a token, whatever type is accepted, under a policy that lets nothing else in', async () => {
    const page = await get('/ui/', { accept: 'text/html' });
    expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers).toMatchObject(securityHeaders);
    expect(securityHeaders['content-security-policy']).toMatch(/^default-src 'none'; /);
    expect(securityHeaders['content-security-policy']).not.toMatch(/unsafe|\*|https?:/);
    // Nothing inline, nothing of anybody else's.
    expect(page.body).not.toMatch(/<style|style=|\son\w+=|https?:\/\/|<script(?![^>]*src="app\.js")/);
    const names = [...page.body.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, name]) => name);
    expect(names).toEqual(['icon.svg', 'app.css', 'app.js']);
    for (const name of names) {
      const file = await get(`/ui/${name}`);
      expect([name, file.statusCode]).toEqual([name, 200]);
      expect(file.headers).toMatchObject(securityHeaders);
    }
  });

  it('are asked for once: then the browser hears that they are what it has', async () => {
    const first = await get('/ui/app.js');
    const { etag } = first.headers;
    expect(first.headers['cache-control']).toBe('no-cache');
    const again = await get('/ui/app.js', { 'if-none-match': `"other", ${etag}` });
    expect([again.statusCode, again.body, again.headers.etag]).toEqual([304, '', etag]);
  });

  it('are found without the slash, too, relative to wherever the API is', async () => {
    const moved = await get('/ui');
    expect([moved.statusCode, moved.headers.location]).toEqual([302, 'ui/']);
  });

  it('are no way to other files, and nothing can be done to them', async () => {
    for (const url of ['/ui/main.tsx', '/ui/..%2Fpackage.json', '/ui/__proto__', '/ui/constructor']) {
      expect([url, (await get(url)).statusCode]).toEqual([url, 404]);
    }
    expect((await harness.app.inject({ method: 'DELETE', url: '/ui/app.js' })).statusCode).toBe(405);
  });

  it('come gzipped to who takes that, and are then another representation', async () => {
    const plain = await get('/ui/app.js', { 'accept-encoding': 'br, gzip;q=0' });
    expect([plain.headers['content-encoding'], plain.headers.vary]).toEqual([undefined, 'accept-encoding']);
    const small = await get('/ui/app.js', { 'accept-encoding': 'gzip, deflate, br' });
    expect([small.headers['content-encoding'], small.headers.vary]).toEqual(['gzip', 'accept-encoding']);
    expect(gunzipSync(small.rawPayload).toString()).toBe(plain.body);
    expect(small.headers.etag).not.toBe(plain.headers.etag);
    const known = { 'accept-encoding': 'gzip', 'if-none-match': String(small.headers.etag) };
    expect((await get('/ui/app.js', known)).statusCode).toBe(304);
    expect((await get('/ui/', { 'accept-encoding': 'gzip' })).body).toContain('<!doctype html>');
  });

  it(`are at most ${MOST_SCRIPT_BYTES} bytes of script, gzipped`, async () => {
    const names = [...(await files()).keys()].filter((name) => name.endsWith('.js'));
    expect(names.length).toBeGreaterThan(0);
    const sent = await Promise.all(names.map((name) => get(`/ui/${name}`, { 'accept-encoding': 'gzip' })));
    const bytes = sent.reduce((sum, { rawPayload }) => sum + rawPayload.length, 0);
    expect(bytes).toBeLessThanOrEqual(MOST_SCRIPT_BYTES);
  });

  it('are not there where [kiln] ui is off', async () => {
    const off = openApiHarness({ ui: null });
    expect((await off.app.inject({ method: 'GET', url: '/ui/' })).statusCode).toBe(404);
    expect((await off.app.inject({ method: 'POST', url: '/ui/sign-in' })).statusCode).toBe(404);
    await off.app.close();
  });
});

describe('signing in', () => {
  it('hands over what was typed and nothing else, and is never cached', async () => {
    const answer = await post(password);
    expect([answer.statusCode, answer.json()]).toEqual([
      200,
      { token: 't', expires_at: '2026-11-28T12:00:00.000Z', project: null, projects: [{ id: 'p', name: 'demo' }] },
    ]);
    expect(answer.headers['cache-control']).toBe('no-store');
    await post({ method: 'application-credential', id: 'i', secret: 's' });
    await post({ method: 'token', token: 't', project_id: 'p' });
    expect(asked).toEqual([
      { method: 'password', userName: 'u', userDomain: 'Default', password: 'right' },
      { method: 'application-credential', id: 'i', secret: 's' },
      { method: 'token', token: 't', projectId: 'p' },
    ]);
  });

  it('refuses what is no such request before Keystone is asked', async () => {
    const bodies = [
      '{',
      '[]',
      'null',
      {},
      { ...password, password: 1 },
      { ...password, password: '' },
      { ...password, auth_url: 'http://elsewhere' },
      { ...password, user_name: 'x'.repeat(256) },
      { ...password, password: 'x'.repeat(4097) },
      { method: 'token', token: 't' },
      { method: 'other' },
    ];
    for (const body of bodies) expect([body, (await post(body)).statusCode]).toEqual([body, 400]);
    expect((await post({ ...password, password: 'x'.repeat(20_000) })).statusCode).toBe(413);
    expect((await post('user=u', { 'content-type': 'application/x-www-form-urlencoded' })).statusCode).toBe(415);
    expect(asked).toEqual([]);
  });

  it('is refused in words, and what was typed is in no log', async () => {
    const answer = await post({ ...password, password: 'geheim' });
    expect([answer.statusCode, answer.json().faultstring]).toEqual([401, 'no']);
    await post(`{"password":"geheim"`);
    expect(JSON.stringify(log.lines)).not.toContain('geheim');
  });

  it('is tried a few times a minute, not more', async () => {
    const statuses = [];
    for (let count = 0; count < 21; count++) statuses.push((await post({ ...password, password: 'w' })).statusCode);
    expect(statuses).toEqual([...Array.from({ length: 20 }, () => 401), 429]);
    const late = await post(password);
    expect([late.statusCode, late.headers['retry-after']]).toEqual([429, '60']);
    expect(late.json().faultstring).toContain('Try again in 60 s');
    expect(asked).toHaveLength(20);
  });

  it('says so where there is no Keystone', async () => {
    const off = openApiHarness({ ui: { files, clock: createFakeClock(), signIn: null } });
    const answer = await off.app.inject({ method: 'POST', url: '/ui/sign-in', payload: password });
    expect([answer.statusCode, answer.json().faultstring]).toEqual([501, expect.stringContaining('noauth')]);
    await off.app.close();
  });
});
