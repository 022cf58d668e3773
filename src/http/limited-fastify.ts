import { createServer, type ServerOptions } from 'node:http';
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { type ConnectionGuard, type ConnectionLimits, guardConnections, limitedOptions } from './limited-server.ts';

/**
 * A Fastify whose connections have limits, and which closes within seconds, whatever its clients do.
 * @param own.server further options of node:http.
 */
export function limitedFastify(
  options: FastifyServerOptions,
  own: { limits: ConnectionLimits; server?: ServerOptions },
): FastifyInstance {
  /** One for each address that a host name stands for. */
  const guards: ConnectionGuard[] = [];
  const app = Fastify({
    ...options,
    serverFactory: (handler) => {
      const server = createServer({ ...limitedOptions(own.limits), ...own.server }, handler);
      guards.push(guardConnections(server, own.limits));
      return server;
    },
  }) as unknown as FastifyInstance;
  app.addHook('preClose', async () => {
    for (const guard of guards) guard.stop();
  });
  return app;
}
