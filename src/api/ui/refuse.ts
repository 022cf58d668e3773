import type { FastifyReply } from 'fastify';

/** A refusal in the form of the API's own, whose `faultstring` the page shows. */
export function refuse(reply: FastifyReply, status: number, faultstring: string): FastifyReply {
  return reply.code(status).send({ faultcode: status < 500 ? 'Client' : 'Server', faultstring, debuginfo: null });
}
