import type { SilenceFinding } from '../../model/silence.ts';

/**
 * The agent's word: `sick` when it answers and HAProxy does not run, or with other listeners than it should have; or keepalived of one of a
 * pair does not run.
 */
export type AgentWitness = 'well' | 'sick' | 'silent';
/** Nova's word on the server. */
export type ComputeWitness = 'running' | 'not-running' | 'no-answer';

export type SilenceAction = 'failover' | 'reload' | 'send-configuration' | 'wait';

/**
 * Heartbeats that stop are no proof of death: what is done follows from what the second witnesses say.
 * @param witnesses.compute needed only where the agent is silent.
 * @param witnesses.reloaded whether HAProxy was reloaded, and keepalived started, already in this silence.
 */
export function examineSilence(witnesses: { agent: AgentWitness; compute: ComputeWitness | null; reloaded: boolean }): {
  finding: SilenceFinding;
  action: SilenceAction;
} {
  const { agent, compute, reloaded } = witnesses;
  if (agent === 'well') return { finding: 'heartbeats-lost', action: 'send-configuration' };
  if (agent === 'sick') return { finding: 'service-sick', action: reloaded ? 'failover' : 'reload' };
  if (compute === 'running') return { finding: 'cut-off', action: 'failover' };
  if (compute === 'not-running') return { finding: 'dead', action: 'failover' };
  // Without Nova nothing can be built: a failover would only fail.
  return { finding: 'unknown', action: 'wait' };
}
