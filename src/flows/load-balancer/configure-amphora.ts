import { renderAgentConfiguration } from '../../core/amphora/agent-configuration.ts';
import { KilnError } from '../../model/errors.ts';
import { defineFlow, type Step } from '../engine/flow.ts';
import type { LoadBalancerParts } from './parts.ts';

type Input = { amphoraId: string };

const updateAgent: Step<LoadBalancerParts, Input, Record<string, never>> = {
  name: 'update-amphora-agent-configuration',
  async do(parts, { amphoraId }) {
    const amphora = await parts.amphorae.get(amphoraId);
    // One that was replaced since this was asked for: its address may be another one's by now.
    if (!amphora?.lbNetworkIp || amphora.status === 'DELETED')
      throw new KilnError('AMPHORA_NOT_FOUND', `there is no amphora ${amphoraId} to be reached`);
    const { server, topology } = parts.settings();
    const text = renderAgentConfiguration(server.agent, { id: amphoraId, topology });
    await parts.agent.updateAgentConfiguration({ id: amphoraId, address: amphora.lbNetworkIp }, text);
    return {};
  },
};

/** `PUT /v2/octavia/amphorae/{id}/config`: the agent is told anew where heartbeats go, and what else may change. */
export const configureAmphora = defineFlow<LoadBalancerParts, Input>('configure-amphora').step(updateAgent).build();
