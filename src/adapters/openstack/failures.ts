import { type ErrorCode, type ErrorOptions, type ServiceCall, ServiceError } from '../../model/errors.ts';

/** What was asked, for errors and logs. */
export interface Asked {
  service: string;
  method: string;
  url: URL;
}

export function callOf(asked: Asked): ServiceCall {
  return {
    service: asked.service,
    method: asked.method,
    path: asked.url.pathname + asked.url.search,
    status: null,
    serviceMessage: null,
    requestId: null,
    retryAfterSeconds: null,
    outcomeUnknown: false,
  };
}

/** Reading changes nothing, so its outcome is never in doubt. */
export function changesSomething(method: string): boolean {
  return method !== 'GET' && method !== 'HEAD';
}

const codeOfStatus: Readonly<Record<number, ErrorCode>> = {
  401: 'SERVICE_UNAUTHORIZED',
  403: 'SERVICE_FORBIDDEN',
  404: 'SERVICE_NOT_FOUND',
  408: 'SERVICE_TIMEOUT',
  409: 'SERVICE_CONFLICT',
  410: 'SERVICE_NOT_FOUND',
  413: 'SERVICE_LIMIT',
  429: 'SERVICE_LIMIT',
  504: 'SERVICE_TIMEOUT',
};

/** An answer that is not a success. `call` carries the status and what the service said. */
export function failureOfStatus(call: ServiceCall & { status: number }, location: string | null): ServiceError {
  const { status } = call;
  const said = call.serviceMessage ? `: ${call.serviceMessage}` : '';
  const where = call.requestId ? ` (${call.requestId})` : '';
  const message = `${call.service}: ${call.method} ${shorten(call.path)} answered ${status}${said}${where}`;
  if (status < 400) {
    const to = location ? `, pointing to ${location}` : '';
    return new ServiceError('SERVICE_RESPONSE_INVALID', `${message}${to}`, call);
  }
  // Nova says 403 and Neutron 409 when a quota is used up.
  const quota = (status === 403 || status === 409) && /quota exceeded/i.test(call.serviceMessage ?? '');
  const code = quota
    ? 'SERVICE_LIMIT'
    : (codeOfStatus[status] ?? (status >= 500 ? 'SERVICE_FAILED' : 'SERVICE_REJECTED_REQUEST'));
  // A server that failed, or a proxy that speaks for it, may have done the work first. So 503 counts as unknown even
  // with Retry-After: a proxy sends it as well when it lost the server in the middle.
  const outcomeUnknown = changesSomething(call.method) && (status >= 500 || status === 408);
  return new ServiceError(code, message, { ...call, outcomeUnknown });
}

/** A success (2xx) whose content is not what the service sends. */
export function invalidAnswer(call: ServiceCall, what: string): ServiceError {
  const where = call.requestId ? ` (${call.requestId})` : '';
  return new ServiceError(
    'SERVICE_RESPONSE_INVALID',
    `${call.service}: ${call.method} ${shorten(call.path)} answered ${call.status}, but ${what}${where}`,
    { ...call, outcomeUnknown: changesSomething(call.method) },
  );
}

/** The caller's signal stopped the call. */
export function cancelled(call: ServiceCall, sent: boolean, reason: unknown): ServiceError {
  return new ServiceError(
    'CANCELLED',
    `${call.service}: ${call.method} ${shorten(call.path)} was cancelled`,
    { ...call, outcomeUnknown: sent && changesSomething(call.method) },
    { cause: reason },
  );
}

/** The whole answer was not there in time. */
export function tooSlow(asked: Asked, seconds: number, cause: unknown): ServiceError {
  const call = callOf(asked);
  return new ServiceError(
    'SERVICE_TIMEOUT',
    `${asked.service}: ${asked.method} ${asked.url.origin}${shorten(call.path)} gave no whole answer within ${seconds} s`,
    { ...call, outcomeUnknown: changesSomething(asked.method) },
    { cause },
  );
}

/** Codes of node:tls with which this side refuses the other's certificate, before anything is sent. */
const certificateCode = /^(CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|ERR_TLS_CERT|HOSTNAME_MISMATCH|INVALID_CA)/;

/** What undici or the socket threw instead of an answer. */
export function failureOfThrown(asked: Asked, thrown: unknown): ServiceError {
  const call = callOf(asked);
  const { name, code, message, connecting } = factsOf(thrown);
  const what = `${asked.service}: ${asked.method} ${asked.url.origin}${shorten(call.path)}`;
  const lost = { ...call, outcomeUnknown: changesSomething(asked.method) };
  const unreachable = (text: string, known: ServiceCall, options: ErrorOptions = {}) =>
    new ServiceError('SERVICE_UNREACHABLE', `${what}: ${text}`, known, { cause: thrown, ...options });

  if (certificateCode.test(code)) {
    return unreachable(`its TLS certificate is not accepted: ${message} (${code})`, call, {
      retryable: false,
      advice:
        'Give the authority that signed it as [service_auth] cafile or ca_certificates_file of the service ' +
        '(cacert in clouds.yaml), and use its host name.',
    });
  }
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO') {
    return unreachable(`TLS failed: ${message}`, lost, {
      retryable: false,
      advice: 'Check that the endpoint speaks TLS, and that it accepts the client certificate.',
    });
  }
  if (connecting) {
    // A name that does not exist won't appear by asking again soon.
    return unreachable(`no connection: ${message}`, call, code === 'ENOTFOUND' ? { retryable: false } : {});
  }
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') {
    return new ServiceError('SERVICE_TIMEOUT', `${what}: the service fell silent`, lost, { cause: thrown });
  }
  if (name === 'HTTPParserError' || code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE' || code === 'UND_ERR_HEADERS_OVERFLOW') {
    return new ServiceError('SERVICE_RESPONSE_INVALID', `${what}: ${message}`, lost, { cause: thrown });
  }
  return unreachable(`the connection was cut before the whole answer was there: ${message}`, lost);
}

function factsOf(thrown: unknown): { name: unknown; code: string; message: string; connecting: boolean } {
  // Several addresses were tried: Node gathers their errors, and its own message is empty.
  const first = thrown instanceof AggregateError ? (thrown.errors[0] ?? thrown) : thrown;
  const { name, code, syscall, message } = first as Partial<Record<'name' | 'code' | 'syscall' | 'message', unknown>>;
  const codeText = typeof code === 'string' ? code : '';
  return {
    name,
    code: codeText,
    message: typeof message === 'string' && message !== '' ? message : codeText || String(first),
    connecting: syscall === 'connect' || syscall === 'getaddrinfo' || codeText === 'UND_ERR_CONNECT_TIMEOUT',
  };
}

function shorten(path: string): string {
  return path.length > 300 ? `${path.slice(0, 299)}…` : path;
}
