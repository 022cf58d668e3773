import { isIPv6 } from 'node:net';
import type { Client } from 'undici';
import type { AmphoraAddress } from '../../ports/amphora-agent.ts';
import { type AgentCall, fromConnectionError, refused, unreachable } from './failures.ts';

/** API versions that Kiln speaks. Agents of 0.5 have no version discovery (Octavia's rest_api_driver.py). */
const knownVersions = ['1.0', '0.5'];
const versionWithoutDiscovery = '0.5';

/** One request. The path is without the version. */
export interface AgentRequest {
  method: AgentCall['method'];
  path: string;
  /** Goes out as it is. */
  text?: string;
  /** Goes out as JSON. */
  json?: unknown;
  /** Statuses, beside 2xx, that are an answer and no failure. */
  expected?: readonly number[];
}

export interface Answer {
  status: number;
  /** Null when the body is not JSON. */
  body: unknown;
}

/** Requests to one agent over one connection. */
export interface AgentSession {
  apiVersion: string;
  /** AGENT_REFUSED for a success that can't be read. @param how ends "answers GET /1.0/info", as in "without hostname". */
  fault(request: AgentRequest, how: string): Error;
  /** An answer with a status of 2xx or one that is expected. All else throws. */
  send(request: AgentRequest): Promise<Answer>;
}

/**
 * Finds out which version an agent speaks, if the caller does not know.
 * @param limitMs for each request as a whole: the connection's own limits count from byte to byte.
 */
export async function openSession(
  client: Client,
  amphora: AmphoraAddress,
  options: { port: number; limitMs: number; signal: AbortSignal | undefined },
): Promise<AgentSession> {
  const { signal } = options;
  const { id } = amphora;
  const where = whereIs(amphora, options.port);
  const callTo = (request: AgentRequest, path: string): AgentCall => ({
    amphoraId: id,
    where,
    method: request.method,
    path,
  });

  async function send(request: AgentRequest, path: string): Promise<Answer> {
    const call = callTo(request, path);
    const limit = AbortSignal.timeout(Math.ceil(options.limitMs));
    let greeted = false;
    client.once('connect', () => {
      greeted = true;
    });
    try {
      const response = await client.request({
        method: request.method,
        path,
        headers: {
          accept: 'application/json',
          'user-agent': 'Kiln',
          ...(request.json === undefined ? {} : { 'content-type': 'application/json' }),
          ...(request.text === undefined ? {} : { 'content-type': 'application/octet-stream' }),
        },
        body: request.text ?? (request.json === undefined ? null : JSON.stringify(request.json)),
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
      });
      greeted = false;
      return { status: response.statusCode, body: parse(await response.body.text()) };
    } catch (thrown) {
      signal?.throwIfAborted();
      throw fromConnectionError(call, thrown, greeted);
    }
  }

  const discovery: AgentRequest = { method: 'GET', path: '', expected: [404] };
  async function discoverVersion(): Promise<string> {
    const call = callTo(discovery, '/');
    const answer = await send(discovery, '/');
    if (answer.status === 404) return versionWithoutDiscovery;
    const version = requireObject(requireExpected(call, discovery, answer), () =>
      unreadable(call, notAnObject),
    ).api_version;
    if (typeof version === 'string' && knownVersions.includes(version)) return version;
    throw refused(call, `speaks API version ${JSON.stringify(version)}; Kiln speaks ${knownVersions.join(' and ')}`);
  }

  signal?.throwIfAborted();
  const apiVersion = amphora.apiVersion ?? (await discoverVersion());
  const pathOf = (request: AgentRequest) => `/${apiVersion}/${request.path}`;
  return {
    apiVersion,
    fault: (request, how) => unreadable(callTo(request, pathOf(request)), how),
    async send(request) {
      return requireExpected(callTo(request, pathOf(request)), request, await send(request, pathOf(request)));
    },
  };
}

/** `address:port`, for people. */
export function whereIs({ address }: AmphoraAddress, port: number): string {
  return `${isIPv6(address) ? `[${address}]` : address}:${port}`;
}

/** The body, if it is a JSON object. */
export function requireObject(answer: Answer, fault: () => Error): Readonly<Record<string, unknown>> {
  const { body } = answer;
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  throw fault();
}

/** What an agent that still starts says is AGENT_UNREACHABLE; all else that was not expected is AGENT_REFUSED. */
function requireExpected(call: AgentCall, request: AgentRequest, answer: Answer): Answer {
  const { status, body } = answer;
  const isJson = typeof body === 'object' && body !== null;
  if (status >= 200 && status < 300) return answer;
  // A 404 that is not JSON is the web server of an agent whose API is not there yet, to Octavia as well.
  if (isJson && request.expected?.includes(status)) return answer;

  const { message, error, details } = (isJson ? body : {}) as Record<string, unknown>;
  const reported = [message ?? error, details].filter((part) => typeof part === 'string').map((part) => part.trim());
  const serviceMessage = reported.length > 0 ? reported.join(': ') : null;
  const why = `answers ${status} to ${call.method} ${call.path}${serviceMessage ? `: ${serviceMessage}` : ''}`;
  const answered = { status, serviceMessage };
  if (status === 404 && typeof details === 'string' && details.includes('No suitable network interface')) {
    return throwRefused(call, why, answered, {
      retryable: true,
      advice: 'The interface has not appeared in the amphora yet. See whether Nova attached the port to its server.',
    });
  }
  if (status >= 500 && isJson && call.method !== 'GET') {
    return throwRefused(call, why, answered, {
      retryable: true,
      advice: "The agent failed at what it was asked for; the amphora's own log says more.",
    });
  }
  if (status >= 500 || (status === 404 && !isJson)) throw unreachable(call, why, answered);
  const advice = status === 400 ? { advice: "The message is the agent's own; HAProxy's words stand in it." } : {};
  return throwRefused(call, why, answered, advice);
}

function throwRefused(...values: Parameters<typeof refused>): never {
  throw refused(...values);
}

export const notAnObject = 'with what is not a JSON object';

function unreadable(call: AgentCall, how: string): Error {
  return refused(call, `answers ${call.method} ${call.path} ${how}`, { status: 200, serviceMessage: null });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
