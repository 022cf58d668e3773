import type { FastifyInstance } from 'fastify';
import { currentVersion } from '../routes/discovery.ts';
import { type DescribedRoute, type OpenApiDocument, openApiDocument } from './document.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Of the routes that are there when it is asked for. */
    openApi(): OpenApiDocument;
  }
}

/** One of the names under which the same API is served. */
const described = /^\/v2\/(lbaas|octavia|kiln)\/./;
const outside = new Set(['/', '/healthcheck', '/metrics']);

/** Serves the OpenAPI document of the routes that are registered from now on. */
export function openApiRoute(app: FastifyInstance): void {
  const routes: DescribedRoute[] = [];
  app.addHook('onRoute', ({ method, url, schema }) => {
    // Routes without a schema answer "method not allowed"; Fastify adds HEAD by itself.
    if (typeof method !== 'string' || method === 'HEAD' || !schema) return;
    if (described.test(url) || outside.has(url)) routes.push({ method, url, schema });
  });
  let made: OpenApiDocument | null = null;
  app.decorate('openApi', () => {
    made ??= openApiDocument(routes, currentVersion);
    return made;
  });
  app.get('/openapi.json', { exposeHeadRoute: true }, () => app.openApi());
}
