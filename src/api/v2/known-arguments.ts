import type { FastifyInstance, FastifyRequest } from 'fastify';
import { invalidRequest } from '../../core/lbaas/api-errors.ts';

/**
 * What a request that writes is asked for in its query is what its schema names: a `cascade` that is misspelt is refused before
 * anything is looked for, as in Octavia. What reads takes more than it knows.
 */
export function knownArguments(scope: FastifyInstance): void {
  scope.addHook('preHandler', (request, _reply, next) => {
    if (request.method !== 'GET') refuseUnknownArguments(request);
    next();
  });
}

/** @throws KilnError REQUEST_INVALID in Octavia's words. */
export function refuseUnknownArguments(request: FastifyRequest): void {
  const { properties = {} } = (request.routeOptions.schema?.querystring ?? {}) as { properties?: object };
  const unknown = unknownArgument(request.query as object, properties);
  if (unknown !== undefined) throw invalidRequest(`Unknown argument: "${unknown}"`);
}

/** The first name in a query that is none of these; undefined: there is none. */
export const unknownArgument = (query: object, known: object): string | undefined =>
  Object.keys(query).find((name) => !Object.hasOwn(known, name));
