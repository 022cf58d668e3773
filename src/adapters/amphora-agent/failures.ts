import { constants } from 'node:os';
import { type ErrorOptions, ServiceError } from '../../model/errors.ts';

/** Which request to which agent failed. */
export interface AgentCall {
  amphoraId: string;
  /** `address:port`, for people. */
  where: string;
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
}

interface Answered {
  status: number;
  serviceMessage: string | null;
}

/** Nothing useful answered, and that may change: the amphora boots, or the network is on its way. */
export function unreachable(call: AgentCall, why: string, answered?: Answered, cause?: unknown): ServiceError {
  return failure('AGENT_UNREACHABLE', call, why, answered, { cause });
}

/** Something answered that will not do, and trying again will not help. */
export function refused(call: AgentCall, why: string, answered?: Answered, options: ErrorOptions = {}): ServiceError {
  return failure('AGENT_REFUSED', call, why, answered, options);
}

function failure(
  code: 'AGENT_UNREACHABLE' | 'AGENT_REFUSED',
  call: AgentCall,
  why: string,
  answered: Answered | undefined,
  options: ErrorOptions,
): ServiceError {
  return new ServiceError(
    code,
    `the agent of amphora ${call.amphoraId} at ${call.where} ${why}`,
    {
      service: 'amphora-agent',
      method: call.method,
      path: call.path,
      status: answered?.status ?? null,
      serviceMessage: answered?.serviceMessage ?? null,
      requestId: null,
      retryAfterSeconds: null,
      // Who fails after a change was asked for may have made it. All calls bear repetition.
      outcomeUnknown: call.method !== 'GET' && (!answered || answered.status >= 500),
    },
    options,
  );
}

/**
 * Turns what undici, net or tls threw into AGENT_UNREACHABLE or AGENT_REFUSED.
 * @param greeted true when the TLS handshake had been done and nothing had been answered yet.
 */
export function fromConnectionError(call: AgentCall, thrown: unknown, greeted: boolean): ServiceError {
  const error = thrown as { code?: unknown; message?: unknown; reason?: unknown };
  const code = typeof error.code === 'string' ? error.code : '';
  const message = typeof error.message === 'string' ? error.message : String(thrown);
  const options = { cause: thrown };
  if (thrown instanceof DOMException && thrown.name === 'TimeoutError') {
    return unreachable(call, 'did not answer in time', undefined, thrown);
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return refused(call, `shows the certificate of someone else: ${String(error.reason ?? message)}`, undefined, {
      ...options,
      advice: 'Another server answers at this address: see which one holds it, and whether addresses are used twice.',
    });
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return refused(call, `shows a certificate that is not valid now: ${message}`, undefined, {
      ...options,
      advice:
        'Compare the clocks of this host and of the amphora; an amphora whose certificate expired needs a new one.',
    });
  }
  if (/ALERT_.*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)/.test(code)) {
    return refused(call, `refuses our certificate, [haproxy_amphora] client_cert: ${message}`, undefined, options);
  }
  if (greeted && ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(code)) {
    // In TLS 1.3 a server looks at the client's certificate last, and some (ours) refuse it by hanging up. An agent that
    // is being restarted hangs up as well: so it may be tried again.
    return refused(
      call,
      'hangs up after the TLS handshake: it may not trust [haproxy_amphora] client_cert',
      undefined,
      {
        ...options,
        retryable: true,
      },
    );
  }
  // EPROTO is what node calls some faults of TLS; all other names of the system are faults of the way to the agent.
  const ofTheSystem = code !== 'EPROTO' && Object.hasOwn(constants.errno, code);
  if (ofTheSystem || code.startsWith('UND_ERR_')) {
    return unreachable(call, `does not answer: ${message || code}`, undefined, thrown);
  }
  if (code.startsWith('HPE_')) return refused(call, `does not speak HTTP: ${message}`, undefined, options);
  return refused(call, `fails the TLS handshake: ${message}${code ? ` (${code})` : ''}`, undefined, options);
}
