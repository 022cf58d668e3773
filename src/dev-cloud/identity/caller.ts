import type { FastifyRequest } from 'fastify';
import { forbidden, unauthorized } from './fault.ts';
import type { TokenRow } from './rows.ts';
import type { TokenStore } from './tokens.ts';

/** Who calls Keystone itself; an unscoped token will do. */
export interface Caller {
  token: TokenRow;
  isAdmin: boolean;
}

/** 401 without a valid X-Auth-Token. */
export function callerOf(request: FastifyRequest, tokens: TokenStore): Caller {
  const header = request.headers['x-auth-token'];
  const token = tokens.find(typeof header === 'string' ? header : undefined);
  if (!token) throw unauthorized();
  return { token, isAdmin: tokens.rolesOf(token).some((role) => role.name === 'admin') };
}

/** 403 unless the caller is an administrator, or the user that the request is about. */
export function requireAdminOrSelf(caller: Caller, userId: string, action: string): void {
  if (!caller.isAdmin && caller.token.user_id !== userId) throw forbidden(action);
}

export function requireAdmin(caller: Caller, action: string): void {
  if (!caller.isAdmin) throw forbidden(action);
}
