import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import { newRequestId } from '../request-id.ts';
import { statusTitle } from '../status-title.ts';
import { applicationCredentialRoutes } from './application-credential-routes.ts';
import { IdentityFault } from './fault.ts';
import { resourceRoutes } from './resource-routes.ts';
import type { IdentityTables } from './rows.ts';
import { tokenRoutes } from './token-routes.ts';
import type { TokenStore } from './tokens.ts';

/** Keystone v3, as far as OpenStack's clients use it. Formats as recorded from a real Keystone 22 (test/recorded). */
export function identityService(tables: IdentityTables, tokens: TokenStore, baseUrl: () => string): FastifyPluginAsync {
  return async (app: FastifyInstance) => {
    app.addHook('onRequest', async (_request, reply) => {
      reply.header('Vary', 'X-Auth-Token').header('x-openstack-request-id', newRequestId());
    });

    app.setErrorHandler(async (error: Error & { statusCode?: number }, _request, reply) => {
      const status = error instanceof IdentityFault ? error.status : (error.statusCode ?? 500);
      if (status === 401) reply.header('WWW-Authenticate', `Keystone uri="${baseUrl()}/identity/v3"`);
      reply.code(status);
      return { error: { code: status, message: error.message, title: statusTitle(status) } };
    });
    app.setNotFoundHandler(async (_request, reply) => {
      reply.code(404);
      return { error: { code: 404, message: 'The resource could not be found.', title: 'Not Found' } };
    });

    const version = () => ({
      id: 'v3.14',
      status: 'stable',
      updated: '2020-04-07T00:00:00Z',
      links: [{ rel: 'self', href: `${baseUrl()}/identity/v3/` }],
      'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
    });
    app.get('/', async (_request, reply) => {
      reply.code(300);
      return { versions: { values: [version()] } };
    });
    for (const path of ['/v3', '/v3/']) app.get(path, async () => ({ version: version() }));

    tokenRoutes(app, tables, tokens, baseUrl);
    resourceRoutes(app, tables, tokens, baseUrl);
    applicationCredentialRoutes(app, tables, tokens, baseUrl);
  };
}
