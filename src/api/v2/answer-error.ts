import type { FastifyReply, FastifyRequest } from 'fastify';
import { KilnError, toKilnError } from '../../model/errors.ts';
import { tenantMessage } from '../../model/tenant-text.ts';
import type { Log } from '../../ports/log.ts';
import { pathOf } from './access-log.ts';

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

/** How long a client should wait before it asks again where the service can't answer just now. */
const RETRY_AFTER_SECONDS = 2;

/**
 * Every error of the API. What is not about the request itself is reported in general words with the request's ID: its message
 * names what is none of the caller's business, and the log has it whole.
 */
export function answerError(
  log: Pick<Log, 'error'>,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { status, message } = read(error, request);
  if (status >= 500 && status !== 501) {
    const { method } = request;
    log.error({ requestId: request.id, method, path: pathOf(request), status, err: error }, 'a request failed');
  }
  if (status === 503) reply.header('retry-after', RETRY_AFTER_SECONDS);
  if (isOfTooLargeBody(error) && !asksToClose(request)) {
    // Fastify would cut off a client that still sends, which then loses this answer; the server's limits end it soon.
    reply.removeHeader('connection');
  }
  return reply.code(status).type('application/json').send(fault(status, message));
}

const isOfTooLargeBody = (error: unknown) => (error as { statusCode?: unknown } | null)?.statusCode === 413;

/** Such a client must read `Connection: close`: one that keeps a pool would send its next request into the closing connection. */
const asksToClose = ({ headers }: FastifyRequest) => /\bclose\b/i.test(headers.connection ?? '');

function read(error: unknown, request: FastifyRequest): { status: number; message: string } {
  if (error instanceof KilnError) {
    // The database comes back by itself; what breaks for good is a fault.
    const status = error.code === 'STATE_UNUSABLE' && error.retryable ? 503 : error.httpStatus;
    return { status, message: tenantMessage(error, request.id) };
  } else if (error instanceof Error) {
    const status = (error as { statusCode?: unknown }).statusCode;
    // Fastify's own: a content type that nobody reads, a body that is too large, a path that is no path.
    if (status === 415) return { status, message: `Unknown mimetype: ${request.headers['content-type'] ?? ''}` };
    if (typeof status === 'number' && status >= 400 && status < 500) return { status, message: error.message };
  }
  return { status: 500, message: tenantMessage(toKilnError(error), request.id) };
}

/** Where Octavia has no controller, pecan answers, in another format. */
export function answerNoRoute(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const path = pathOf(request);
  // These controllers have a GET of their own, by which pecan judges whatever it finds no controller for.
  const isBelowController = /^\/v2(?:\.0)?(?:\/(?:lbaas|octavia))?\/[^/]+\/?$/.test(path);
  if (isBelowController && request.method !== 'GET') return answerNoMethod(['GET'], reply);
  return refuse(reply, 404, 'Not Found', /^\/v2(?:\.0)?(?:\/|$)/.test(path) ? '' : null);
}

export function answerNoMethod(allowed: readonly string[], reply: FastifyReply): FastifyReply {
  return refuse(reply.header('allow', allowed.join(', ')), 405, 'Method Not Allowed', '');
}

export function answerNotAcceptable(reply: FastifyReply): FastifyReply {
  return refuse(reply, 406, 'Not Acceptable', 'Only content type application/json is accepted.');
}

function refuse(reply: FastifyReply, code: number, title: string, description: string | null): FastifyReply {
  return reply.code(code).type('application/json').send({ code, title, description });
}
