import type { ServiceError } from '../../model/errors.ts';
import type { RetrySettings } from './settings.ts';

/** Statuses after which the same request may succeed a moment later. */
const passing = new Set([408, 429, 500, 502, 503, 504]);

/**
 * May the request be sent again? A request that does no harm twice: after a lost connection, a timeout, and the statuses
 * that pass. Any other: only when it surely was not carried out, that is when no connection was made, or when a rate
 * limit (429) turned it away. 401 is not a matter of retries: service-client.ts renews the token, once.
 */
export function mayRetry(error: ServiceError, repeatable: boolean): boolean {
  if (!error.retryable) return false;
  const { status, outcomeUnknown } = error.call;
  if (status === null) return error.code !== 'SERVICE_RESPONSE_INVALID' && (repeatable || !outcomeUnknown);
  return repeatable ? passing.has(status) : status === 429;
}

/**
 * How long to wait before the next try, in milliseconds; null when there is none.
 * @param attempt number of the try that just failed, from 1.
 * @param random in [0, 1).
 */
export function retryDelayMs(
  settings: RetrySettings,
  attempt: number,
  elapsedMs: number,
  retryAfterSeconds: number | null,
  random: number,
): number | null {
  if (attempt >= settings.maxAttempts) return null;
  const { firstDelaySeconds, minDelaySeconds, maxDelaySeconds } = settings;
  const half = Math.min(maxDelaySeconds, firstDelaySeconds * 2 ** (attempt - 1)) / 2;
  // Upper half only, so that many callers spread and none comes back at once.
  const spread = half * random;
  const delayMs = Math.max((retryAfterSeconds ?? 0) + spread, half + spread, minDelaySeconds) * 1000;
  return elapsedMs + delayMs > settings.maxTotalSeconds * 1000 ? null : delayMs;
}

/**
 * `Retry-After` in seconds from the answer on: it comes as a number or as a date. Null when absent or neither.
 * @param answeredAt the answer's own `Date`: measured by it, the wall clock here may be wrong.
 */
export function parseRetryAfter(value: string | null, answeredAt: string | null, now: () => Date): number | null {
  if (value === null) return null;
  if (/^\s*\d+\s*$/.test(value)) return Number(value);
  const until = Date.parse(value);
  if (Number.isNaN(until)) return null;
  const from = Date.parse(answeredAt ?? '');
  return Math.max(0, (until - (Number.isNaN(from) ? now().getTime() : from)) / 1000);
}
