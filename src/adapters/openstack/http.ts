import { Readable } from 'node:stream';
import { abortable } from '../../lib/abortable.ts';
import { KilnError, type ServiceCall, ServiceError } from '../../model/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { createAgents } from './agents.ts';
import { type Asked, callOf, cancelled, failureOfStatus, failureOfThrown, tooSlow } from './failures.ts';
import { mayRetry, parseRetryAfter, retryDelayMs } from './retry.ts';
import { serviceMessage } from './service-message.ts';
import { type TransportSettings, withDefaults } from './settings.ts';

export interface HttpRequest {
  /** For errors and logs: identity, image, compute, network. */
  service: string;
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Without secrets: it is logged. */
  url: string;
  headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it comes, never held in memory and never sent twice. */
  stream?: { data: AsyncIterable<Uint8Array>; sizeBytes: number };
  /** Does no harm when it is carried out twice. Default: every method but POST and PATCH. */
  repeatable?: boolean;
  signal?: AbortSignal | undefined;
}

/** An answer with status 2xx. */
export interface HttpAnswer {
  status: number;
  header(name: string): string | null;
  text: string;
  /** For errors about the answer's content. */
  call: ServiceCall;
}

export interface Http {
  /** Throws ServiceError unless the answer is 2xx and whole; CANCELLED when `signal` stopped it. */
  request(request: HttpRequest): Promise<HttpAnswer>;
  close(): Promise<void>;
}

/**
 * HTTP for the OpenStack clients: connections kept and shared per origin, TLS, time limits, retries of what may be
 * retried. Of a call the log gets method, path, status and duration, never headers or bodies.
 * @param options.random for tests; in [0, 1).
 */
export function createHttp(options: {
  settings: TransportSettings;
  clock: Clock;
  log: Log;
  random?: () => number;
}): Http {
  const { clock, log, random = Math.random } = options;
  const settings = withDefaults(options.settings);
  const { retry } = settings;
  const agents = createAgents(settings);
  if (settings.insecure) {
    log.warn(
      {},
      'TLS certificates of OpenStack services are not verified (insecure): anyone on the way can read tokens',
    );
  }

  /** One try. */
  async function send(asked: Asked, request: HttpRequest): Promise<HttpAnswer> {
    const { method, url } = asked;
    const { signal } = request;
    if (signal?.aborted) throw cancelled(callOf(asked), false, signal.reason);

    const late = new AbortController();
    const limitSeconds = request.stream ? settings.uploadSilenceSeconds : settings.requestTimeoutSeconds;
    let timer: NodeJS.Timeout | undefined;
    const startLimit = () => {
      timer = setTimeout(() => late.abort(), limitSeconds * 1000);
    };
    const body = bodyOf(request, startLimit);
    const stop = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
    if (!request.stream) startLimit();
    try {
      const asking = agents.of(url).request({
        origin: url.origin,
        path: url.pathname + url.search,
        method,
        headers: { accept: 'application/json', 'user-agent': 'kiln', ...body.headers, ...request.headers },
        body: body.content,
        signal: stop,
        // The limit covers the whole answer; an upload, for which it begins with the last byte, is watched for silence before.
        headersTimeout: request.stream ? settings.uploadSilenceSeconds * 1000 : 0,
        bodyTimeout: request.stream ? settings.uploadSilenceSeconds * 1000 : 0,
      });
      // undici heeds a signal only from the moment on that there is a connection: not while it is made, nor in the queue for one.
      const answer = await abortable(asking, stop);
      const text = await answer.body.text();
      return readAnswer(asked, answer.statusCode, answer.headers, text, clock, tokensOf(request));
    } catch (thrown) {
      if (thrown instanceof ServiceError) throw thrown;
      if (body.fault()) throw body.fault();
      if (signal?.aborted) throw cancelled(callOf(asked), true, signal.reason);
      if (late.signal.aborted) throw tooSlow(asked, limitSeconds, thrown);
      throw failureOfThrown(asked, thrown);
    } finally {
      clearTimeout(timer);
    }
  }

  async function request(request: HttpRequest): Promise<HttpAnswer> {
    const asked: Asked = { service: request.service, method: request.method, url: new URL(request.url) };
    const repeatable = request.repeatable ?? (request.method !== 'POST' && request.method !== 'PATCH');
    const startedMs = clock.monotonicMs();
    for (let attempt = 1; ; attempt++) {
      const sentMs = clock.monotonicMs();
      const fields = {
        service: asked.service,
        method: asked.method,
        path: asked.url.pathname + asked.url.search,
        attempt,
      };
      try {
        const answer = await send(asked, request);
        const durationMs = Math.round(clock.monotonicMs() - sentMs);
        log.debug({ ...fields, status: answer.status, durationMs, requestId: answer.call.requestId }, 'OpenStack call');
        return answer;
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        const nowMs = clock.monotonicMs();
        const { status, requestId, retryAfterSeconds } = error.call;
        const durationMs = Math.round(nowMs - sentMs);
        const again = request.stream === undefined && mayRetry(error, repeatable);
        const delayMs = again ? retryDelayMs(retry, attempt, nowMs - startedMs, retryAfterSeconds, random()) : null;
        const failed = { ...fields, status, durationMs, requestId, error: error.message };
        if (delayMs === null) {
          log.debug(failed, 'OpenStack call failed');
          throw error;
        }
        log.debug({ ...failed, delayMs: Math.round(delayMs) }, 'OpenStack call failed; trying again');
        await clock.sleep(delayMs, request.signal).catch((reason) => {
          throw cancelled(error.call, error.call.outcomeUnknown, reason);
        });
      }
    }
  }

  return { request, close: () => agents.close() };
}

/** Judges a whole answer: throws unless it is 2xx. */
function readAnswer(
  asked: Asked,
  status: number,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  text: string,
  clock: Clock,
  tokens: readonly string[],
): HttpAnswer {
  const header = (name: string): string | null => {
    const value = headers[name];
    return (Array.isArray(value) ? value[0] : value) ?? null;
  };
  const call = {
    ...callOf(asked),
    status,
    requestId: header('x-openstack-request-id') ?? header('openstack-request-id'),
    retryAfterSeconds: parseRetryAfter(header('retry-after'), header('date'), clock.now),
  };
  if (status >= 200 && status < 300) return { status, header, text, call };
  // Services and proxies quote what they refuse, and their words go into errors and logs.
  const masked = (said: string) => tokens.reduce((rest, token) => rest.replaceAll(token, '***'), said);
  const location = header('location');
  throw failureOfStatus({ ...call, serviceMessage: serviceMessage(masked(text)) }, location && masked(location));
}

function tokensOf({ headers }: HttpRequest): string[] {
  return [headers?.['x-auth-token'], headers?.['x-subject-token']].filter((one): one is string => !!one);
}

interface Body {
  content: string | Readable | null;
  headers: Record<string, string>;
  /** What was wrong with a stream on our own side, if anything. */
  fault(): unknown;
}

function bodyOf(request: HttpRequest, onSent: () => void): Body {
  if (request.stream) return streamBody(request.stream, onSent);
  const content = request.json === undefined ? null : JSON.stringify(request.json);
  const headers: Record<string, string> = content === null ? {} : { 'content-type': 'application/json' };
  return { content, headers, fault: () => undefined };
}

/** A source that fails or has another length is reported as such: undici would only say that the body broke off. */
function streamBody(stream: NonNullable<HttpRequest['stream']>, onSent: () => void): Body {
  let fault: unknown;
  async function* counted(): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    try {
      for await (const chunk of stream.data) {
        bytes += chunk.byteLength;
        if (bytes > stream.sizeBytes) throw wrongLength(bytes, stream.sizeBytes);
        yield chunk;
      }
      if (bytes < stream.sizeBytes) throw wrongLength(bytes, stream.sizeBytes);
      onSent();
    } catch (error) {
      fault = error;
      throw error;
    }
  }
  const headers = { 'content-type': 'application/octet-stream', 'content-length': String(stream.sizeBytes) };
  return { content: Readable.from(counted(), { objectMode: false }), headers, fault: () => fault };
}

function wrongLength(bytes: number, expected: number): KilnError {
  return new KilnError(
    'IMAGE_BROKEN',
    `The data to upload changed: ${bytes} bytes came where ${expected} were announced`,
  );
}
