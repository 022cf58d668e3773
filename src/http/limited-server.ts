import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** How long clients may take for what, and how many of them there may be at once. */
export interface ConnectionLimits {
  /** From the connection, or from the first byte of a further request, to the end of the request's head; a TLS handshake too. */
  headSeconds: number;
  /** For the whole request, its body included. */
  requestSeconds: number;
  /** For what a client still sends of a request that was answered already, as with 401 or 413. */
  restSeconds: number;
  /** For taking the answer, from its last byte being handed out on. */
  answerSeconds: number;
  /** Between two requests. */
  idleSeconds: number;
  /** Without a byte either way, whatever it is that is waited for. 0: no limit. */
  silenceSeconds: number;
  /** Requests of one connection that wait for their answers: who sends more without reading is cut off. */
  pipelined: number;
  /** One more ends the one that has been silent longest, of the address that has most. */
  connections: number;
  /** Once the server is asked to stop: for clients that have not sent all, or not taken all. */
  stopSeconds: number;
  /** Once the server is asked to stop: for requests that it is still to answer. */
  stopAnswerSeconds: number;
}

/** For requests that are small, and answered within seconds. */
export const connectionLimits: ConnectionLimits = {
  headSeconds: 15,
  requestSeconds: 30,
  restSeconds: 3,
  answerSeconds: 60,
  idleSeconds: 75,
  silenceSeconds: 600,
  pipelined: 50,
  connections: 2000,
  stopSeconds: 2,
  stopAnswerSeconds: 20,
};

/** How often connections are looked at. */
const SWEEP_EVERY_MS = 500;

/** Options of `createServer` of node:http and node:https, by the limits. */
export function limitedOptions(limits: ConnectionLimits): ServerOptions & { handshakeTimeout: number } {
  return {
    headersTimeout: limits.headSeconds * 1000,
    requestTimeout: limits.requestSeconds * 1000,
    handshakeTimeout: limits.headSeconds * 1000,
    keepAliveTimeout: limits.idleSeconds * 1000,
    connectionsCheckingInterval: SWEEP_EVERY_MS,
  };
}

/** What a server with limits is asked beside serving. */
export interface ConnectionGuard {
  /** From now on silent clients are cut off at once and slow ones soon, so that closing the server ends. Idempotent. */
  stop(): void;
}

interface Connection {
  /** Of TCP, below TLS. */
  socket: Socket;
  address: string;
  /** The latest request; null before the first one. */
  exchange: { request: IncomingMessage; response: ServerResponse } | null;
  unanswered: number;
  activeAtMs: number;
  /** Since when the answer is out, or waits to be taken. */
  answeredAtMs: number | null;
}

/**
 * Enforces what node:http does not: the rest of a request after its answer, answers that nobody takes, the number of
 * connections, and an end within seconds. The server was made with `limitedOptions`.
 * @param server of node:http or node:https, not yet listening.
 */
export function guardConnections(server: Server, limits: ConnectionLimits): ConnectionGuard {
  const connections = new Map<unknown, Connection>();
  let stoppingSinceMs: number | null = null;

  server.on('connection', (socket: Socket) => {
    if (stoppingSinceMs !== null) return void socket.destroy();
    if (connections.size >= limits.connections && !makeRoom(connections)) return void socket.destroy();
    const key = keyOf(socket);
    const address = socket.remoteAddress ?? '';
    const times = { activeAtMs: performance.now(), answeredAtMs: null };
    connections.set(key, { socket, address, exchange: null, unanswered: 0, ...times });
    socket.once('close', () => connections.delete(key));
  });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const connection = connections.get(keyOf(request.socket));
    if (!connection) return;
    connection.exchange = { request, response };
    connection.activeAtMs = performance.now();
    connection.answeredAtMs = null;
    connection.unanswered++;
    response.once('close', () => connection.unanswered--);
    if (connection.unanswered > limits.pipelined) connection.socket.destroy();
  });

  const sweep = () => {
    const nowMs = performance.now();
    for (const connection of connections.values()) {
      if (isOverdue(connection, nowMs, limits, stoppingSinceMs)) connection.socket.destroy();
    }
  };
  server.once('listening', () => {
    const timer = setInterval(sweep, SWEEP_EVERY_MS).unref();
    server.once('close', () => clearInterval(timer));
  });
  server.timeout = limits.silenceSeconds * 1000;

  return {
    stop() {
      stoppingSinceMs ??= performance.now();
      for (const connection of connections.values()) {
        if (stateOf(connection) === 'silent') connection.socket.destroy();
      }
    },
  };
}

/** `silent`: between requests. `sending` or `taking`: it is the client's turn. `waiting`: it is ours. */
function stateOf({ exchange }: Connection): 'silent' | 'sending' | 'waiting' | 'taking' {
  if (!exchange) return 'silent';
  const { request, response } = exchange;
  if (response.writableFinished || response.destroyed) return request.complete ? 'silent' : 'sending';
  if (response.writableEnded) return 'taking';
  return request.complete ? 'waiting' : 'sending';
}

function isOverdue(
  connection: Connection,
  nowMs: number,
  limits: ConnectionLimits,
  stoppingSinceMs: number | null,
): boolean {
  const state = stateOf(connection);
  if (stoppingSinceMs !== null) {
    if (state === 'silent') return true;
    const seconds = state === 'waiting' ? limits.stopAnswerSeconds : limits.stopSeconds;
    if (nowMs - stoppingSinceMs >= seconds * 1000) return true;
  }
  const isAnswered = connection.exchange?.response.writableEnded === true;
  if (!isAnswered || state === 'silent') return false;
  connection.answeredAtMs ??= nowMs;
  const seconds = state === 'taking' ? limits.answerSeconds : limits.restSeconds;
  return nowMs - connection.answeredAtMs >= seconds * 1000;
}

/** Ends the connection that is missed least. @returns false when every one waits for an answer of ours. */
function makeRoom(connections: ReadonlyMap<unknown, Connection>): boolean {
  const counts = new Map<string, number>();
  for (const { address } of connections.values()) counts.set(address, (counts.get(address) ?? 0) + 1);
  let victim: Connection | null = null;
  for (const one of connections.values()) {
    if (one.socket.destroyed || stateOf(one) === 'waiting') continue;
    const [more, most] = [counts.get(one.address) ?? 0, victim ? (counts.get(victim.address) ?? 0) : 0];
    if (!victim || more > most || (more === most && one.activeAtMs < victim.activeAtMs)) victim = one;
  }
  victim?.socket.destroy();
  return victim !== null;
}

/** The same for a TCP connection and for the TLS that runs over it; a Unix socket is its own. */
function keyOf(socket: Socket): unknown {
  return socket.remotePort === undefined ? socket : `${socket.remoteAddress} ${socket.remotePort}`;
}
