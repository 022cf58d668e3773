import { randomUUID } from 'node:crypto';
import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../../ports/log.ts';

/** Path that was asked for, without the query, in which a client may have put anything. */
export const pathOf = (request: FastifyRequest): string => request.originalUrl.split('?')[0] ?? '';

export const newRequestId = (): string => `req-${randomUUID()}`;

const requestIdHeader = 'x-openstack-request-id';

/** One line a request, with the ID that the client was given, whatever becomes of it. No token, no body, no query. */
export function createAccessLog(log: Pick<Log, 'info'>) {
  /** Those that are not answered yet, by connection. */
  const underWay = new WeakMap<Socket, { id: string; response: ServerResponse; refusedWith: number | null }>();

  /** As soon as there is a request: gives it its ID in the answer, and has its line written when it has ended. */
  function follow(request: FastifyRequest, reply: FastifyReply): void {
    reply.header(requestIdHeader, request.id);
    const { raw: response } = reply;
    const { socket } = request.raw;
    const one = { id: request.id, response, refusedWith: null as number | null };
    underWay.set(socket, one);
    // However it ends.
    response.once('close', () => {
      if (underWay.get(socket) === one) underWay.delete(socket);
      const { method } = request;
      const status = one.refusedWith ?? (response.headersSent ? response.statusCode : null);
      log.info(
        {
          requestId: request.id,
          method,
          path: pathOf(request),
          status,
          // The client went, or was too slow, before it had the whole answer.
          ...(!response.writableFinished && { cutOff: true }),
          milliseconds: Math.round(reply.elapsedTime),
          project: request.caller?.projectId ?? null,
          user: request.caller?.userId ?? null,
        },
        'request',
      );
    });
  }

  /** What is no request, or did not come in time, is refused in the format of pecan; where an answer has begun, that is cut off. */
  function refuseUnreadable(error: Error & { code?: string }, socket: Socket): void {
    if (error.code === 'ECONNRESET' || socket.destroyed) return;
    const status = statuses[error.code ?? ''] ?? 400;
    const one = underWay.get(socket);
    if (!one?.response.headersSent) {
      const id = one?.id ?? newRequestId();
      if (one) one.refusedWith = status;
      else log.info({ requestId: id, method: null, path: null, status, project: null, user: null }, 'request');
      if (socket.writable) socket.write(refusal(status, id));
    }
    socket.destroy(error);
  }

  return { follow, refuseUnreadable };
}

const statuses: Readonly<Record<string, number>> = { ERR_HTTP_REQUEST_TIMEOUT: 408, HPE_HEADER_OVERFLOW: 431 };

function refusal(status: number, requestId: string): string {
  const title = STATUS_CODES[status] ?? '';
  const body = JSON.stringify({ code: status, title, description: '' });
  const head = [
    `HTTP/1.1 ${status} ${title}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    `${requestIdHeader}: ${requestId}`,
  ];
  return [...head, '', body].join('\r\n');
}
