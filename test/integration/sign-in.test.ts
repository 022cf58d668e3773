import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { createSystemClock } from '../../src/adapters/clock/system-clock.ts';
import { createHttp, type Http } from '../../src/adapters/openstack/http.ts';
import { createSignIn } from '../../src/adapters/openstack/sign-in.ts';
import { type Cloud, startCloud } from '../../src/dev-cloud/cloud.ts';
import { createFakeLog } from '../kit/fakes/fake-log.ts';

/** Signing in at the embedded cloud's Keystone. */

const folder = mkdtempSync(join(tmpdir(), 'kiln-sign-in-'));
let cloud: Cloud;
let http: Http;
beforeAll(async () => {
  cloud = await startCloud({ stateDirectory: folder });
  http = createHttp({ settings: {}, clock: createSystemClock(), log: createFakeLog() });
});
afterAll(async () => {
  await http?.close();
  await cloud?.close();
  rmSync(folder, { recursive: true, force: true });
});

const at = (authUrl = cloud.accounts.demo.authUrl) => createSignIn({ authUrl, http });
const byPassword = (userName: string, password: string, userDomain = 'Default') =>
  at().signIn({ method: 'password', userName, userDomain, password });

it('gives a token for the only project, which the services take', async () => {
  const { demo } = cloud.accounts;
  const signedIn = await byPassword('demo', demo.password);
  expect(signedIn).toMatchObject({ project: { id: demo.projectId, name: 'demo' }, projects: [] });
  expect(Date.parse(signedIn.expiresAt)).toBeGreaterThan(Date.now());
  const images = await fetch(`${cloud.url}/image/v2/images`, { headers: { 'x-auth-token': signedIn.token } });
  expect(images.status).toBe(200);
});

it('gives the projects to choose from where there are several, and then a token for one of them', async () => {
  // The embedded cloud's users have one project each: in front of its Keystone, one that knows of another.
  const { demo } = cloud.accounts;
  const between = createServer((request, response) => void relay(request, response));
  async function relay(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', headers, url = '' } = request;
    const body = method === 'POST' ? await text(request) : null;
    const token = String(headers['x-auth-token'] ?? '');
    const answer = await fetch(`${cloud.url}/identity${url}`, {
      method,
      headers: { 'content-type': 'application/json', 'x-auth-token': token },
      body,
    });
    const content = (await answer.json()) as { projects?: object[] };
    content.projects?.push({ id: 'x', name: 'another' }, { id: 'y', name: 'closed', enabled: false });
    const subject = answer.headers.get('x-subject-token');
    response.writeHead(answer.status, {
      'content-type': 'application/json',
      ...(subject && { 'x-subject-token': subject }),
    });
    response.end(JSON.stringify(content));
  }
  await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void between.close());
  const keystone = at(`http://127.0.0.1:${(between.address() as AddressInfo).port}`);
  const several = await keystone.signIn({
    method: 'password',
    userName: 'demo',
    userDomain: 'Default',
    password: demo.password,
  });
  expect([several.project, several.projects.map(({ name }) => name)]).toEqual([null, ['another', 'demo']]);
  const { token } = several;
  const chosen = await keystone.signIn({ method: 'token', token, projectId: demo.projectId });
  expect(chosen.project?.name).toBe('demo');
  await expect(keystone.signIn({ method: 'token', token, projectId: 'x' })).rejects.toMatchObject({
    code: 'REQUEST_UNAUTHENTICATED',
  });
});

it('refuses what Keystone refuses, without its words', async () => {
  for (const attempt of [
    () => byPassword('demo', 'wrong'),
    () => byPassword('nobody', 'wrong'),
    () => byPassword('demo', cloud.accounts.demo.password, 'Elsewhere'),
    () => at().signIn({ method: 'application-credential', id: 'x', secret: 'geheim' }),
  ]) {
    const error = await attempt().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'REQUEST_UNAUTHENTICATED' });
    expect(String(error)).not.toMatch(/geheim|wrong/);
  }
});

it('says that Keystone is away, and no more', async () => {
  await expect(
    at('http://127.0.0.1:9').signIn({ method: 'password', userName: 'u', userDomain: 'd', password: 'geheim' }),
  ).rejects.toMatchObject({
    code: 'SERVICE_UNREACHABLE',
    message: 'Keystone could not be asked',
  });
});
