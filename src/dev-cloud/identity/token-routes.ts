import type { FastifyInstance, FastifyRequest } from 'fastify';
import { authenticate } from './authentication.ts';
import { callerOf } from './caller.ts';
import { catalog } from './catalog.ts';
import { forbidden, IdentityFault } from './fault.ts';
import type { IdentityTables, TokenRow } from './rows.ts';
import { rolesOf } from './rows.ts';
import type { TokenStore } from './tokens.ts';
import { domainView, listView, projectView } from './views.ts';

/** `/v3/auth/*`: tokens, and what a token opens. */
export function tokenRoutes(app: FastifyInstance, tables: IdentityTables, tokens: TokenStore, baseUrl: () => string) {
  app.post('/v3/auth/tokens', async (request, reply) => {
    const { token, row } = tokens.issue(await authenticate(tables, tokens, request.body));
    reply.code(201).header('X-Subject-Token', token);
    return { token: tokens.view(row, baseUrl(), withCatalog(request)) };
  });

  // HEAD comes with GET.
  app.get('/v3/auth/tokens', async (request, reply) => {
    const row = subjectOf(request, tokens);
    reply.header('X-Subject-Token', request.headers['x-subject-token']);
    return { token: tokens.view(row, baseUrl(), withCatalog(request)) };
  });

  app.delete('/v3/auth/tokens', async (request, reply) => {
    tokens.revoke(subjectOf(request, tokens));
    return reply.code(204).send();
  });

  app.get('/v3/auth/catalog', async (request) => {
    const { token } = callerOf(request, tokens);
    if (token.project_id === null) throw forbidden('identity:get_auth_catalog');
    return { catalog: catalog(tables, baseUrl()), links: { self: `${baseUrl()}/identity/v3/auth/catalog` } };
  });

  app.get('/v3/auth/projects', async (request) => {
    const { token } = callerOf(request, tokens);
    const open = tables.projects.all().filter((project) => rolesOf(tables, token.user_id, project.id).length > 0);
    return listView('projects', open, (row) => projectView(row, baseUrl()), request, baseUrl());
  });

  app.get('/v3/auth/domains', async (request) => {
    callerOf(request, tokens);
    return listView('domains', [], (row) => domainView(row, baseUrl()), request, baseUrl());
  });
}

function withCatalog(request: FastifyRequest): boolean {
  return !Object.hasOwn(request.query as object, 'nocatalog');
}

/** The token that X-Subject-Token names: one's own, or for an administrator and a service anyone's. */
function subjectOf(request: FastifyRequest, tokens: TokenStore): TokenRow {
  const caller = callerOf(request, tokens);
  const subject = request.headers['x-subject-token'];
  if (typeof subject !== 'string' || subject === '') throw new IdentityFault(400, 'X-Subject-Token is missing.');
  const row = tokens.find(subject);
  if (!row) throw new IdentityFault(404, 'Could not find token.');
  const isService = tokens.rolesOf(caller.token).some((role) => role.name === 'service');
  if (!caller.isAdmin && !isService && row.user_id !== caller.token.user_id) throw forbidden('identity:validate_token');
  return row;
}
