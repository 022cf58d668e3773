import { hash } from 'node:crypto';
import { Type } from 'typebox';
import { ServiceError } from '../../model/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Caller, TokenValidator } from '../../ports/token-validator.ts';
import { readerOf } from './answers.ts';
import { invalidAnswer } from './failures.ts';
import type { Http, HttpAnswer } from './http.ts';
import type { OpenStackSession } from './keystone.ts';
import { createServiceClient } from './service-client.ts';

const named = Type.Object({
  id: Type.String({ minLength: 1 }),
  name: Type.Optional(Type.Union([Type.String(), Type.Null()])),
});
const readShape = readerOf(
  Type.Object({
    token: Type.Object({
      expires_at: Type.String(),
      user: Type.Object({ ...named.properties, domain: Type.Optional(named) }),
      project: Type.Optional(named),
      system: Type.Optional(Type.Unknown()),
      roles: Type.Optional(Type.Array(Type.Object({ name: Type.String() }))),
    }),
  }),
);

interface Entry {
  answer: Promise<Caller | null>;
  /** On the monotonic clock; infinite while the question is out. */
  endsAtMs: number;
}

/**
 * Asks Keystone (`GET /v3/auth/tokens`) and remembers the answer for a short while, as keystonemiddleware does: a
 * revoked token is refused at the latest `cacheSeconds` after it was revoked, an ended one at once. Many requests with
 * one token at once cost one question. Tokens are not kept, only their hashes.
 * @param options.cacheSize at most so many tokens are remembered; those not used for longest are forgotten.
 */
export function createTokenValidator(options: {
  session: OpenStackSession;
  http: Http;
  clock: Clock;
  cacheSeconds: number;
  cacheSize: number;
}): TokenValidator {
  const { session, http, clock, cacheSeconds, cacheSize } = options;
  const keystone = createServiceClient({ serviceType: 'identity', session, http, base: versionedBase });
  /** In the order of use. */
  const cache = new Map<string, Entry>();

  async function ask(token: string, entry: Entry): Promise<Caller | null> {
    // From the question on, not from the answer: a token can be revoked while a slow answer is on its way.
    let endsAtMs = clock.monotonicMs() + cacheSeconds * 1000;
    let caller: Caller | null = null;
    try {
      const { token: shown } = await keystone.call(
        { method: 'GET', path: '/auth/tokens', query: [['nocatalog', '']], headers: { 'x-subject-token': token } },
        readToken,
      );
      // expires_at is Keystone's wall clock against ours; it only ever shortens what the cache may promise.
      const lifeMs = Date.parse(shown.expires_at) - clock.now().getTime();
      endsAtMs = Math.min(endsAtMs, clock.monotonicMs() + lifeMs);
      if (lifeMs > 0) caller = callerOf(shown);
    } catch (error) {
      if (!isUnknownToken(error)) throw error;
    }
    entry.endsAtMs = endsAtMs;
    return caller;
  }

  function remember(key: string, token: string): Entry {
    const entry: Entry = { answer: Promise.resolve(null), endsAtMs: Number.POSITIVE_INFINITY };
    entry.answer = ask(token, entry).catch((error: unknown) => {
      // Not knowing is not remembered.
      if (cache.get(key) === entry) cache.delete(key);
      throw error;
    });
    return entry;
  }

  return {
    validate(token) {
      // What no HTTP header can carry is no token; it would break the question.
      if (!/^[\x21-\x7e]{1,16384}$/.test(token)) return Promise.resolve(null);
      const key = hash('sha256', token, 'base64');
      const known = cache.get(key);
      const entry = known && clock.monotonicMs() < known.endsAtMs ? known : remember(key, token);
      cache.delete(key);
      cache.set(key, entry);
      const oldest = cache.keys().next().value;
      if (cache.size > cacheSize && oldest !== undefined) cache.delete(oldest);
      return entry.answer;
    },
  };
}

/** An end that is no time would count as "has ended", and refuse everybody. */
function readToken(answer: HttpAnswer): ReturnType<typeof readShape> {
  const shown = readShape(answer);
  if (Number.isNaN(Date.parse(shown.token.expires_at)))
    throw invalidAnswer(answer.call, 'its expires_at is not a time');
  return shown;
}

/** Catalogs have Keystone's endpoint with and without the version. */
function versionedBase(endpoint: string): string {
  const base = endpoint.replace(/\/+$/, '');
  return /\/v3$/.test(base) ? base : `${base.replace(/\/v2\.0$/, '')}/v3`;
}

/**
 * 404 is Keystone's word for a subject token that it doesn't take, whatever the reason. The answer to our own login
 * (a POST) says nothing of it: there 404 means that auth_url is wrong.
 */
function isUnknownToken(error: unknown): boolean {
  return error instanceof ServiceError && error.call.status === 404 && error.call.method === 'GET';
}

function callerOf(token: ReturnType<typeof readToken>['token']): Caller {
  return {
    userId: token.user.id,
    userName: token.user.name ?? null,
    userDomainId: token.user.domain?.id ?? null,
    projectId: token.project?.id ?? null,
    projectName: token.project?.name ?? null,
    roles: (token.roles ?? []).map(({ name }) => name),
    systemScope: token.system !== undefined,
  };
}
