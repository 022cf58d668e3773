import type { ErrorCode, KilnError } from '../../model/errors.ts';
import type { Clock } from '../../ports/clock.ts';

/** Not for the asking again, but somebody may repair them while the operation waits: credentials, files, a disk. */
const repairable: ReadonlySet<ErrorCode> = new Set([
  'SERVICE_UNAUTHORIZED',
  'SERVICE_FORBIDDEN',
  'CREDENTIALS_MISSING',
  'CONFIGURATION_INVALID',
  'CERTIFICATE_AUTHORITY_UNUSABLE',
]);

/** An agent that has refused for as long as a step is tried goes on refusing: its amphora is failed over. */
const notWaitedFor: ReadonlySet<ErrorCode> = new Set(['AGENT_REFUSED']);

interface Stuck {
  /** The journal's first entry about it. */
  since: string | null;
  /** The tries of the step are used up: what comes next is to wait, and to begin them anew. */
  isOutOfTries: boolean;
}

/**
 * Whether a step that has to be finished is given up, having just failed again: at once when nothing but somebody's hands
 * can help, else once it has been stuck for too long. While our own database fails nothing can be said.
 */
export function givesUp(
  error: KilnError,
  { since, isOutOfTries }: Stuck,
  { clock, giveUpAfterMs }: { clock: Pick<Clock, 'now'>; giveUpAfterMs: number },
): boolean {
  if (error.code === 'STATE_UNUSABLE') return false;
  if (!(error.retryable || repairable.has(error.code))) return true;
  if (isOutOfTries && notWaitedFor.has(error.code)) return true;
  return since !== null && clock.now().getTime() - Date.parse(since) >= giveUpAfterMs;
}
