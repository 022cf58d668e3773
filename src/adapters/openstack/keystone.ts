import { Type } from 'typebox';
import { abortable } from '../../lib/abortable.ts';
import { KilnError, ServiceError } from '../../model/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { AuthenticatedAs, IdentityService } from '../../ports/identity.ts';
import type { Log } from '../../ports/log.ts';
import { readerOf } from './answers.ts';
import { authRequest, describeAuth, tokensUrl } from './auth-request.ts';
import { type Catalog, findEndpoint } from './catalog.ts';
import { invalidAnswer } from './failures.ts';
import type { Http } from './http.ts';
import type { OpenStackAuthSettings, ServiceEndpointSettings } from './settings.ts';

/** Who we are at Keystone, and the token that proves it: what all clients of one set of credentials share. */
export interface OpenStackSession extends IdentityService {
  /** A token that has not ended. A secret. */
  token(signal?: AbortSignal): Promise<string>;
  /** A token other than the one that a service refused with 401. However many callers wait, it is renewed once. */
  tokenAfterRefusal(refused: string, signal?: AbortSignal): Promise<string>;
}

interface Token {
  value: string;
  who: Omit<AuthenticatedAs, 'projectId' | 'projectName'> & { project: { id: string; name: string } | null };
  catalog: Catalog;
  /** On the monotonic clock. From here on a new one is fetched while this one still serves. */
  renewAtMs: number;
  /** On the monotonic clock. */
  endsAtMs: number;
}

const named = Type.Object({ id: Type.String({ minLength: 1 }), name: Type.String() });
const optionalText = Type.Optional(Type.Union([Type.String(), Type.Null()]));
const readToken = readerOf(
  Type.Object({
    token: Type.Object({
      expires_at: Type.String(),
      issued_at: Type.String(),
      user: named,
      project: Type.Optional(named),
      roles: Type.Optional(Type.Array(Type.Object({ name: Type.String() }))),
      catalog: Type.Optional(
        Type.Array(
          Type.Object({
            type: Type.String(),
            name: Type.Optional(Type.String()),
            endpoints: Type.Array(
              Type.Object({
                interface: Type.String(),
                region: optionalText,
                region_id: optionalText,
                url: optionalText,
              }),
            ),
          }),
        ),
      ),
    }),
  }),
);

/** A token is renewed when a tenth of its life is left, but not earlier than two minutes before its end. */
const renewalMarginMs = (lifeMs: number) => Math.min(lifeMs / 10, 120_000);
/** After a renewal ahead of time has failed, the token in force serves on for this long before the next try. */
const renewalPauseMs = 5_000;

/**
 * Keystone v3: password, token and application credential.
 * The life of a token is measured on the monotonic clock from its `issued_at` and `expires_at`, which are both of
 * Keystone's clock: neither a wall clock that jumps nor one that differs from Keystone's does any harm.
 * @param options.endpoints by service type; a type that is not there is looked up with the defaults.
 */
export function createKeystone(options: {
  auth: OpenStackAuthSettings;
  endpoints: Readonly<Record<string, ServiceEndpointSettings>>;
  http: Http;
  clock: Clock;
  log: Log;
}): OpenStackSession {
  const { auth, http, clock, log } = options;
  let current: Token | null = null;
  let renewal: Promise<Token> | null = null;
  let nextEarlyRenewalMs = 0;

  async function authenticate(): Promise<Token> {
    const askedAtMs = clock.monotonicMs();
    const answer = await http
      .request({
        service: 'identity',
        method: 'POST',
        url: tokensUrl(auth.authUrl),
        json: authRequest(auth),
        // A token too many harms nobody.
        repeatable: true,
      })
      .catch((error: unknown) => {
        throw explained(error, auth);
      });
    const { token } = readToken(answer);
    const value = answer.header('x-subject-token');
    if (!value) throw invalidAnswer(answer.call, 'it has no X-Subject-Token');
    const lifeMs = Date.parse(token.expires_at) - Date.parse(token.issued_at);
    if (!(lifeMs > 0)) {
      throw invalidAnswer(answer.call, `its token ends (${token.expires_at}) before it begins (${token.issued_at})`);
    }
    current = {
      value,
      who: {
        userId: token.user.id,
        userName: token.user.name,
        roles: (token.roles ?? []).map((role) => role.name),
        expiresAt: token.expires_at,
        project: token.project ?? null,
      },
      catalog: (token.catalog ?? []) as Catalog,
      renewAtMs: askedAtMs + lifeMs - renewalMarginMs(lifeMs),
      endsAtMs: askedAtMs + lifeMs,
    };
    return current;
  }

  /** All who need a new token wait for the same one; one who gives up does not stop it for the others. */
  function renew(): Promise<Token> {
    renewal ??= authenticate().finally(() => {
      renewal = null;
    });
    return renewal;
  }

  function renewAhead(nowMs: number): void {
    if (renewal || nowMs < nextEarlyRenewalMs) return;
    nextEarlyRenewalMs = nowMs + renewalPauseMs;
    renew().catch((error: Error) => {
      log.warn({ error: error.message }, 'The Keystone token could not be renewed yet; the one in force serves on');
    });
  }

  async function validToken(signal?: AbortSignal): Promise<Token> {
    const nowMs = clock.monotonicMs();
    if (!current || nowMs >= current.endsAtMs) return abortable(renew(), signal, cancelled);
    if (nowMs >= current.renewAtMs) renewAhead(nowMs);
    return current;
  }

  return {
    token: async (signal) => (await validToken(signal)).value,

    tokenAfterRefusal: async (refused, signal) => {
      if (current && current.value !== refused) return current.value;
      return (await abortable(renew(), signal, cancelled)).value;
    },

    async authenticatedAs() {
      const { project, ...who } = (await validToken()).who;
      if (!project) {
        throw new KilnError('CREDENTIALS_MISSING', 'The credentials name no project (project_name or project_id)');
      }
      return { ...who, projectId: project.id, projectName: project.name };
    },

    async endpoint(serviceType) {
      const wanted = options.endpoints[serviceType] ?? { serviceType };
      // An override needs no catalog, so it works while Keystone is away.
      return findEndpoint(wanted.endpointOverride ? [] : (await validToken()).catalog, wanted);
    },
  };
}

/** No token was given: the error says whom Keystone refused and where it was looked for. */
function explained(error: unknown, auth: OpenStackAuthSettings): unknown {
  if (!(error instanceof ServiceError)) return error;
  const advice: Record<string, string> = {
    SERVICE_UNAUTHORIZED:
      'Check user name, password, project and the domains of both ([service_auth], or clouds.yaml).',
    SERVICE_NOT_FOUND: 'Check auth_url: no Keystone v3 answers there.',
  };
  const { code, message, call, retryable } = error;
  return new ServiceError(code, `${message}; asked as ${describeAuth(auth)}`, call, {
    cause: error,
    retryable,
    advice: advice[code] ?? error.advice,
  });
}

/** True for the answer 401 of a service to a token. */
export function isTokenRefusal(error: unknown): boolean {
  return error instanceof ServiceError && error.call.status === 401;
}

const cancelled = (cause: unknown) => new KilnError('CANCELLED', 'Cancelled while waiting', { cause });
