import type { FastifyInstance, FastifyReply } from 'fastify';

/** For answers that go on: a signal for each, aborted when its client is gone, or when the server closes, which would wait for it else. */
export function answerSignals(app: FastifyInstance): (reply: FastifyReply) => AbortSignal {
  const closing = new AbortController();
  app.addHook('preClose', async () => closing.abort());
  return (reply) => {
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    return AbortSignal.any([gone.signal, closing.signal]);
  };
}
