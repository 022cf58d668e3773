import type { AgentWitness, ComputeWitness } from '../core/health/examine-silence.ts';
import { treeInEffect } from '../core/operations/in-effect.ts';
import { stoppedStatuses } from '../model/compute.ts';
import { ServiceError } from '../model/errors.ts';
import type { StoredTree } from '../model/load-balancer.ts';
import type { AmphoraAgent } from '../ports/amphora-agent.ts';
import type { Clock } from '../ports/clock.ts';
import type { ComputeService } from '../ports/compute.ts';
import type { LoadBalancerStore } from '../ports/load-balancer-store.ts';
import type { SilentAmphora } from '../ports/silence-store.ts';

export interface WitnessDeps {
  agent: Pick<AmphoraAgent, 'getDetails' | 'listListeners' | 'actOnVrrp'>;
  compute: Pick<ComputeService, 'getServer'>;
  loadBalancers: Pick<LoadBalancerStore, 'tree'>;
  clock: Clock;
}

/** An agent that lives answers at once, on a processor that is not busy: TLS and Octavia's agent in Python take one that is some seconds. */
const AGENT_TIMEOUT_MS = 5_000;
const COMPUTE_TIMEOUT_MS = 10_000;
/** An answer that took longer than its time limit by so much was not awaited: this process did not run. */
const SLACK_MS = 2_000;

/** Asked of an amphora without heartbeats. Null: this process was stopped while it asked, and nothing is known. */
export async function askWitnesses(
  deps: WitnessDeps,
  amphora: SilentAmphora,
): Promise<{ agent: AgentWitness; compute: ComputeWitness | null } | null> {
  const said = await askAgent(deps, amphora);
  const agent = said === 'well' && amphora.topology === 'ACTIVE_STANDBY' ? await askKeepalived(deps, amphora) : said;
  if (agent === null) return null;
  if (agent !== 'silent') return { agent, compute: null };
  const compute = await ask(deps.clock, COMPUTE_TIMEOUT_MS, (signal) => askCompute(deps, amphora.computeId, signal));
  return compute && { agent, compute };
}

/**
 * Asks agents alone, and changes nothing: do the load balancers of these amphorae have somebody who serves them?
 * @returns by amphora; those are left out of which this process can't tell, as it was stopped while it asked.
 */
export async function askAgents(
  deps: Pick<WitnessDeps, 'agent' | 'loadBalancers' | 'clock'>,
  amphorae: readonly SilentAmphora[],
): Promise<ReadonlyMap<SilentAmphora, AgentWitness>> {
  const witnesses = await Promise.all(amphorae.map((amphora) => askAgent(deps, amphora)));
  return new Map(
    amphorae.flatMap((amphora, n) => {
      const witness = witnesses[n] ?? null;
      return witness === null ? [] : [[amphora, witness] as const];
    }),
  );
}

/** Null: this process was stopped while it waited for an answer. */
async function ask<Answer>(
  clock: Clock,
  limitMs: number,
  question: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer | null> {
  const beganMs = clock.monotonicMs();
  const answer = await question(AbortSignal.timeout(limitMs));
  return clock.monotonicMs() - beganMs > limitMs + SLACK_MS ? null : answer;
}

async function askAgent(
  { agent, loadBalancers, clock }: Pick<WitnessDeps, 'agent' | 'loadBalancers' | 'clock'>,
  amphora: SilentAmphora,
): Promise<AgentWitness | null> {
  const { id, lbNetworkIp, loadBalancerId } = amphora;
  if (lbNetworkIp === null) return 'silent';
  const address = { id, address: lbNetworkIp };
  const askDetails = () => ask(clock, AGENT_TIMEOUT_MS, (signal) => agent.getDetails(address, signal).catch(witnessOf));
  const details = await askDetails();
  if (details === null || typeof details === 'string') return details;
  // However long the database takes, that says nothing about agents, nor about this process.
  const tree = await loadBalancers.tree(loadBalancerId);
  const expected = tree ? expectedListeners(tree) : [];
  const isRunning = details.runningHaproxyCount !== 0 || expected.every(({ isDatagram }) => isDatagram);
  if (!isRunning || expected.some(({ listenerId }) => !details.listenerIds.includes(listenerId))) return 'sick';
  // With one too many its heartbeats count no more than with one too few: a change that failed could not be taken back there.
  if (tree && hasUnknown(tree, details.listenerIds)) {
    // One that was deleted, or made, between the two questions is none.
    const now = await askDetails();
    if (now === null || typeof now === 'string') return now;
    const inBoth = details.listenerIds.filter((listenerId) => now.listenerIds.includes(listenerId));
    if (hasUnknown(tree, inBoth)) return 'sick';
  }
  if (!expected.some(({ isDatagram }) => isDatagram)) return 'well';
  // Of UDP and SCTP listeners the agent tells whether their keepalived runs.
  const listeners = await ask(clock, AGENT_TIMEOUT_MS, (signal) =>
    agent.listListeners(address, signal).catch(witnessOf),
  );
  if (listeners === null || typeof listeners === 'string') return listeners;
  const broken = new Set(listeners.flatMap(({ id: listener, status }) => (status === 'ACTIVE' ? [] : [listener])));
  return expected.some(({ listenerId }) => broken.has(listenerId)) ? 'sick' : 'well';
}

/**
 * Agents withhold heartbeats while keepalived does not run, and have no request that tells why. They refuse to reload what does not
 * run; what runs goes on as it was. Who gives no answer to that is not silent: it has just said that it is well.
 */
async function askKeepalived(
  { agent, clock }: WitnessDeps,
  { id, lbNetworkIp }: SilentAmphora,
): Promise<AgentWitness | null> {
  const address = { id, address: lbNetworkIp ?? '' };
  return await ask(clock, AGENT_TIMEOUT_MS, async (signal) => {
    const failure: unknown = await agent.actOnVrrp(address, 'reload', signal).then(
      () => null,
      (error: unknown) => error,
    );
    const isRefusal = failure instanceof ServiceError && failure.code === 'AGENT_REFUSED';
    // Octavia's agent answers 500 to it, and Kiln's. Who hangs up, or knows no such request, says nothing of keepalived.
    return isRefusal && (failure.call.status ?? 0) >= 500 ? 'sick' : 'well';
  });
}

const witnessOf = (error: unknown): AgentWitness =>
  (error as { code?: unknown }).code === 'AGENT_REFUSED' ? 'sick' : 'silent';

/** Those that a well amphora has: not those that never took effect, are just being made, or are disabled. */
function expectedListeners(tree: StoredTree): { listenerId: string; isDatagram: boolean }[] {
  if (!tree.loadBalancer.adminStateUp) return [];
  return treeInEffect(tree)
    .listeners.filter(({ adminStateUp, provisioningStatus }) => adminStateUp && provisioningStatus !== 'PENDING_CREATE')
    .map((listener) => ({ listenerId: listener.id, isDatagram: isDatagram(listener) }));
}

const isDatagram = ({ protocol }: { protocol: string }) => protocol === 'UDP' || protocol === 'SCTP';

/** Whether an amphora has listeners that it is not to have, while nothing is being changed. Disabled ones of UDP and SCTP stay configured. */
function hasUnknown(tree: StoredTree, listenerIds: readonly string[]): boolean {
  const { loadBalancer, listeners } = treeInEffect(tree);
  const isPending = ({ provisioningStatus }: { provisioningStatus: string }) =>
    provisioningStatus.startsWith('PENDING');
  if (!loadBalancer.adminStateUp || isPending(loadBalancer)) return false;
  const known = listeners.filter((listener) => listener.adminStateUp || isPending(listener) || isDatagram(listener));
  const knownIds = new Set(known.map(({ id }) => id));
  // Octavia's agent counts what serves Prometheus among listeners.
  return listenerIds.some((id) => !knownIds.has(id) && !id.includes('prometheus'));
}

async function askCompute(
  { compute }: WitnessDeps,
  serverId: string | null,
  signal: AbortSignal,
): Promise<ComputeWitness> {
  if (serverId === null) return 'not-running';
  try {
    const { status } = await compute.getServer(serverId, signal);
    return stoppedStatuses.has(status) ? 'not-running' : 'running';
  } catch (error) {
    return (error as { code?: unknown }).code === 'SERVICE_NOT_FOUND' ? 'not-running' : 'no-answer';
  }
}
