import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type CloudSession, openCloudSession } from '../../../test/kit/cloud-session.ts';
import { type Cloud, startCloud } from '../cloud.ts';

const stateDirectory = mkdtempSync(join(tmpdir(), 'kiln-identity-'));
let cloud: Cloud;
let admin: CloudSession;
let demo: CloudSession;

beforeAll(async () => {
  cloud = await startCloud({ stateDirectory, tokenLifetimeSeconds: 600 });
  admin = await openCloudSession(cloud.url, cloud.accounts.admin);
  demo = await openCloudSession(cloud.url, cloud.accounts.demo);
});
afterAll(async () => {
  await cloud.close();
  rmSync(stateDirectory, { recursive: true });
});

const logIn = (auth: unknown) => demo.call('POST', '/identity/v3/auth/tokens', { auth });
const demoUser = () => ({ name: 'demo', domain: { name: 'Default' }, password: cloud.accounts.demo.password });
const demoPassword = () => ({ methods: ['password'], password: { user: demoUser() } });
const withToken = (token: string | null) => ({ 'X-Auth-Token': token ?? '' });
const subject = (answer: { headers: Headers }) => answer.headers.get('X-Subject-Token') ?? '';

describe('tokens', () => {
  test('without a scope there is a user and no project; such a token is good for another with a project', async () => {
    const unscoped = await logIn({ identity: demoPassword() });
    expect(unscoped.status).toBe(201);
    expect(unscoped.body.token).not.toHaveProperty('project');
    expect(unscoped.body.token).not.toHaveProperty('catalog');
    expect((await demo.call('GET', '/image/v2/images', undefined, withToken(subject(unscoped)))).status).toBe(401);
    const projects = await demo.call('GET', '/identity/v3/auth/projects', undefined, withToken(subject(unscoped)));
    expect(projects.body.projects).toMatchObject([{ name: 'demo' }]);

    const scoped = await logIn({
      identity: { methods: ['token'], token: { id: subject(unscoped) } },
      scope: { project: { id: cloud.accounts.demo.projectId } },
    });
    expect(scoped.body.token).toMatchObject({
      methods: ['token', 'password'],
      project: { name: 'demo' },
      // It ends with the one it was got with.
      expires_at: unscoped.body.token.expires_at,
    });
    expect((await demo.call('GET', '/image/v2/images', undefined, withToken(subject(scoped)))).status).toBe(200);
  });

  test.each([
    ['a wrong password', { ...{ name: 'demo', domain: { id: 'default' } }, password: 'no' }, undefined],
    ['an unknown user', { name: 'nobody', domain: { id: 'default' }, password: 'no' }, undefined],
    ['a wrong domain', 'demo in domain other', undefined],
    ["another user's project", 'demo', { project: { name: 'service', domain: { id: 'default' } } }],
    ['an unknown project', 'demo', { project: { name: 'none', domain: { id: 'default' } } }],
    ['a domain, where nobody has a role', 'demo', { domain: { id: 'default' } }],
    ['the system, where nobody has a role', 'demo', { system: { all: true } }],
  ])('%s is 401, with nothing said of why', async (_what, user, scope) => {
    const given =
      typeof user === 'object' ? user : user === 'demo' ? demoUser() : { ...demoUser(), domain: { name: 'other' } };
    const answer = await logIn({ identity: { methods: ['password'], password: { user: given } }, scope });
    expect(answer.status).toBe(401);
    expect(answer.body).toEqual({
      error: { code: 401, message: 'The request you have made requires authentication.', title: 'Unauthorized' },
    });
    expect(answer.headers.get('WWW-Authenticate')).toBe(`Keystone uri="${cloud.url}/identity/v3"`);
  });

  test.each([{}, { auth: {} }, { auth: { identity: {} } }, { auth: { identity: { methods: ['password'] } } }, []])(
    'a body of another shape is 400: %j',
    async (body) => {
      const answer = await demo.call('POST', '/identity/v3/auth/tokens', body);
      expect(answer.status).toBe(400);
      expect(answer.body.error).toMatchObject({ code: 400, title: 'Bad Request' });
    },
  );

  test('a body that is not JSON is 400', async () => {
    const headers = { 'Content-Type': 'application/json' };
    const answer = await demo.call('POST', '/identity/v3/auth/tokens', '{"auth"', headers);
    expect(answer.body.error).toMatchObject({ code: 400, title: 'Bad Request' });
  });

  test('a token can be checked by its user and by an administrator, not by other users, and is gone once deleted', async () => {
    const token = subject(await logIn({ identity: demoPassword() }));
    const about = { 'X-Subject-Token': token };
    expect((await demo.call('GET', '/identity/v3/auth/tokens', undefined, about)).body.token.user.name).toBe('demo');
    expect((await admin.call('HEAD', '/identity/v3/auth/tokens', undefined, about)).status).toBe(200);
    const foreign = { 'X-Subject-Token': admin.token };
    expect((await demo.call('GET', '/identity/v3/auth/tokens', undefined, foreign)).status).toBe(403);

    expect((await demo.call('DELETE', '/identity/v3/auth/tokens', undefined, about)).status).toBe(204);
    expect((await admin.call('GET', '/identity/v3/auth/tokens', undefined, about)).status).toBe(404);
    expect((await demo.call('GET', '/identity/v3/auth/projects', undefined, withToken(token))).status).toBe(401);
  });

  test('a token ends after the configured time', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const { token } = await openCloudSession(cloud.url, cloud.accounts.demo);
    vi.setSystemTime(Date.now() + 590_000);
    expect((await demo.call('GET', '/image/v2/images', undefined, withToken(token))).status).toBe(200);
    vi.setSystemTime(Date.now() + 11_000);
    expect((await demo.call('GET', '/image/v2/images', undefined, withToken(token))).status).toBe(401);
    expect((await demo.call('GET', '/identity/v3/auth/projects', undefined, withToken(token))).status).toBe(401);
  });

  test('the catalog comes with a token and by itself', async () => {
    const catalog = (await demo.call('GET', '/identity/v3/auth/catalog')).body.catalog;
    expect(catalog.map((service: { type: string }) => service.type)).toEqual([
      'identity',
      'image',
      'compute',
      'network',
      'load-balancer',
    ]);
    const own = (await demo.call('GET', '/identity/v3/auth/tokens', undefined, { 'X-Subject-Token': demo.token })).body;
    expect(own.token.catalog).toEqual(catalog);
    const without = { 'X-Subject-Token': demo.token };
    const short = await demo.call('GET', '/identity/v3/auth/tokens?nocatalog', undefined, without);
    expect(short.body.token).not.toHaveProperty('catalog');
  });
});

describe('application credentials', () => {
  const path = async (session: CloudSession) => {
    const own = await session.call('GET', '/identity/v3/auth/tokens', undefined, { 'X-Subject-Token': session.token });
    return `/identity/v3/users/${own.body.token.user.id}/application_credentials`;
  };

  test('stand for the user in one project with the roles given, and end with their deletion', async () => {
    const collection = await path(admin);
    const created = await admin.call('POST', collection, {
      application_credential: { name: 'reading', roles: [{ name: 'reader' }] },
    });
    expect(created.status).toBe(201);
    const { id, secret } = created.body.application_credential;
    expect((await admin.call('GET', `${collection}/${id}`)).body.application_credential).not.toHaveProperty('secret');

    const identity = { methods: ['application_credential'], application_credential: { id, secret } };
    const answer = await logIn({ identity });
    expect(answer.body.token).toMatchObject({
      project: { name: 'admin' },
      roles: [{ name: 'reader' }],
      application_credential: { id, name: 'reading', restricted: true },
    });
    const token = withToken(subject(answer));
    // No longer an administrator.
    expect((await admin.call('GET', '/identity/v3/users', undefined, token)).status).toBe(403);
    const more = { application_credential: { name: 'more' } };
    expect((await admin.call('POST', collection, more, token)).status).toBe(403);
    const wrong = { ...identity, application_credential: { id, secret: 'no' } };
    expect((await logIn({ identity: wrong })).status).toBe(401);
    const elsewhere = { project: { id: cloud.accounts.demo.projectId } };
    expect((await logIn({ identity, scope: elsewhere })).status).toBe(401);

    expect((await admin.call('POST', collection, { application_credential: { name: 'reading' } })).status).toBe(409);
    expect((await admin.call('DELETE', `${collection}/${id}`)).status).toBe(204);
    expect((await admin.call('GET', '/image/v2/images', undefined, token)).status).toBe(401);
    expect((await logIn({ identity })).status).toBe(401);
  });

  test('are found by name and user, and end when they should', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const collection = await path(demo);
    const end = new Date(Date.now() + 60_000).toISOString();
    const created = await demo.call('POST', collection, { application_credential: { name: 'brief', expires_at: end } });
    const { secret } = created.body.application_credential;
    const user = { name: 'demo', domain: { id: 'default' } };
    const identity = { methods: ['application_credential'], application_credential: { name: 'brief', user, secret } };
    const token = withToken(subject(await logIn({ identity })));
    expect((await demo.call('GET', '/image/v2/images', undefined, token)).status).toBe(200);
    vi.setSystemTime(Date.now() + 61_000);
    expect((await demo.call('GET', '/image/v2/images', undefined, token)).status).toBe(401);
    expect((await logIn({ identity })).status).toBe(401);
  });

  test('belong to their user', async () => {
    expect((await demo.call('GET', await path(admin))).status).toBe(403);
    expect((await admin.call('POST', await path(demo), { application_credential: { name: 'x' } })).status).toBe(403);
  });
});

describe('projects, users and the rest', () => {
  test('administrators list them, by name too; others get 403 but for their own', async () => {
    const found = await admin.call('GET', '/identity/v3/projects?name=demo&enabled=true');
    expect(found.body.projects).toMatchObject([{ id: cloud.accounts.demo.projectId, domain_id: 'default' }]);
    expect((await admin.call('GET', '/identity/v3/projects?name=none')).body.projects).toEqual([]);
    for (const kind of ['projects', 'users', 'roles', 'services', 'endpoints', 'domains', 'role_assignments']) {
      expect((await admin.call('GET', `/identity/v3/${kind}`)).body[kind].length, kind).toBeGreaterThan(0);
      const refused = await demo.call('GET', `/identity/v3/${kind}`);
      expect(refused.body.error, kind).toMatchObject({ code: 403, title: 'Forbidden' });
    }
    expect((await demo.call('GET', `/identity/v3/projects/${cloud.accounts.demo.projectId}`)).status).toBe(200);
    expect((await demo.call('GET', `/identity/v3/projects/${cloud.accounts.kiln.projectId}`)).status).toBe(403);
    expect((await admin.call('GET', '/identity/v3/projects/none')).body.error).toMatchObject({ code: 404 });
  });

  test('role assignments of a kind that there is not are none', async () => {
    const count = async (query: string) =>
      (await admin.call('GET', `/identity/v3/role_assignments?${query}`)).body.role_assignments.length;
    expect(await count('include_names')).toBeGreaterThan(0);
    for (const query of ['scope.system=all', 'group.id=x', 'scope.domain.id=default'])
      expect(await count(query)).toBe(0);
  });

  test('no answer shows a password or its hash', async () => {
    const users = await admin.call('GET', '/identity/v3/users');
    expect(JSON.stringify(users.body)).not.toMatch(/hash|"password"/);
  });
});
