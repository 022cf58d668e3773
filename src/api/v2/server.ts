import type { FastifyInstance } from 'fastify';
import { Registry } from 'prom-client';
import type { TSchema } from 'typebox';
import { invalidRequest } from '../../core/lbaas/api-errors.ts';
import { limitedFastify } from '../../http/limited-fastify.ts';
import { connectionLimits } from '../../http/limited-server.ts';
import type { Log } from '../../ports/log.ts';
import { authenticate } from '../auth/authenticate.ts';
import { uiRoutes } from '../ui/routes.ts';
import { accepts } from './accept.ts';
import { createAccessLog, newRequestId, pathOf } from './access-log.ts';
import { answerError, answerNoMethod, answerNoRoute, answerNotAcceptable } from './answer-error.ts';
import { canonicalUrl } from './canonical-url.ts';
import type { ApiDeps } from './deps.ts';
import { knownArguments } from './known-arguments.ts';
import { metricsRoute } from './metrics.ts';
import { openApiRoute } from './openapi/route.ts';
import { readBody } from './read-body.ts';
import { retryOutdated } from './retry-outdated.ts';
import { amphoraRoutes } from './routes/amphorae.ts';
import { discoveryRoutes } from './routes/discovery.ts';
import { eventRoute } from './routes/events.ts';
import { flavorRoutes } from './routes/flavors.ts';
import { fleetRoute } from './routes/fleet.ts';
import { healthCheckRoute } from './routes/health-check.ts';
import { imageRoutes } from './routes/images.ts';
import { l7Writes } from './routes/l7-writes.ts';
import { listenerWrites } from './routes/listener-writes.ts';
import { loadBalancerWrites } from './routes/load-balancer-writes.ts';
import { oddAmphoraPaths, oddPaths } from './routes/odd-paths.ts';
import { operationRoutes } from './routes/operations.ts';
import { overviewRoutes } from './routes/overview.ts';
import { poolContentsWrites } from './routes/pool-contents.ts';
import { poolWrites } from './routes/pool-writes.ts';
import { providerRoutes } from './routes/providers.ts';
import { quotaRoutes } from './routes/quotas.ts';
import { readRoutes } from './routes/reads.ts';
import { releaseRoutes } from './routes/releases.ts';
import { resizeRoute } from './routes/resize.ts';
import { statisticsOverTimeRoute, statisticsRoutes } from './routes/statistics.ts';
import { writeTools } from './routes/write-tools.ts';
import { createReads } from './shared-reads.ts';

/** What oslo.middleware's sizelimit takes. */
const largestBodyBytes = 114_688;
/** An ID of any length is one that is not there; Node.js takes no longer heads. */
const longestPath = 16_384;

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** What needs no token. */
const openPaths: ReadonlySet<string> = new Set(['/', '/healthcheck', '/metrics', '/openapi.json']);

/** What answers with other types than JSON. */
const ownTypes: ReadonlySet<string> = new Set(['/healthcheck', '/metrics']);
/** Where the answer may be lines of JSON. */
const linesPath = /^\/v2(\.0)?\/kiln\/(releases\/[^/]+\/)?events$/;

/**
 * The public API, ready to listen. Everything needs a token but the versions, the health check, the metrics
 * and the OpenAPI document.
 */
export function createApi(deps: ApiDeps): FastifyInstance {
  const log = deps.log ?? silent;
  const accessLog = createAccessLog(log);
  const app = limitedFastify(
    {
      bodyLimit: deps.http?.largestBodyBytes ?? largestBodyBytes,
      trustProxy: deps.http?.trustsProxyHeaders ?? false,
      // pecan has no HEAD but where somebody made one.
      exposeHeadRoutes: false,
      genReqId: newRequestId,
      rewriteUrl: ({ url = '/' }) => canonicalUrl(url),
      routerOptions: { ignoreTrailingSlash: true, maxParamLength: longestPath },
      clientErrorHandler: accessLog.refuseUnreadable,
      // A path that cannot be decoded never reaches a route, nor its hooks.
      frameworkErrors: (error, request, reply) => {
        accessLog.follow(request, reply);
        answerError(log, error, request, reply);
      },
    },
    { limits: deps.connections ?? connectionLimits },
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
  const check = authenticate(deps.authentication);
  app.addHook('onRequest', async (request, reply) => {
    accessLog.follow(request, reply);
    // As oslo.middleware's CORS does, in front of everything.
    if (request.method === 'OPTIONS') return reply.code(200).send('');
    const path = pathOf(request).replace(/(?<=.)\/$/, '');
    // The page itself is the same for everybody; what it shows is asked for with a token.
    if (deps.ui && /^\/ui(?:\/|$)/.test(path)) return undefined;
    const types = linesPath.test(path) ? ['application/json', 'application/x-ndjson'] : ['application/json'];
    if (!ownTypes.has(path) && !types.some((type) => accepts(request.headers.accept, type)))
      return answerNotAcceptable(reply);
    return openPaths.has(path) ? undefined : check(request, reply);
  });

  const answerOtherMethods = collectMethods(app);
  openApiRoute(app);
  metricsRoute(app, deps.metrics ?? new Registry());
  discoveryRoutes(app, deps);
  healthCheckRoute(app, deps);
  const { ui } = deps;
  const reading = { ...deps, readsOf: createReads(deps) };
  if (ui) app.register(async (scope) => uiRoutes(scope, ui));
  app.register(
    async (scope) => {
      strictly(scope, deps);
      scope.get('/', () => 'v2');
      readRoutes(scope, reading);
      const tools = writeTools(deps);
      loadBalancerWrites(scope, deps, tools);
      listenerWrites(scope, deps, tools);
      poolWrites(scope, deps, tools);
      poolContentsWrites(scope, deps, tools);
      l7Writes(scope, deps, tools);
      statisticsRoutes(scope, deps);
      quotaRoutes(scope, deps);
      providerRoutes(scope, deps);
      flavorRoutes(scope, deps);
      oddPaths(scope);
    },
    { prefix: '/v2/lbaas' },
  );
  app.register(
    async (scope) => {
      strictly(scope, deps);
      const tools = writeTools(deps);
      fleetRoute(scope, deps);
      overviewRoutes(scope, reading);
      statisticsOverTimeRoute(scope, reading);
      operationRoutes(scope, reading);
      resizeRoute(scope, deps, tools);
      releaseRoutes(scope, deps);
      imageRoutes(scope, deps);
      eventRoute(scope, deps);
      amphoraRoutes(scope, deps, tools);
      oddAmphoraPaths(scope);
    },
    { prefix: '/v2' },
  );
  app.after(answerOtherMethods);
  return app;
}

/** Unknown arguments of what writes are refused, and what was read before a change that came between is read again. */
function strictly(scope: FastifyInstance, { clock }: ApiDeps): void {
  knownArguments(scope);
  retryOutdated(scope, clock);
}

/** Only UTF-8 JSON: what is not is refused in wsme's words, and nothing is guessed. */
function readJsonStrictly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  // wsme's names for JSON.
  const json = ['application/json', 'text/javascript', 'application/javascript'];
  app.addContentTypeParser(json, { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) => {
    if (body.length === 0) return undefined;
    try {
      return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)) as unknown;
    } catch {
      throw invalidRequest('Request is not in valid JSON format');
    }
  });
  app.addContentTypeParser('*', { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) => {
    if (body.length > 0) throw Object.assign(new Error('not JSON'), { statusCode: 415 });
  });
}

/**
 * Notes which methods each path takes.
 * @returns what makes the other methods answer 405, as pecan does, instead of "not found"; for when all routes are there.
 */
function collectMethods(app: FastifyInstance): () => void {
  const methods = ['DELETE', 'GET', 'HEAD', 'PATCH', 'POST', 'PUT'] as const;
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
