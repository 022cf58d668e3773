import { KilnError } from '../../model/errors.ts';
import type { Step } from '../engine/flow.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import type { ServerCreated } from './create-server.ts';
import { findManagementAddress } from './find-management-address.ts';
import type { AmphoraChoices } from './resolve-amphora.ts';
import { waitForActive } from './wait-for-active.ts';
import { waitForAgent } from './wait-for-agent.ts';

export type ServerReady = { address: string };
export type AgentReady = { agentApiVersion: string; haproxyVersion: string };

/** Nova has built the server; its address on the management network is known. */
export const waitForServer: Step<LoadBalancerDeps, AmphoraChoices & ServerCreated, ServerReady> = {
  name: 'wait-for-server',
  do: (deps, { amphoraId, serverId, managementNetworkId }) =>
    once(async () => {
      const settings = deps.settings();
      const server = await waitForActive(deps, serverId, settings, undefined);
      const networkIds = managementNetworkId === null ? settings.server.bootNetworkIds : [managementNetworkId];
      const address = await findManagementAddress(deps, serverId, networkIds, undefined);
      await deps.amphorae.update(amphoraId, { lbNetworkIp: address, cachedZone: server.availabilityZone });
      return { address };
    }),
};

/** The agent answers over mutual TLS: the amphora is built, and its place among those being built is free. */
export const waitForAmphora: Step<LoadBalancerDeps, AmphoraChoices & ServerCreated & ServerReady, AgentReady> = {
  name: 'wait-for-agent',
  do: (deps, { amphoraId, serverId, address }, run) =>
    once(async () => {
      const info = await waitForAgent(deps, { id: amphoraId, address, serverId }, deps.settings(), undefined, run.note);
      deps.builds.release(run.operationId);
      await deps.amphorae.update(amphoraId, { agentVersion: info.agentVersion ?? `with API ${info.apiVersion}` });
      return { agentApiVersion: info.apiVersion, haproxyVersion: info.haproxyVersion };
    }),
};

const endings = new Set(['BOOT_FAILED', 'BOOT_TIMEOUT', 'AGENT_UNREACHABLE', 'AGENT_REFUSED']);

/** These steps have waited for as long as the configuration says: what fails then has failed. */
async function once<Result>(wait: () => Promise<Result>): Promise<Result> {
  try {
    return await wait();
  } catch (error) {
    if (!(error instanceof KilnError) || !endings.has(error.code)) throw error;
    const { code, message, advice, details } = error;
    throw new KilnError(code, message, { advice, details, retryable: false, cause: error });
  }
}
