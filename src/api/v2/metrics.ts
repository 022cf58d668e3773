import type { FastifyInstance } from 'fastify';
import { Counter, Histogram, type Registry } from 'prom-client';
import { Type } from 'typebox';

/** Seconds: an answer from memory, from the database, from the services of the cloud. */
const durationBuckets = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** What no route was found for counts as one. */
const noRoute = 'none';

/**
 * Counts and times every request from now on, and serves all that is in the registry at `/metrics`, without a token.
 * Labels are patterns of routes, never IDs: there are as many as routes, however many load balancers.
 */
export function metricsRoute(app: FastifyInstance, registry: Registry): void {
  const requests = new Counter({
    name: 'kiln_api_requests_total',
    help: 'Requests that the API has answered.',
    labelNames: ['method', 'route', 'status'] as const,
    registers: [registry],
  });
  const durations = new Histogram({
    name: 'kiln_api_request_duration_seconds',
    help: 'From the head of a request to the end of its answer.',
    labelNames: ['method', 'route'] as const,
    buckets: durationBuckets,
    registers: [registry],
  });

  app.addHook('onResponse', async (request, reply) => {
    const route = patternOf(request.routeOptions.url);
    const { method } = request;
    requests.inc({ method, route, status: String(reply.statusCode) });
    durations.observe({ method, route }, reply.elapsedTime / 1000);
  });

  metricsAnswer(app, registry);
}

/** `/metrics` alone. */
export function metricsAnswer(app: FastifyInstance, registry: Registry): void {
  app.get(
    '/metrics',
    { schema: { response: { 200: Type.String() } }, exposeHeadRoute: true },
    async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()),
  );
}

/** With and without `lbaas`, as Octavia serves them, routes have one name. */
function patternOf(url: string | undefined): string {
  if (url === undefined) return noRoute;
  return url.replace(/^\/v2\/lbaas(?=\/|$)/, '/v2').replace(/(?<=.)\/$/, '');
}
