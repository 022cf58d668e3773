import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFakeClock, type FakeClock } from '../../../test/kit/fakes/fake-clock.ts';
import { createFakeLog } from '../../../test/kit/fakes/fake-log.ts';
import { type PlayedCloud, plays, startPlayedCloud } from '../../../test/kit/stub-openstack.ts';
import type { KilnError } from '../../model/errors.ts';
import { createGlance } from './glance.ts';
import { createHttp, type Http } from './http.ts';
import { createKeystone } from './keystone.ts';
import type { OpenStackAuthSettings, ServiceEndpointSettings } from './settings.ts';

let cloud: PlayedCloud;
let clock: FakeClock;
let log: ReturnType<typeof createFakeLog>;
let http: Http;

beforeEach(async () => {
  cloud = await startPlayedCloud();
  clock = createFakeClock();
  log = createFakeLog();
  http = createHttp({ settings: { retry: { maxAttempts: 1 } }, clock, log });
});
afterEach(async () => {
  await http.close();
  await cloud.close();
});

function connect(fields: Partial<OpenStackAuthSettings> = {}, endpoints: Record<string, ServiceEndpointSettings> = {}) {
  const auth = {
    authUrl: `${cloud.url}/identity`,
    authType: 'password',
    username: 'kiln',
    password: 'secret',
    projectName: 'service',
    ...fields,
  };
  return createKeystone({ auth, endpoints, http, clock, log });
}
const logins = () => cloud.requests('identity').length;
/** What runs in the background gets its turn, real network included. */
const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
};

describe('a refusal', () => {
  it('names who was refused for what and where, and no secret', async () => {
    cloud.play('identity', plays.status(401));
    const error = await connect({ authUrl: `${cloud.url.replace('//', '//me:hidden@')}/identity` })
      .token()
      .catch((thrown: KilnError) => thrown);
    expect(error).toMatchObject({ code: 'SERVICE_UNAUTHORIZED', call: { status: 401 } });
    expect((error as KilnError).message).toContain(`user kiln for project service at ${cloud.url}/identity`);
    expect(JSON.stringify(error)).not.toMatch(/secret|hidden/);
  });

  it('of a URL where no Keystone is says to check the URL', async () => {
    cloud.play('identity', plays.status(404));
    await expect(connect().token()).rejects.toMatchObject({
      code: 'SERVICE_NOT_FOUND',
      advice: expect.stringContaining('auth_url'),
    });
  });
});

describe('one token for all', () => {
  it('is fetched once however many callers come first', async () => {
    const session = connect();
    const tokens = await Promise.all(Array.from({ length: 1000 }, () => session.token()));
    expect(new Set(tokens).size).toBe(1);
    expect(logins()).toBe(1);
  });

  it('is renewed once when 1,000 callers are refused', async () => {
    const session = connect();
    const images = createGlance({ session, http });
    await session.token();
    cloud.tokens.clear();
    await Promise.all(Array.from({ length: 1000 }, (_, index) => images.get(`i${index}`)));
    expect(logins()).toBe(2);
    expect(cloud.requests('image').length).toBeGreaterThanOrEqual(1001);
    expect(cloud.requests('image').length).toBeLessThanOrEqual(2000);
  });

  it('is not fetched again for a caller who was refused an older one', async () => {
    const session = connect();
    const old = await session.token();
    const renewed = await session.tokenAfterRefusal(old);
    expect(await session.tokenAfterRefusal(old)).toBe(renewed);
    expect(logins()).toBe(2);
  });

  it('is still fetched for the others when one caller gives up', async () => {
    const session = connect();
    const stop = new AbortController();
    const impatient = session.token(stop.signal);
    const patient = session.token();
    stop.abort();
    await expect(impatient).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(cloud.tokens).toContain(await patient);
    expect(logins()).toBe(1);
  });

  it('is asked for again after a failure', async () => {
    const session = connect();
    cloud.play('identity', plays.status(500), { times: 1 });
    await expect(session.token()).rejects.toMatchObject({ code: 'SERVICE_FAILED' });
    expect(cloud.tokens).toContain(await session.token());
  });
});

describe('the end of a token', () => {
  it('is not waited for: it is renewed ahead of time, while the old one serves', async () => {
    const session = connect();
    const first = await session.token();
    await clock.advance(3_479_000);
    expect(await session.token()).toBe(first);
    expect(logins()).toBe(1);
    await clock.advance(2_000);
    expect(await session.token()).toBe(first);
    await until(() => cloud.tokens.size === 2);
    await until(() => log.lines.filter((line) => line.message === 'OpenStack call').length === 2);
    expect(await session.token()).not.toBe(first);
    expect(logins()).toBe(2);
  });

  it('leaves a token in force while Keystone is away, and tries again now and then', async () => {
    const session = connect();
    const first = await session.token();
    await clock.advance(3_500_000);
    cloud.play('identity', plays.status(503), { times: 2 });
    const warned = () => log.lines.filter((line) => line.level === 'warn').length;
    for (let call = 0; call < 10; call++) expect(await session.token()).toBe(first);
    await until(() => warned() === 1);
    for (let call = 0; call < 10; call++) expect(await session.token()).toBe(first);
    expect(logins()).toBe(2);
    await clock.advance(6_000);
    expect(await session.token()).toBe(first);
    await until(() => warned() === 2);
    await clock.advance(95_000);
    expect(await session.token()).not.toBe(first);
  });

  it('is waited for by a new token once it has come', async () => {
    const session = connect();
    const first = await session.token();
    await clock.advance(3_600_000);
    expect(await session.token()).not.toBe(first);
  });

  it.each([
    ['forwards', 86_400_000],
    ['backwards', -86_400_000],
  ])('does not move when the wall clock jumps %s', async (_where, jump) => {
    const session = connect();
    const first = await session.token();
    clock.jumpWall(jump);
    expect(await session.token()).toBe(first);
    await clock.advance(3_400_000);
    expect(await session.token()).toBe(first);
    expect(logins()).toBe(1);
    await clock.advance(200_000);
    expect(await session.token()).not.toBe(first);
  });

  it('comes soon for a short life too', async () => {
    cloud.tokenSeconds = 10;
    const session = connect();
    const first = await session.token();
    await clock.advance(8_000);
    expect(await session.token()).toBe(first);
    expect(logins()).toBe(1);
    await clock.advance(2_000);
    expect(await session.token()).not.toBe(first);
  });
});

describe('what Keystone is asked', () => {
  const asked = async (fields: Partial<OpenStackAuthSettings>) => {
    await connect(fields).token();
    return JSON.parse(cloud.requests('identity')[0]?.body ?? '') as unknown;
  };
  const user = { name: 'kiln', domain: { id: 'default' }, password: 'secret' };

  it('is scoped to a project by name or ID, a domain, or the system', async () => {
    const identity = { methods: ['password'], password: { user } };
    expect(await asked({})).toEqual({
      auth: { identity, scope: { project: { name: 'service', domain: { id: 'default' } } } },
    });
  });
  it.each([
    [{ projectId: 'p1' }, { project: { id: 'p1' } }],
    [{ projectDomainName: 'd' }, { project: { name: 'service', domain: { name: 'd' } } }],
    [{ defaultDomainName: 'd' }, { project: { name: 'service', domain: { name: 'd' } } }],
    [{ projectName: null, domainName: 'd' }, { domain: { name: 'd' } }],
    [{ projectName: null, domainId: 'd' }, { domain: { id: 'd' } }],
    [{ projectName: null, systemScope: 'all' }, { system: { all: true } }],
    [{ projectName: null }, undefined],
  ])('has the scope of %j', async (fields, scope) => {
    expect(((await asked(fields)) as { auth: { scope?: object } }).auth.scope).toEqual(scope);
  });
  it('has no scope beside an application credential', async () => {
    const fields = {
      authType: 'v3applicationcredential',
      applicationCredentialId: 'c',
      applicationCredentialSecret: 's',
    };
    expect(await asked(fields)).toEqual({
      auth: { identity: { methods: ['application_credential'], application_credential: { id: 'c', secret: 's' } } },
    });
  });
  it.each([
    [{ password: null }, 'password'],
    [{ username: null, password: '' }, 'username or user_id, password'],
    [{ authType: 'token' }, 'token'],
    [{ authType: 'v3applicationcredential' }, 'application_credential_id or _name, application_credential_secret'],
    [{ authType: 'kerberos' }, 'auth_type is kerberos'],
    [{ authUrl: '' }, 'auth_url is not set'],
    [{ authUrl: 'keystone' }, 'auth_url is not a URL: keystone'],
  ])('is nothing when credentials lack something: %j', async (fields, message) => {
    const token = connect(fields).token();
    await expect(token).rejects.toMatchObject({
      code: 'CREDENTIALS_MISSING',
      message: expect.stringContaining(message),
    });
    expect(logins()).toBe(0);
  });
});

describe('what Keystone answers', () => {
  const token = { issued_at: '2026-01-01T00:00:00Z', expires_at: '2026-01-01T01:00:00Z', user: { id: 'u', name: 'n' } };
  const answer = (body: object, headers: Record<string, string> = { 'x-subject-token': 't' }) =>
    plays.status(201, body, { 'content-type': 'application/json', ...headers });

  it.each([
    ['no token in the header', answer({ token }, {}), 'X-Subject-Token'],
    ['a token without an end', answer({ token: { ...token, expires_at: undefined } }), '/token'],
    ['a token that ends before it begins', answer({ token: { ...token, expires_at: '2025-01-01T00:00:00Z' } }), 'ends'],
    ['a catalog that is no list', answer({ token: { ...token, catalog: {} } }), '/token/catalog'],
  ])('is checked: %s', async (_what, play, message) => {
    cloud.play('identity', play);
    const error = await connect()
      .token()
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'SERVICE_RESPONSE_INVALID', message: expect.stringContaining(message) });
  });

  it('may lack a project and a catalog, which is said when one is needed', async () => {
    cloud.play('identity', answer({ token }));
    const session = connect({}, { compute: { serviceType: 'compute', endpointOverride: 'http://nova/v2.1/' } });
    await expect(session.authenticatedAs()).rejects.toMatchObject({ code: 'CREDENTIALS_MISSING' });
    await expect(session.endpoint('image')).rejects.toMatchObject({ code: 'CONFIGURATION_INVALID' });
    expect(await session.endpoint('compute')).toBe('http://nova/v2.1');
  });
});
