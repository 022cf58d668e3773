import { nameServer } from '../../core/amphora/server-name.ts';
import { probeTree } from '../../core/releases/probe-tree.ts';
import { KilnError } from '../../model/errors.ts';
import type { Step, StepRun } from '../engine/flow.ts';
import { reloadTarget, uploadConfigurations } from '../lib/haproxy-files.ts';
import { joinProbeGroup, removeProbeGroup, staysForNextTry } from '../lib/probe-hosts.ts';
import type { BuiltAmphora } from '../lib/targets.ts';
import { tryKeepalived } from '../lib/try-keepalived.ts';
import { waitSignal } from '../lib/wait-signal.ts';
import { waitUntil } from '../lib/wait-until.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import { type AgentReady, once } from './reach-amphora.ts';
import { removeAmphora } from './remove-amphorae.ts';
import { type AmphoraChoices, elapsedMs, releasedImage } from './resolve-amphora.ts';

/** What is tried: an image with the Octavia flavor and the availability zone that it is to be booted with. */
export type ProbeInput = {
  amphoraId: string;
  /** It serves nobody. */
  loadBalancerId: null;
  imageId: string;
  flavorId: string | null;
  availabilityZone: string | null;
  /** Of all tries at this place; absent in operations that older versions asked for. */
  serverGroupName?: string;
  /** It is tried once more when it fails by its host. */
  keepsServer?: boolean;
};

/** Versions of the agent's API that Kiln speaks. */
const knownApiVersions = ['1.0', '0.5'];
/** Heartbeats go to one controller after another; so many rounds may pass before one is missed. */
const ROUNDS = 3;
const SHORTEST_HEARTBEAT_WAIT_MS = 30_000;
/** The first heartbeats after a start may have been under way before it, or come before the first check of a member. */
const PROVING_HEARTBEATS = 3;

/** Does nothing; the first step, and so undone last: the amphora is gone, or in ERROR where something of it may be left. */
export const markProbeOnRevert: Step<LoadBalancerDeps, ProbeInput, Record<string, never>> = {
  name: 'mark-probe-on-revert',
  do: async () => ({}),
  settleUndone: async (_records, { amphoraId, keepsServer }, { reason, gaveUp }) => ({
    amphoraId,
    status: gaveUp || staysForNextTry(keepsServer, reason) ? 'ERROR' : 'DELETED',
    reason,
  }),
};

export const resolveProbe: Step<LoadBalancerDeps, ProbeInput, Omit<AmphoraChoices, 'role' | 'keepsServer'>> = {
  name: 'resolve-probe',
  async do(deps, { amphoraId, imageId, flavorId, availabilityZone, serverGroupName }, run) {
    const startedMs = deps.clock.monotonicMs();
    await deps.builds.acquire(run.operationId, [amphoraId], waitSignal(run));
    const settings = deps.settings();
    const [capabilities, zone] = await Promise.all([
      deps.flavors.flavorCapabilities(flavorId),
      deps.flavors.zoneCapabilities(availabilityZone),
    ]);
    const computeFlavorId = capabilities.compute_flavor || settings.flavorId;
    const choice = await releasedImage(deps, imageId, computeFlavorId);
    return {
      amphoraId,
      serverName: nameServer(amphoraId, settings.randomNameLength, deps.randomInteger),
      imageId: choice.imageId,
      imageChoice: choice,
      computeFlavorId,
      topology: 'SINGLE',
      computeZone: zone?.compute_zone ?? null,
      managementNetworkId: zone?.management_network ?? null,
      serverGroupId: await joinProbeGroup(deps, serverGroupName, run),
      timings: { chooseMs: elapsedMs(deps.clock, startedMs) },
    };
  },
  async undo(deps, { serverGroupName, keepsServer }, run) {
    await deps.builds.release(run.operationId);
    // The next try is to be in it, too.
    if (!keepsServer) await removeProbeGroup(deps, serverGroupName);
  },
  leaves: async (_records, { serverGroupName: name, serverGroupId }) =>
    name === undefined || serverGroupId === null ? [] : [{ kind: 'server group', id: serverGroupId ?? null, name }],
};

/** Its heartbeats reach a controller, and are signed as they should be: of one that is READY they are believed. */
export const awaitHeartbeat: Step<LoadBalancerDeps, BuiltAmphora & AgentReady, Record<string, never>> = {
  name: 'await-heartbeat',
  async do(deps, { amphoraId, agentApiVersion }, run) {
    if (!knownApiVersions.includes(agentApiVersion)) {
      throw new KilnError('AGENT_REFUSED', `the image's agent speaks API ${agentApiVersion}, and Kiln does not`, {
        advice: `Build an image whose agent speaks ${knownApiVersions.join(' or ')}.`,
        retryable: false,
      });
    }
    await deps.amphorae.update(amphoraId, { status: 'READY' });
    await hear(deps, run, { amphoraId, times: 1, otherwise: 'sent no heartbeat that could be believed' });
    return {};
  },
};

/**
 * HAProxy of the image takes a configuration as load balancers have it, starts, and passes a request on: its own heartbeats
 * say so. One of an amphora without a load balancer counts only while all that it tells of is well. Where pairs are made with the
 * flavor, keepalived is tried too: one step, so that a journal of before goes on.
 */
export const tryHaproxy: Step<LoadBalancerDeps, ProbeInput & BuiltAmphora, Record<string, never>> = {
  name: 'try-haproxy',
  async do(deps, { amphoraId: id, address, serverId, flavorId }, run) {
    const target = { id, address, serverId };
    const tree = probeTree(id, deps.clock.now().toISOString());
    await uploadConfigurations(deps, target, tree, { listeners: {}, pools: {} });
    await reloadTarget(deps, target, tree);
    const { runningHaproxyCount } = await deps.agent.getDetails(target);
    if (runningHaproxyCount === 0) {
      throw new KilnError('AGENT_REFUSED', `HAProxy of amphora ${id} was started, and does not run`, {
        advice: 'See the journal of HAProxy in an amphora of this image.',
        retryable: false,
      });
    }
    const otherwise = 'runs HAProxy, and no heartbeat says that a request goes through it';
    await hear(deps, run, { amphoraId: id, times: PROVING_HEARTBEATS, otherwise });
    const { loadbalancer_topology: topology = deps.settings().topology } =
      await deps.flavors.flavorCapabilities(flavorId);
    if (topology === 'ACTIVE_STANDBY') await tryKeepalived(deps, target, run.stop);
    return {};
  },
};

export const deleteProbe: Step<LoadBalancerDeps, ProbeInput & BuiltAmphora, Record<string, never>> = {
  name: 'delete-probe',
  async do(deps, { amphoraId, serverGroupName }) {
    const amphora = await deps.amphorae.get(amphoraId);
    if (amphora && amphora.status !== 'DELETED') await removeAmphora(deps, amphora);
    await removeProbeGroup(deps, serverGroupName);
    return {};
  },
  leaves: async (_records, { amphoraId, serverId }) => [
    { kind: 'server', id: serverId, name: null },
    { kind: 'amphora', id: amphoraId, name: null },
  ],
};

/**
 * Waits until the amphora was heard of so many times; where agents know of no controller, not at all.
 * @throws AGENT_UNREACHABLE when it is not; SERVICE_UNREACHABLE where nobody is heard: that is not the image's fault.
 */
async function hear(
  { settings, clock, health }: LoadBalancerDeps,
  run: StepRun,
  { amphoraId, times, otherwise }: { amphoraId: string; times: number; otherwise: string },
): Promise<void> {
  const { controllerIpPortList, heartbeatIntervalSeconds } = settings().server.agent.healthManager;
  if (controllerIpPortList.length === 0) return;
  const roundMs = controllerIpPortList.length * heartbeatIntervalSeconds * 1000;
  const totalMs = Math.max((ROUNDS + times) * roundMs, SHORTEST_HEARTBEAT_WAIT_MS);
  let last = await health.lastHeard(amphoraId);
  // The first one may have come already; what is to prove something has not.
  let heard = last !== null && times === 1 ? 1 : 0;
  await once(run, async (signal) => {
    const patience = { totalMs, firstPauseMs: 200, longestPauseMs: 1_000, signal };
    const isHeard = await waitUntil(clock, patience, async () => {
      const at = await health.lastHeard(amphoraId);
      if (at !== last) heard++;
      last = at;
      return heard >= times ? true : null;
    });
    if (isHeard) return;
    const sinceMs = clock.now().getTime() - totalMs;
    if (!(await health.hearsAnyoneSince(new Date(sinceMs).toISOString()))) {
      throw new KilnError('SERVICE_UNREACHABLE', `Kiln has heard no amphora at all for ${totalMs / 1000} s`, {
        advice: 'Start `kiln serve --role health-manager`, or see why heartbeats do not reach it.',
        retryable: false,
      });
    }
    throw new KilnError('AGENT_UNREACHABLE', `amphora ${amphoraId} ${otherwise} within ${totalMs / 1000} s`, {
      advice: 'See the journal of the agent and of HAProxy in an amphora of this image.',
    });
  });
}
