import { growingPauseMs } from '../../lib/growing-pause.ts';
import type { FlowName } from '../../model/flow-name.ts';
import { agentPauses } from './agent-pauses.ts';

/** The flow that renews the certificate of one amphora's agent. */
export const rotationFlow = 'rotate-amphora-certificate' as const satisfies FlowName;

const SHORTEST_PAUSE_MS = 5_000;

/**
 * When a renewal that fails is tried again: after growing pauses, and several times in what is left of the certificate.
 * @param attempts that were made before this one.
 */
export function rotationRetryAt(now: Date, certExpiration: string, attempts: number): string {
  const leftMs = Date.parse(certExpiration) - now.getTime();
  const growing = growingPauseMs(attempts + 1, agentPauses);
  const pauseMs = leftMs > 0 ? Math.min(growing, leftMs / 4) : growing;
  return new Date(now.getTime() + Math.max(pauseMs, SHORTEST_PAUSE_MS)).toISOString();
}
