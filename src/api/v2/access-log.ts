import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Log } from '../../ports/log.ts';

/** Path without query, in which a client may have put anything. */
export const pathOf = (request: FastifyRequest): string => request.url.split('?')[0] ?? '';

/** One line a request, with the ID that the client was given. No token, no body, no query. */
export function logRequests(app: FastifyInstance, log: Pick<Log, 'info'>): void {
  app.addHook('onResponse', async (request, reply) => {
    log.info(
      {
        requestId: request.id,
        method: request.method,
        path: pathOf(request),
        status: reply.statusCode,
        milliseconds: Math.round(reply.elapsedTime),
        project: request.caller?.projectId ?? null,
        user: request.caller?.userId ?? null,
      },
      'request',
    );
  });
}
