import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { answerSignals } from '../../../http/answer-signals.ts';

/** Answers with what comes, one JSON object a line, until it ends, the client goes, or the server does. */
interface LineStreams {
  answer<Event>(
    reply: FastifyReply,
    follow: (signal: AbortSignal) => AsyncGenerator<readonly Event[], void, void>,
    toWire: (event: Event) => object,
  ): Promise<FastifyReply>;
}

export function lineStreams(app: FastifyInstance): LineStreams {
  const signalOf = answerSignals(app);
  return {
    async answer(reply, follow, toWire) {
      const signal = signalOf(reply);
      const batches = follow(signal);
      // What can be refused is refused before the answer begins.
      const first = await batches.next();
      async function* lines() {
        if (first.done) return;
        try {
          yield linesOf(first.value, toWire);
          for await (const events of batches) yield linesOf(events, toWire);
        } catch (error) {
          if (!signal.aborted) throw error;
        } finally {
          await batches.return();
        }
      }
      return reply.type(linesType).send(Readable.from(lines(), { objectMode: false }));
    },
  };
}

export const linesType = 'application/x-ndjson';

/** A sign of life where there is no event. */
export function linesOf<Event>(events: readonly Event[], toWire: (event: Event) => object): string {
  return events.map((event) => `${JSON.stringify(toWire(event))}\n`).join('') || '\n';
}
