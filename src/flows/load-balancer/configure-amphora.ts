import { renderAgentConfiguration } from '../../core/amphora/agent-configuration.ts';
import { KilnError } from '../../model/errors.ts';
import { defineFlow, type Step } from '../engine/flow.ts';
import type { LoadBalancerDeps } from './deps.ts';

type Input = { amphoraId: string };

const updateAgent: Step<LoadBalancerDeps, Input, Record<string, never>> = {
  name: 'update-amphora-agent-configuration',
  async do(deps, { amphoraId }) {
    const amphora = await deps.amphorae.get(amphoraId);
    // One that was replaced since this was asked for: its address may be another one's by now.
    if (!amphora?.lbNetworkIp || amphora.status === 'DELETED')
      throw new KilnError('AMPHORA_NOT_FOUND', `there is no amphora ${amphoraId} to be reached`);
    const { server, topology } = deps.settings();
    const text = renderAgentConfiguration(server.agent, { id: amphoraId, topology });
    await deps.agent.updateAgentConfiguration({ id: amphoraId, address: amphora.lbNetworkIp }, text);
    return {};
  },
};

/** `PUT /v2/octavia/amphorae/{id}/config`: sends the agent its configuration again: where heartbeats go, and what else may change. */
export const configureAmphora = defineFlow<LoadBalancerDeps, Input>('configure-amphora').step(updateAgent).build();
