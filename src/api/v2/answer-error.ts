import type { FastifyReply, FastifyRequest } from 'fastify';
import { KilnError } from '../../model/errors.ts';

/** The body of a refusal, in the order of fields that wsme has. */
interface Fault {
  faultcode: 'Client' | 'Server';
  faultstring: string;
  debuginfo: null;
}

const fault = (status: number, faultstring: string): Fault => ({
  faultcode: status < 500 ? 'Client' : 'Server',
  faultstring,
  debuginfo: null,
});

/**
 * Every error of the API. Faults of Kiln's own are told with the request's ID alone: their message may hold what is none
 * of the caller's business, and the log has it.
 */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { status, message } = read(error, request);
  if (status >= 500 && status !== 501) request.log.error({ err: error }, 'A request failed');
  return reply.code(status).type('application/json').send(fault(status, message));
}

function read(error: unknown, request: FastifyRequest): { status: number; message: string } {
  if (error instanceof KilnError) {
    if (error.code !== 'INTERNAL') return { status: error.httpStatus, message: error.message };
  } else if (error instanceof Error) {
    const status = (error as { statusCode?: unknown }).statusCode;
    // Fastify's own: a body that is too large, a content type that nobody reads, a path that is no path.
    if (typeof status === 'number' && status >= 400 && status < 500) return { status, message: error.message };
  }
  return { status: 500, message: `Kiln failed inside; its log has more under ${request.id}` };
}

/** Where Octavia has no controller, pecan answers, in another format. */
export function answerNoRoute(_request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return reply.code(404).type('application/json').send({ code: 404, title: 'Not Found', description: '' });
}

export function answerNoMethod(allowed: readonly string[], reply: FastifyReply): FastifyReply {
  return reply
    .code(405)
    .header('allow', allowed.join(', '))
    .type('application/json')
    .send({ code: 405, title: 'Method Not Allowed', description: '' });
}
