import { renderAgentConfiguration } from '../../core/amphora/agent-configuration.ts';
import { configurationPushFlow } from '../../core/amphora/configuration-push.ts';
import { heartbeatDigest } from '../../core/amphora/heartbeat-digest.ts';
import { KilnError, toKilnError } from '../../model/errors.ts';
import { defineFlow, type Step } from '../engine/flow.ts';
import { isOfPair } from '../lib/pair.ts';
import type { LoadBalancerDeps } from './deps.ts';

type Input = { amphoraId: string };

const updateAmphoraAgentConfiguration: Step<LoadBalancerDeps, Input, Record<string, never>> = {
  name: 'update-amphora-agent-configuration',
  async do(deps, { amphoraId }) {
    await sendConfiguration(deps, amphoraId);
    return {};
  },
};

const pushAmphoraAgentConfiguration: Step<LoadBalancerDeps, Input, Record<string, never>> = {
  name: 'push-amphora-agent-configuration',
  async do(deps, { amphoraId }) {
    try {
      await sendConfiguration(deps, amphoraId);
    } catch (thrown) {
      // Tried again by housekeeping, later: an agent that does not answer keeps no worker.
      const { code, message, advice } = toKilnError(thrown);
      throw new KilnError(code, message, { advice, retryable: false, cause: thrown });
    }
    return {};
  },
};

/** The row says what the agent has once it has it: another configuration by then is pushed again. */
async function sendConfiguration(deps: LoadBalancerDeps, amphoraId: string): Promise<void> {
  const amphora = await deps.amphorae.get(amphoraId);
  // One that was replaced since this was asked for: its address may be another one's by now.
  if (!amphora?.lbNetworkIp || amphora.status === 'DELETED')
    throw new KilnError('AMPHORA_NOT_FOUND', `there is no amphora ${amphoraId} to be reached`);
  const { server } = deps.settings();
  const topology = isOfPair(amphora) ? 'ACTIVE_STANDBY' : 'SINGLE';
  const text = renderAgentConfiguration(server.agent, { id: amphoraId, topology });
  await deps.agent.updateAgentConfiguration({ id: amphoraId, address: amphora.lbNetworkIp }, text);
  await deps.amphorae.update(amphoraId, { agentConfigDigest: heartbeatDigest(server.agent.healthManager) });
}

/** `PUT /v2/octavia/amphorae/{id}/config`: sends the agent its configuration again: where heartbeats go, and what else may change. */
export const configureAmphora = defineFlow('configure-amphora')
  .takes<LoadBalancerDeps, Input>()
  .step(updateAmphoraAgentConfiguration)
  .build();

/** The same, asked for by housekeeping when octavia.conf has changed. */
export const pushAmphoraConfiguration = defineFlow(configurationPushFlow)
  .takes<LoadBalancerDeps, Input>()
  .step(pushAmphoraAgentConfiguration)
  .build();
