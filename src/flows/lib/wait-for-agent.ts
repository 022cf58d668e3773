import { KilnError } from '../../model/errors.ts';
import type { AgentInfo, AmphoraAgent } from '../../ports/amphora-agent.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ComputeService } from '../../ports/compute.ts';
import type { StepRun } from '../engine/flow.ts';
import { lookAtServer } from './wait-for-active.ts';
import { waitUntil } from './wait-until.ts';

const FIRST_PAUSE_MS = 100;
/** An agent that is long in coming may have lost its server: look at that now and then. */
const SERVER_LOOK_EVERY_MS = 5_000;
/** Longer than most take: whoever looks on may want to know what is waited for. */
const WORTH_A_NOTE_MS = 20_000;

/**
 * Waits until the agent answers over mutual TLS; once it takes long, that is noted.
 * @throws AGENT_UNREACHABLE when it never does, AGENT_REFUSED when it does with the wrong certificate, BOOT_FAILED
 * when its server dies in the meantime.
 */
export async function waitUntilAgentAnswers(
  parts: { agent: AmphoraAgent; compute: ComputeService; clock: Clock },
  amphora: { id: string; address: string; serverId: string },
  limits: { agentWaitSeconds: number; agentPauseSeconds: number },
  signal: AbortSignal | undefined,
  { note, beforeWaiting }: Pick<StepRun, 'note' | 'beforeWaiting'>,
): Promise<AgentInfo> {
  const { agent, compute, clock } = parts;
  let lastFailure: KilnError | null = null;
  const startedMs = clock.monotonicMs();
  let lookedAtMs = startedMs;
  let noted = false;
  const patience = {
    totalMs: limits.agentWaitSeconds * 1000,
    firstPauseMs: FIRST_PAUSE_MS,
    longestPauseMs: limits.agentPauseSeconds * 1000,
    signal,
    beforePause: beforeWaiting,
  };
  const info = await waitUntil(clock, patience, async () => {
    try {
      return await agent.getInfo(amphora, signal);
    } catch (error) {
      if (!(error instanceof KilnError) || !error.retryable) throw error;
      lastFailure = error;
      if (!noted && clock.monotonicMs() - startedMs >= WORTH_A_NOTE_MS) {
        noted = true;
        note(
          `the agent has not answered at ${amphora.address} yet; it is given ${limits.agentWaitSeconds} s: ${error.message}`,
        );
      }
    }
    if (clock.monotonicMs() - lookedAtMs >= SERVER_LOOK_EVERY_MS) {
      lookedAtMs = clock.monotonicMs();
      await lookAtServer(compute, amphora.serverId, signal);
    }
    return null;
  });
  if (info) return info;
  const cause = lastFailure as KilnError | null;
  throw new KilnError(
    'AGENT_UNREACHABLE',
    `the agent of amphora ${amphora.id} did not answer at ${amphora.address} within ${limits.agentWaitSeconds} s` +
      (cause ? `; the last try said: ${cause.message}` : ''),
    { cause, details: { address: amphora.address, serverId: amphora.serverId } },
  );
}
