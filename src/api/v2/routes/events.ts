import type { FastifyInstance } from 'fastify';
import { invalidField } from '../../../core/lbaas/api-errors.ts';
import { timeOfEventId } from '../../../model/event.ts';
import type { ApiDeps } from '../deps.ts';
import { allEventLines, allEventsQuery } from '../schemas/event.ts';
import { kilnEventToWire } from '../wire/event.ts';
import { lineStreams, linesOf, linesType } from './line-stream.ts';
import { flagOf, limitOf, queryOf, single } from './plain-query.ts';
import { authorizeCaller } from './reads.ts';

/** What happens in all of Kiln, as lines of JSON: of Kiln, not of Octavia. */
export function eventRoute(app: FastifyInstance, { events, policy }: Pick<ApiDeps, 'events' | 'policy'>): void {
  const streams = lineStreams(app);
  const schema = { querystring: allEventsQuery, response: { 200: allEventLines } };
  app.get('/kiln/events', { schema }, async (request, reply) => {
    authorizeCaller(policy, 'event:get_all', request);
    const query = queryOf(request, allEventsQuery);
    const after = single(query, 'after');
    if (after !== null && timeOfEventId(after) === null) {
      throw invalidField('after', after, 'Take the id of an event.');
    }
    if (flagOf(query, 'follow')) {
      return await streams.answer(reply, (signal) => events.follow(after, signal), kilnEventToWire);
    }
    return reply.type(linesType).send(linesOf(await events.list(after, limitOf(query)), kilnEventToWire));
  });
}
