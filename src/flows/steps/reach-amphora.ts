import type { BootTimings } from '../../model/amphora.ts';
import type { Server } from '../../model/compute.ts';
import { KilnError } from '../../model/errors.ts';
import type { AgentInfo } from '../../ports/amphora-agent.ts';
import type { Step, StepRun } from '../engine/flow.ts';
import { waitSignal } from '../lib/wait-signal.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import { bootServer, type ServerCreated } from './create-server.ts';
import { findManagementAddress } from './find-management-address.ts';
import { removeServers } from './remove-servers.ts';
import { type AmphoraChoices, elapsedMs } from './resolve-amphora.ts';
import { waitForActive } from './wait-for-active.ts';
import { waitForAgent } from './wait-for-agent.ts';

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
        (error: unknown) => besideTheGroup(deps, state, run, error),
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

/**
 * A group with hard anti-affinity has room for as many servers as there are hosts, and while one of a pair is replaced there
 * are three (of a probe that is tried again, two): where Nova has no room, the server is made without the group, as soft anti-affinity would have it.
 * @throws the error, where it is about something else.
 */
async function besideTheGroup(
  deps: LoadBalancerDeps,
  state: AmphoraChoices & ServerCreated,
  run: StepRun,
  error: unknown,
): Promise<Server> {
  const { amphoraId, serverName, serverGroupId = null } = state;
  const isFull = error instanceof KilnError && error.code === 'BOOT_FAILED' && /no valid host/i.test(error.message);
  // Somebody may have been killed right here: then the server is another one, or gone.
  if (
    serverGroupId === null ||
    !(isFull || (run.resumed && error instanceof KilnError && error.code === 'BOOT_FAILED'))
  ) {
    throw error;
  }
  const message = `Nova has no host left for amphora ${amphoraId} apart from those in its server group (${(error as Error).message}): it is booted wherever there is room`;
  deps.log.warn({ amphora: amphoraId, serverGroup: serverGroupId }, message);
  run.note(message);
  // Whoever goes on from here must know that this step had begun: the server that is on record may be gone.
  await run.beforeWaiting();
  await removeServers(deps, { serverName, computeId: state.serverId }, 0);
  const { id } = await bootServer(deps, { ...state, serverGroupId: null }, run, false);
  await deps.amphorae.update(amphoraId, { computeId: id });
  return await waitForActive(deps, id, deps.settings(), undefined);
}

/** The agent answers over mutual TLS: the amphora is built, and its place among those being built is free. */
export const waitForAmphora: Step<
  LoadBalancerDeps,
  ForWhom & AmphoraChoices & ServerCreated & ServerReady,
  AgentReady
> = {
  name: 'wait-for-agent',
  isRepeatable: true,
  do: (deps, { amphoraId, serverId, address, ...state }, run) =>
    once(run, async (signal) => {
      await showToCaller(state, run);
      const startedMs = deps.clock.monotonicMs();
      const amphora = { id: amphoraId, address, serverId };
      const info = await waitForAgent(deps, amphora, deps.settings(), signal, run);
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
    return await wait(waitSignal(run));
  } catch (error) {
    if (run.stop.aborted && !(error instanceof KilnError))
      throw new KilnError('CANCELLED', 'the worker stops while an amphora is being built', { cause: error });
    if (!(error instanceof KilnError) || !endings.has(error.code)) throw error;
    const { code, message, advice, details } = error;
    throw new KilnError(code, message, { advice, details, retryable: false, cause: error });
  }
}
