import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller, TokenValidator } from '../../ports/token-validator.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whom the request's token speaks for; null only where no token is needed. */
    caller: Caller | null;
  }
}

/** How a request says who asks. */
export type Authentication =
  | { strategy: 'keystone'; tokens: TokenValidator /** For `WWW-Authenticate`. */; authUrl: string }
  /** Believes the headers that keystonemiddleware would have set. For tests alone. */
  | { strategy: 'noauth' };

/** Not on the request itself, which may be logged. */
const userTokens = new WeakMap<FastifyRequest, string>();

/** The token that a request was let in with, to ask other services as the caller would; undefined without Keystone. */
export function userTokenOf(request: FastifyRequest): string | undefined {
  return userTokens.get(request);
}

/** A hook that finds the caller or answers 401 in keystonemiddleware's words. */
export function authenticate(authentication: Authentication) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    if (authentication.strategy === 'noauth') {
      request.caller = callerOfHeaders(request);
      return undefined;
    }
    const token = header(request, 'x-auth-token');
    request.caller = token === null ? null : await authentication.tokens.validate(token);
    if (request.caller && token !== null) {
      userTokens.set(request, token);
      return undefined;
    }
    return reply
      .code(401)
      .header('www-authenticate', `Keystone uri="${authentication.authUrl}"`)
      .type('application/json')
      .send(refusal);
  };
}

const refusal = {
  error: { message: 'The request you have made requires authentication.', code: 401, title: 'Unauthorized' },
};

function callerOfHeaders(request: FastifyRequest): Caller {
  const roles = header(request, 'x-roles') ?? '';
  return {
    userId: header(request, 'x-user-id'),
    userName: header(request, 'x-user-name'),
    userDomainId: header(request, 'x-user-domain-id'),
    projectId: header(request, 'x-project-id'),
    projectName: header(request, 'x-project-name'),
    roles: roles.split(',').filter((role) => role !== ''),
    systemScope: header(request, 'openstack-system-scope') === 'all',
  };
}

function header(request: FastifyRequest, name: string): string | null {
  const value = request.headers[name];
  return typeof value === 'string' && value !== '' ? value : null;
}
