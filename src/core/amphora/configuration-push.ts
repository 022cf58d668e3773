import { growingPauseMs } from '../../lib/growing-pause.ts';
import type { FlowName } from '../../model/flow-name.ts';
import { agentPauses } from './agent-pauses.ts';

/** The flow that sends an agent its configuration because its heartbeat settings are no longer those in force. */
export const configurationPushFlow = 'push-amphora-configuration' as const satisfies FlowName;

/** When a push that fails is tried again. @param attempts that were made before this one. */
export function configurationRetryAt(now: Date, attempts: number): string {
  return new Date(now.getTime() + growingPauseMs(attempts + 1, agentPauses)).toISOString();
}
