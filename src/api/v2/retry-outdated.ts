import type { FastifyInstance, RouteHandlerMethod } from 'fastify';
import { KilnError } from '../../model/errors.ts';
import type { Clock } from '../../ports/clock.ts';

/** Whoever is beaten to it so often meets a load balancer that is never at rest. */
const TRIES = 10;
const LONGEST_PAUSE_MS = 50;

/**
 * Has every write route of this scope decide anew, from what is there now, when what it decided from has changed by the time
 * it wrote: a request that was beaten by another one ends as if it had come after it. Routes write in one change, as the
 * last thing they do, so that nothing is done twice.
 */
export function retryOutdated(scope: FastifyInstance, clock: Clock): void {
  scope.addHook('onRoute', (route) => {
    if ([route.method].flat().every((method) => method === 'GET' || method === 'HEAD')) return;
    const handle = route.handler;
    const retried: RouteHandlerMethod = async function (request, reply) {
      for (let tries = 1; ; tries++) {
        try {
          return await handle.call(this, request, reply);
        } catch (error) {
          if (!(error instanceof KilnError) || error.code !== 'CHANGE_OUTDATED' || tries === TRIES) throw error;
          await clock.sleep(Math.random() * LONGEST_PAUSE_MS);
        }
      }
    };
    route.handler = retried;
  });
}
