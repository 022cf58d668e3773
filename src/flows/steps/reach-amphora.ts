import type { BootTimings } from '../../model/amphora.ts';
import { KilnError } from '../../model/errors.ts';
import type { AgentInfo } from '../../ports/amphora-agent.ts';
import type { Step, StepRun } from '../engine/flow.ts';
import { bootWhereThereIsRoom } from '../lib/boot-where-there-is-room.ts';
import { findManagementAddress } from '../lib/find-management-address.ts';
import { waitForActive } from '../lib/wait-for-active.ts';
import { waitUntilAgentAnswers } from '../lib/wait-for-agent.ts';
import { whileWorking } from '../lib/wait-signal.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import type { ServerCreated } from './create-server.ts';
import { type AmphoraChoices, elapsedMs } from './resolve-amphora.ts';

export type ServerReady = { address: string; serverId: string; timings: BootTimings };
export type AgentReady = {
  agentApiVersion: string;
  haproxyVersion: string;
  agentVersion: string;
  timings: BootTimings;
};

/** `loadBalancerId`: null for an amphora that serves nobody. */
type ForWhom = { loadBalancerId: string | null };

/** Of an amphora that serves nobody somebody follows the journal, and may cancel at any moment, also while an agent is silent. */
async function showToCaller({ loadBalancerId }: ForWhom, run: StepRun): Promise<void> {
  if (loadBalancerId === null) await run.beforeWaiting();
}

/** Nova has built the server; its address on the management network is known. */
export const waitForServer: Step<LoadBalancerDeps, ForWhom & AmphoraChoices & ServerCreated, ServerReady> = {
  name: 'wait-for-server',
  isRepeatable: true,
  do: (deps, state, run) =>
    once(run, async (signal) => {
      const { amphoraId, managementNetworkId } = state;
      await showToCaller(state, run);
      const startedMs = deps.clock.monotonicMs();
      const settings = deps.settings();
      const server = await waitForActive(deps, state.serverId, settings, signal, run.beforeWaiting).catch(
        (error: unknown) => bootWhereThereIsRoom(deps, state, run, error, signal),
      );
      const serverId = server.id;
      const networkIds = managementNetworkId === null ? settings.server.bootNetworkIds : [managementNetworkId];
      const address = await findManagementAddress(deps, serverId, networkIds, signal);
      const timings = { ...state.timings, activeMs: elapsedMs(deps.clock, startedMs) };
      const { availabilityZone: cachedZone } = server;
      run.amend({ amphoraId, patch: { lbNetworkIp: address, cachedZone, timings } });
      return { address, serverId, timings };
    }),
};

/** The agent answers over mutual TLS: the amphora is built, and its place among those being built is free. */
export const waitForAgent: Step<LoadBalancerDeps, ForWhom & AmphoraChoices & ServerCreated & ServerReady, AgentReady> =
  {
    name: 'wait-for-agent',
    isRepeatable: true,
    do: (deps, { amphoraId, serverId, address, ...state }, run) =>
      once(run, async (signal) => {
        await showToCaller(state, run);
        const startedMs = deps.clock.monotonicMs();
        const amphora = { id: amphoraId, address, serverId };
        const info = await waitUntilAgentAnswers(deps, amphora, deps.settings(), signal, run);
        await deps.builds.release(run.operationId, amphoraId);
        const agentVersion = describeAgent(info);
        const timings = { ...state.timings, agentMs: elapsedMs(deps.clock, startedMs) };
        run.amend({ amphoraId, patch: { agentVersion, timings } });
        return { agentApiVersion: info.apiVersion, haproxyVersion: info.haproxyVersion, agentVersion, timings };
      }),
  };

/** Octavia's agent tells only which API it speaks; ours tells its version, and the image that it came in. */
function describeAgent({ agentVersion, apiVersion, imageName, imageVersion }: AgentInfo): string {
  const version = agentVersion ?? `with API ${apiVersion}`;
  return imageVersion ? `${version}, of image ${imageName} ${imageVersion}` : version;
}

const endings = new Set(['BOOT_FAILED', 'BOOT_TIMEOUT', 'AGENT_UNREACHABLE', 'AGENT_REFUSED']);

/**
 * These steps have waited for as long as the configuration says: what fails then has failed. A worker that is to stop does not wait
 * for them; the next one waits anew.
 */
export async function once<Result>(run: StepRun, wait: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  try {
    return await whileWorking(run, wait);
  } catch (error) {
    if (!(error instanceof KilnError) || !endings.has(error.code)) throw error;
    const { code, message, advice, details } = error;
    throw new KilnError(code, message, { advice, details, retryable: false, cause: error });
  }
}
