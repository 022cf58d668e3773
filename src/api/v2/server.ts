import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { Registry } from 'prom-client';
import type { TSchema } from 'typebox';
import { invalidRequest } from '../../core/api/refusals.ts';
import { limitedFastify } from '../../http/limited-fastify.ts';
import { connectionLimits } from '../../http/limited-server.ts';
import type { Log } from '../../ports/log.ts';
import { authenticate } from '../auth/authenticate.ts';
import { logRequests } from './access-log.ts';
import { answerError, answerNoMethod, answerNoRoute } from './answer-error.ts';
import { metricsRoute } from './metrics.ts';
import { openApiRoute } from './openapi/route.ts';
import type { ApiParts } from './parts.ts';
import { readBody } from './read-body.ts';
import { retryOutdated } from './retry-outdated.ts';
import { amphoraRoutes } from './routes/amphorae.ts';
import { discoveryRoutes } from './routes/discovery.ts';
import { flavorRoutes } from './routes/flavors.ts';
import { l7Writes } from './routes/l7-writes.ts';
import { listenerWrites } from './routes/listener-writes.ts';
import { loadBalancerWrites } from './routes/load-balancer-writes.ts';
import { poolContentsWrites } from './routes/pool-contents.ts';
import { poolWrites } from './routes/pool-writes.ts';
import { providerRoutes } from './routes/providers.ts';
import { quotaRoutes } from './routes/quotas.ts';
import { readRoutes } from './routes/reads.ts';
import { statisticsRoutes } from './routes/statistics.ts';
import { writeTools } from './routes/write-tools.ts';

/** What oslo.middleware's sizelimit takes. */
const largestBodyBytes = 114_688;

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** What needs no token. */
const openPaths: ReadonlySet<string> = new Set(['/', '/healthcheck', '/metrics', '/openapi.json']);

/** Where Octavia serves the same API: with and without `lbaas`, under both spellings of the version. */
const prefixes = ['/v2/lbaas', '/v2.0/lbaas', '/v2', '/v2.0'];

/**
 * The public API, ready to listen. Everything needs a token but the versions, the health check, the metrics
 * and the OpenAPI document.
 */
export function createApi(parts: ApiParts): FastifyInstance {
  const log = parts.log ?? silent;
  const app = limitedFastify(
    {
      bodyLimit: parts.http?.largestBodyBytes ?? largestBodyBytes,
      trustProxy: parts.http?.trustsProxyHeaders ?? false,
      genReqId: () => `req-${randomUUID()}`,
      routerOptions: { ignoreTrailingSlash: true },
      // A path that cannot be decoded never reaches a route.
      frameworkErrors: (error, request, reply) => {
        answerError(log, error, request, reply);
      },
    },
    { limits: parts.connections ?? connectionLimits },
  );

  app.setErrorHandler((error, request, reply) => answerError(log, error, request, reply));
  app.setNotFoundHandler(answerNoRoute);
  // Answers are made in Octavia's order of fields; response schemas are for the OpenAPI document.
  app.setSerializerCompiler(() => JSON.stringify);
  app.setValidatorCompiler<TSchema>(({ schema, httpPart }) => (data) => ({
    value: httpPart === 'body' ? readBody(schema, data) : data,
  }));
  readJsonStrictly(app);

  app.decorateRequest('caller', null);
  logRequests(app, log);
  const check = authenticate(parts.authentication);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-openstack-request-id', request.id);
    if (!acceptsJson(request.headers.accept)) return reply.code(406).send(notAcceptable(request.id));
    const path = request.url.split('?')[0] ?? '';
    return openPaths.has(path) ? undefined : check(request, reply);
  });

  const answerOtherMethods = collectMethods(app);
  openApiRoute(app);
  metricsRoute(app, parts.metrics ?? new Registry());
  discoveryRoutes(app, parts);
  for (const prefix of prefixes) {
    app.register(
      async (scope) => {
        retryOutdated(scope, parts.clock);
        scope.get('/', () => 'v2');
        readRoutes(scope, parts);
        const tools = writeTools(parts);
        loadBalancerWrites(scope, parts, tools);
        listenerWrites(scope, parts, tools);
        poolWrites(scope, parts, tools);
        poolContentsWrites(scope, parts, tools);
        l7Writes(scope, parts, tools);
        statisticsRoutes(scope, parts);
        quotaRoutes(scope, parts);
        providerRoutes(scope, parts);
        flavorRoutes(scope, parts);
        if (!prefix.endsWith('/lbaas')) amphoraRoutes(scope, parts, tools);
      },
      { prefix },
    );
  }
  app.after(answerOtherMethods);
  return app;
}

/** Only UTF-8 JSON: what is not is refused in wsme's words, and nothing is guessed. */
function readJsonStrictly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) => {
    if (body.length === 0) return undefined;
    try {
      return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown;
    } catch {
      throw invalidRequest('Request is not in valid JSON format');
    }
  });
}

/**
 * Notes which methods each path takes.
 * @returns what makes the other methods answer 405, as pecan does, instead of "not found"; for when all routes are there.
 */
function collectMethods(app: FastifyInstance): () => void {
  const methods = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'];
  const taken = new Map<string, Set<string>>();
  app.addHook('onRoute', (route) => {
    const known = taken.get(route.url) ?? new Set();
    for (const method of [route.method].flat()) known.add(method);
    taken.set(route.url, known);
  });
  return () => {
    for (const [url, known] of [...taken]) {
      const allowed = methods.filter((method) => known.has(method));
      app.route({
        method: methods.filter((method) => !known.has(method)),
        url,
        handler: (_request, reply) => answerNoMethod(allowed, reply),
      });
    }
  };
}

function acceptsJson(accept: string | undefined): boolean {
  if (!accept || accept.trim() === '') return true;
  return accept.split(',').some((offer) => {
    const [type = '', ...parameters] = offer.split(';').map((part) => part.trim().toLowerCase());
    const refused = parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
    return !refused && ['application/json', 'application/*', '*/*', 'text/plain'].includes(type);
  });
}

const notAcceptable = (requestId: string) => ({
  errors: [
    {
      status: 406,
      title: 'Not Acceptable',
      detail: 'Only content type application/json is accepted.',
      request_id: requestId,
    },
  ],
});
