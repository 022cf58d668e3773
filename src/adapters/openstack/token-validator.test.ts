import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type CloudSession, openCloudSession } from '../../../test/kit/cloud-session.ts';
import { createFakeClock, type FakeClock } from '../../../test/kit/fakes/fake-clock.ts';
import { createFakeLog } from '../../../test/kit/fakes/fake-log.ts';
import { type Play, type PlayedCloud, plays, startPlayedCloud } from '../../../test/kit/stub-openstack.ts';
import { type Cloud, type CloudAccount, startCloud } from '../../dev-cloud/cloud.ts';
import type { KilnError } from '../../model/errors.ts';
import { createHttp, type Http } from './http.ts';
import { createKeystone } from './keystone.ts';
import type { ServiceEndpointSettings } from './settings.ts';
import { createTokenValidator } from './token-validator.ts';

/** Keystone's clock and ours both start here; the cloud runs in this process, so it sees the same `Date`. */
const start = '2026-11-22T12:00:00Z';
const lifeSeconds = 600;

let clock: FakeClock;
let log: ReturnType<typeof createFakeLog>;
const opened: Http[] = [];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse(start) });
  clock = createFakeClock({ start, autoAdvance: true });
  log = createFakeLog();
});
afterEach(async () => {
  vi.useRealTimers();
  for (const http of opened.splice(0)) await http.close();
});

/** Time passes for Kiln and for the cloud. */
async function pass(seconds: number): Promise<void> {
  vi.setSystemTime(Date.now() + seconds * 1000);
  await clock.advance(seconds * 1000);
}

interface Wishes {
  cacheSeconds?: number;
  cacheSize?: number;
}

function connect(
  account: Pick<CloudAccount, 'authUrl' | 'userName' | 'password' | 'projectName'>,
  { cacheSeconds = 60, cacheSize = 100 }: Wishes = {},
  endpoints: Record<string, ServiceEndpointSettings> = {},
) {
  const http = createHttp({ settings: { retry: { maxAttempts: 2 } }, clock, log });
  opened.push(http);
  const { authUrl, userName: username, password, projectName } = account;
  const auth = { authUrl, authType: 'password', username, password, projectName };
  const session = createKeystone({ auth, endpoints, http, clock, log });
  const { validate } = createTokenValidator({ session, http, clock, cacheSeconds, cacheSize });
  return { session, validate };
}

const sent = (method: string) => log.lines.filter(({ fields }) => 'method' in fields && fields.method === method);
/** Questions about tokens and logins so far, every try counted. */
const questions = () => sent('GET').length;
const logins = () => sent('POST').length;

describe('with the embedded cloud', () => {
  const stateDirectory = mkdtempSync(join(tmpdir(), 'kiln-token-validator-'));
  let cloud: Cloud;

  beforeAll(async () => {
    cloud = await startCloud({ stateDirectory, tokenLifetimeSeconds: lifeSeconds });
  });
  afterAll(async () => {
    await cloud.close();
    rmSync(stateDirectory, { recursive: true });
  });

  const asKiln = (wishes?: Wishes) => connect(cloud.accounts.kiln, wishes);
  const logIn = () => openCloudSession(cloud.url, cloud.accounts.demo);
  const tokens = async (count: number) => {
    const sessions = await Promise.all(Array.from({ length: count }, logIn));
    return sessions.map(({ token }) => token) as [string, string, ...string[]];
  };
  const about = (token: string) => ({ 'X-Subject-Token': token });
  const show = async ({ call, token }: CloudSession) =>
    (await call('GET', '/identity/v3/auth/tokens', undefined, about(token))).body.token;
  const revoke = async ({ call }: CloudSession, token: string) => {
    expect((await call('DELETE', '/identity/v3/auth/tokens', undefined, about(token))).status).toBe(204);
  };

  it('tells whom a token speaks for, and for which project', async () => {
    const demo = await logIn();
    const { user, roles } = await show(demo);
    expect(user.id).toMatch(/./);
    expect(roles).not.toHaveLength(0);
    expect(await asKiln().validate(demo.token)).toEqual({
      userId: user.id,
      userName: 'demo',
      userDomainId: 'default',
      projectId: cloud.accounts.demo.projectId,
      projectName: 'demo',
      roles: roles.map((role: { name: string }) => role.name),
      systemScope: false,
    });
  });

  it('tells that a token is for no project', async () => {
    const { password } = cloud.accounts.demo;
    const user = { name: 'demo', domain: { id: 'default' }, password };
    const auth = { identity: { methods: ['password'], password: { user } } };
    const answer = await (await logIn()).call('POST', '/identity/v3/auth/tokens', { auth });
    const caller = await asKiln().validate(answer.headers.get('X-Subject-Token') ?? '');
    expect(caller).toMatchObject({ userName: 'demo', projectId: null, projectName: null, roles: [] });
  });

  it('refuses an unknown token, and remembers that for the same short while', async () => {
    const { validate } = asKiln({ cacheSeconds: 60 });
    expect(await validate('gAAAAA-unknown')).toBeNull();
    await pass(59);
    expect(await validate('gAAAAA-unknown')).toBeNull();
    expect(questions()).toBe(1);
    await pass(1);
    expect(await validate('gAAAAA-unknown')).toBeNull();
    expect(questions()).toBe(2);
  });

  it.each(['', 'two words', 'ümlaut', 'a\r\nx-auth-token: b', 'x'.repeat(16385)])(
    'refuses what no header can carry without asking: %j',
    async (token) => {
      expect(await asKiln().validate(token)).toBeNull();
      expect(questions() + logins()).toBe(0);
    },
  );

  it('refuses a token that has ended', async () => {
    const { validate } = asKiln();
    const { token } = await logIn();
    await pass(lifeSeconds);
    expect(await validate(token)).toBeNull();
    expect(questions()).toBe(1);
  });

  it('refuses a remembered token from its end on, however long answers are remembered', async () => {
    const { validate } = asKiln({ cacheSeconds: 10 * lifeSeconds });
    const { token } = await logIn();
    await validate(token);
    await pass(lifeSeconds - 1);
    expect(await validate(token)).toMatchObject({ userName: 'demo' });
    expect(questions()).toBe(1);
    await pass(1);
    expect(await validate(token)).toBeNull();
  });

  it('measures the remaining life of a token on the monotonic clock: a wall clock set back prolongs nothing', async () => {
    const { validate } = asKiln({ cacheSeconds: 10 * lifeSeconds });
    const { token } = await logIn();
    await validate(token);
    clock.jumpWall(-3_600_000);
    await pass(lifeSeconds);
    expect(await validate(token)).toBeNull();
  });

  it('refuses a revoked token once the short while is over, and until then does not ask', async () => {
    const { validate } = asKiln({ cacheSeconds: 60 });
    const demo = await logIn();
    await validate(demo.token);
    await revoke(demo, demo.token);
    await pass(59);
    expect(await validate(demo.token)).toMatchObject({ userName: 'demo' });
    expect(questions()).toBe(1);
    await pass(1);
    expect(await validate(demo.token)).toBeNull();
    expect(questions()).toBe(2);
  });

  it('asks once for a hundred callers with one token, and once for each of several tokens', async () => {
    const { validate } = asKiln();
    const [first, second] = await tokens(2);
    const callers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => validate(index % 10 === 0 ? second : first)),
    );
    expect(callers.filter((caller) => caller?.userName === 'demo')).toHaveLength(100);
    expect(questions()).toBe(2);
  });

  it('forgets the token that was not used for longest when there are too many', async () => {
    const { validate } = asKiln({ cacheSize: 2 });
    const [a, b, c = ''] = await tokens(3);
    for (const token of [a, b, a, c]) await validate(token);
    expect(questions()).toBe(3);
    await validate(a);
    await validate(c);
    expect(questions()).toBe(3);
    await validate(b);
    expect(questions()).toBe(4);
  });

  it('renews its own token once when it is refused, however many callers wait', async () => {
    const { session, validate } = asKiln();
    const sessions = await tokens(10);
    await revoke(await openCloudSession(cloud.url, cloud.accounts.admin), await session.token());
    const callers = await Promise.all(sessions.map(validate));
    expect(callers.map((caller) => caller?.userName)).toEqual(Array(10).fill('demo'));
    expect(logins()).toBe(2);
  });

  it('says that it may not ask, which is not an answer about the token', async () => {
    const { validate } = connect(cloud.accounts.demo);
    const { token } = await openCloudSession(cloud.url, cloud.accounts.admin);
    for (const asked of [1, 2]) {
      await expect(validate(token)).rejects.toMatchObject({ code: 'SERVICE_FORBIDDEN' });
      expect(questions()).toBe(asked);
    }
  });
});

describe('with a Keystone that fails', () => {
  let cloud: PlayedCloud;
  const password = 'correct horse battery staple';
  const token = 'gAAAAA-subject-token-of-a-caller';

  beforeEach(async () => {
    cloud = await startPlayedCloud();
  });
  afterEach(() => cloud.close());

  function connectPlayed(wishes?: Wishes) {
    const authUrl = `${cloud.url}/identity`;
    const identity = { serviceType: 'identity', endpointOverride: authUrl };
    return connect({ authUrl, userName: 'kiln', password, projectName: 'service' }, wishes, { identity });
  }
  /** Answers to the next questions about tokens; logins go on as usual. */
  const answer = (play: Play, times = Number.POSITIVE_INFINITY) =>
    cloud.play('identity', play, { times, only: ({ method }) => method === 'GET' });
  const aToken = (fields: object = {}) =>
    plays.ok({ token: { expires_at: '2026-11-22T13:00:00.000000Z', user: { id: 'u1' }, ...fields } });

  it.each<[string, Play, string, number]>([
    ['500', plays.status(500, 'Oops'), 'SERVICE_FAILED', 2],
    ['503 of a proxy', plays.status(503, '<html><body>No server</body></html>'), 'SERVICE_FAILED', 2],
    ['400', plays.status(400), 'SERVICE_REJECTED_REQUEST', 1],
    ['a cut connection', plays.cut, 'SERVICE_UNREACHABLE', 2],
    ['an answer cut in half', plays.half, 'SERVICE_UNREACHABLE', 2],
    ['no HTTP', plays.notHttp, 'SERVICE_RESPONSE_INVALID', 1],
    ['no JSON', plays.notJson, 'SERVICE_RESPONSE_INVALID', 1],
    ['other JSON', plays.wrongJson, 'SERVICE_RESPONSE_INVALID', 1],
    ['a token of nobody', aToken({ user: {} }), 'SERVICE_RESPONSE_INVALID', 1],
    ['a token whose end is no time', aToken({ expires_at: 'soon' }), 'SERVICE_RESPONSE_INVALID', 1],
    ['a redirect', plays.status(302, '', { location: 'http://127.0.0.1:1/' }), 'SERVICE_RESPONSE_INVALID', 1],
  ])('%s is an error to all who wait, and not remembered', async (_what, play, code, tries) => {
    answer(aToken());
    answer(play, tries);
    const { validate } = connectPlayed();
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => validate(token)));
    for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: { code } });
    expect(questions()).toBe(tries);
    expect(await validate(token)).toMatchObject({ userId: 'u1' });
    expect(questions()).toBe(tries + 1);
  });

  it('a Keystone that is away is an error to who is new, while who is remembered is let in', async () => {
    answer(aToken());
    const { validate } = connectPlayed();
    await validate(token);
    await cloud.close();
    expect(await validate(token)).toMatchObject({ userId: 'u1' });
    await expect(validate('another')).rejects.toMatchObject({ code: 'SERVICE_UNREACHABLE' });
    cloud = await startPlayedCloud();
  });

  it.each([401, 404])('our own login answered %i is an error, not an answer about the token', async (status) => {
    answer(aToken());
    cloud.play('identity', plays.status(status), { times: 1, only: ({ method }) => method === 'POST' });
    const { validate } = connectPlayed();
    await expect(validate(token)).rejects.toMatchObject({ call: { method: 'POST', status } });
    expect(await validate(token)).toMatchObject({ userId: 'u1' });
  });

  it('a token of ours that stays refused is an error after one renewal', async () => {
    answer(plays.status(401), 2);
    const { validate } = connectPlayed();
    await expect(validate(token)).rejects.toMatchObject({ code: 'SERVICE_UNAUTHORIZED' });
    expect([questions(), logins()]).toEqual([2, 2]);
    answer(aToken());
    expect(await validate(token)).toMatchObject({ userId: 'u1' });
  });

  it('an answer is remembered from the question on, for the token may be revoked while it comes', async () => {
    answer(async (response, request) => {
      await clock.advance(50_000);
      return aToken()(response, request);
    }, 1);
    const { validate } = connectPlayed({ cacheSeconds: 60 });
    expect(await validate(token)).toMatchObject({ userId: 'u1' });
    answer(plays.status(404));
    await clock.advance(9_000);
    expect(await validate(token)).toMatchObject({ userId: 'u1' });
    await clock.advance(1_000);
    expect(await validate(token)).toBeNull();
  });

  it('a token that Keystone shows after its end is refused', async () => {
    answer(aToken({ expires_at: start }));
    expect(await connectPlayed().validate(token)).toBeNull();
  });

  it('a token for the whole deployment is distinguished', async () => {
    answer(aToken({ system: { all: true }, roles: [{ name: 'admin' }] }));
    expect(await connectPlayed().validate(token)).toMatchObject({ systemScope: true, projectId: null });
  });

  it.each([200, 302, 400, 401, 403, 404, 500])(
    'no token is in a log line or an error, even when an answer %i quotes both',
    async (status) => {
      answer((response, request) => {
        const quoted = `${request.headers['x-subject-token']} by ${request.headers['x-auth-token']}`;
        const location = `http://127.0.0.1:1/?token=${request.headers['x-subject-token']}`;
        return plays.status(status, { error: { message: `No ${quoted}` } }, { location })(response, request);
      });
      const { validate } = connectPlayed();
      const outcome = await validate(token).catch((thrown: KilnError) => thrown);
      if (status === 404) expect(outcome).toBeNull();
      else expect(outcome).toBeInstanceOf(Error);

      const reported = [outcome, JSON.stringify(outcome), log.lines]
        .map((one) => inspect(one, { depth: 20 }))
        .join('\n');
      expect(reported).toContain('/auth/tokens');
      if (status >= 400) expect(reported).toContain('No *** by ***');
      expect(cloud.tokens.size).toBeGreaterThan(0);
      for (const secret of [token, password, ...cloud.tokens]) expect(reported).not.toContain(secret);
    },
  );
});
