import type { RowBefore } from '../../core/operations/operation-subject.ts';
import { stoppedStatuses } from '../../model/compute.ts';
import { KilnError, toKilnError } from '../../model/errors.ts';
import type { LoadBalancerTree } from '../../model/load-balancer.ts';
import type { JsonObject } from '../../model/operation.ts';
import type { Port } from '../../ports/network.ts';
import type { Step, StepRun } from '../engine/flow.ts';
import { amphoraPort, memberPortName, portsOfAmphora, vrrpPortName } from '../lib/amphora-ports.ts';
import { findOrCreate } from '../lib/find-or-create.ts';
import {
  type Counts,
  isNotPendingDelete,
  isOld,
  subnetIdsLeft,
  subnetIdsWithout,
  vipSubnetIds,
  type WantedNetwork,
  wantedNetworks,
  withMembersMovedBack,
} from '../lib/member-networks.ts';
import { onEachTarget } from '../lib/on-each-target.ts';
import { portInterfaceOf } from '../lib/port-interface.ts';
import { removePort } from '../lib/remove-port.ts';
import { type Target, type TargetsOf, targetsLeft } from '../lib/targets.ts';
import { treeOf } from '../lib/tree-of.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import type { LoadBalancerInput } from './mark-error-on-revert.ts';

export type MemberNetworks = { pluggedNetworkIds: string[] };

/** Rows as they were before the operation: members may have been elsewhere. */
type RowsBeforeOf<State> = (state: State) => readonly RowBefore[];
const none = () => [];

/**
 * The amphora has a port in every network that members are in, with an address in each of their subnets, and its agent has
 * brought them up. In the VIP's network it is the port that carries the VIP (HandleNetworkDelta in
 * octavia/controller/worker/v2/tasks/network_tasks.py).
 */
export function plugMemberNetworks<State extends LoadBalancerInput & JsonObject>(
  targetsOf: TargetsOf<State>,
  rowsBeforeOf: RowsBeforeOf<State> = none,
) {
  return plugStep('plug-member-networks', targetsOf, () => true, rowsBeforeOf);
}

/** As above, but for the VIP's network: of an amphora that the VIP is not plugged in yet. */
export function plugOtherNetworks<State extends LoadBalancerInput & JsonObject>(targetsOf: TargetsOf<State>) {
  return plugStep('plug-member-networks', targetsOf, ({ carriesVip }) => !carriesVip);
}

/** The rest of that, once the VIP is plugged. */
export function plugVipNetwork<State extends LoadBalancerInput & JsonObject>(targetsOf: TargetsOf<State>) {
  return plugStep('plug-vip-subnets', targetsOf, ({ carriesVip }) => carriesVip);
}

/** Ports and addresses that no member needs any more are taken out. */
export function unplugMemberNetworks<State extends LoadBalancerInput & JsonObject>(
  targetsOf: TargetsOf<State>,
  rowsBeforeOf: RowsBeforeOf<State>,
): Step<LoadBalancerDeps, State, Record<string, never>> {
  return {
    name: 'unplug-member-networks',
    async do(deps, state) {
      const tree = await treeOf(deps, state.loadBalancerId);
      const needless = await needlessOf(
        deps,
        tree,
        isNotPendingDelete,
        withMembersMovedBack(tree, rowsBeforeOf(state)),
      );
      if (!needless) return {};
      await onEachTarget(deps, await targetsOf(deps, state), (target) =>
        unplug(deps, target, needless, (port) => tellAgent(deps, target, port, needless.tree)),
      );
      return {};
    },
    // Members that were to go stay, those that were moved go back: what was taken from them is given back.
    async undo(deps, state, run) {
      const now = await treeOf(deps, state.loadBalancerId);
      const tree = withMembersMovedBack(now, rowsBeforeOf(state));
      if (subnetIdsWithout(tree, isNotPendingDelete).size + subnetIdsLeft(tree, now).size === 0) return;
      const wanted = await wantedNetworks(deps, tree, () => true);
      await onEachTarget(deps, await targetsLeft(targetsOf, deps, state), async (target) => {
        await plug(deps, target, { tree, wanted }, run);
      });
    },
  };
}

function plugStep<State extends LoadBalancerInput & JsonObject>(
  name: string,
  targetsOf: TargetsOf<State>,
  isChosen: (network: WantedNetwork) => boolean,
  rowsBeforeOf: RowsBeforeOf<State> = none,
): Step<LoadBalancerDeps, State, MemberNetworks> {
  return {
    name,
    async do(deps, state, run) {
      const tree = await treeOf(deps, state.loadBalancerId);
      const wanted = (await wantedNetworks(deps, tree)).filter(isChosen);
      const plugged = new Set<string>();
      if (wanted.every(({ memberSubnets }) => memberSubnets.length === 0)) return { pluggedNetworkIds: [] };
      await onEachTarget(deps, await targetsOf(deps, state), async (target, isSecondTry) => {
        const attempt = { ...run, again: run.again || isSecondTry };
        for (const networkId of await plug(deps, target, { tree, wanted }, attempt)) plugged.add(networkId);
      });
      return { pluggedNetworkIds: [...plugged] };
    },
    async undo(deps, state) {
      const now = await treeOf(deps, state.loadBalancerId);
      const needless = await needlessOf(deps, withMembersMovedBack(now, rowsBeforeOf(state)), isOld, now);
      if (!needless) return;
      for (const target of await targetsLeft(targetsOf, deps, state)) {
        await unplug(deps, target, needless, async (port) => {
          await tellAgent(deps, target, port, needless.tree).catch((err: unknown) => {
            // What it has too much nobody can reach any more; it may be what the flow goes back for.
            deps.log.warn(
              { amphora: target.id, portId: port.id, err },
              'the agent keeps addresses that are taken back',
            );
          });
        });
      }
    },
    async leaves({ amphorae }, { loadBalancerId, pluggedNetworkIds = [] }) {
      const all = pluggedNetworkIds.length > 0 ? await amphorae.list({ loadBalancerId }) : [];
      return all.flatMap(({ id }) =>
        pluggedNetworkIds.map((networkId) => ({ kind: 'port', id: null, name: memberPortName(id, networkId) })),
      );
    },
  };
}

interface Wanted {
  tree: LoadBalancerTree;
  wanted: readonly WantedNetwork[];
}

/** Brings the amphora into all networks of members. @returns those in which something was to be done. */
async function plug(deps: LoadBalancerDeps, target: Target, { tree, wanted }: Wanted, run: StepRun): Promise<string[]> {
  const there = await deps.network.listPortsOfDevice(target.serverId);
  const changed: string[] = [];
  for (const network of wanted.filter(({ memberSubnets }) => memberSubnets.length > 0)) {
    const plugged = there.find(({ name }) => name === portNameIn(network, target.id));
    const found = plugged ?? (await findOrMake(deps, target, tree, network, run));
    const port = found && (await withAddresses(deps, found, network));
    // A try before this one may have come to its end in Neutron, and not in the agent.
    if (!port || (port === plugged && !run.again)) continue;
    if (!plugged) await attachPort(deps, target, port);
    await tellAgent(deps, target, port, tree);
    changed.push(network.id);
  }
  return changed;
}

/**
 * @throws AGENT_UNREACHABLE where Nova fails because the amphora is dead: its server is gone or does not run, or its agent is silent
 * as well (Nova calls the servers of a dead host ACTIVE). So one of a pair is left to failover.
 */
async function attachPort({ compute, agent }: LoadBalancerDeps, target: Target, port: Port): Promise<void> {
  const { id, serverId } = target;
  try {
    await compute.attachPort(serverId, port.id);
  } catch (error) {
    const status = await compute.getServer(serverId).then(
      (server) => server.status,
      (failure: unknown) => (toKilnError(failure).code === 'SERVICE_NOT_FOUND' ? 'DELETED' : 'UNKNOWN'),
    );
    if (stoppedStatuses.has(status)) {
      throw new KilnError('AGENT_UNREACHABLE', `server ${serverId} of amphora ${id} has the status ${status}`, {
        retryable: false,
        advice: `Fail it over: openstack loadbalancer amphora failover ${id}.`,
        cause: error,
      });
    }
    await agent.getInfo(target).catch((failure: unknown) => {
      if (toKilnError(failure).code === 'AGENT_UNREACHABLE') throw failure;
    });
    throw error;
  }
}

const portNameIn = ({ id, carriesVip }: WantedNetwork, amphoraId: string) =>
  carriesVip ? vrrpPortName(amphoraId) : memberPortName(amphoraId, id);

/** Null where it is the VIP's port that is gone: that is for a failover to repair, and not for each change. */
async function findOrMake(
  deps: LoadBalancerDeps,
  { id: amphoraId }: Target,
  tree: LoadBalancerTree,
  network: WantedNetwork,
  run: StepRun,
): Promise<Port | null> {
  const name = portNameIn(network, amphoraId);
  const find = async () => (await deps.network.findPortsByName(name))[0] ?? null;
  if (network.carriesVip) return await find();
  return await findOrCreate(deps, run.resumed, find, () =>
    deps.network.createPort(
      amphoraPort(tree.loadBalancer.id, {
        name,
        networkId: network.id,
        fixedIps: network.memberSubnets.map(({ id }) => ({ subnetId: id, ipAddress: null })),
        securityGroupIds: null,
        allowedAddressPairs: [],
        qosPolicyId: null,
      }),
    ),
  );
}

/** The same port when it has an address in each of the subnets. */
async function withAddresses({ network }: LoadBalancerDeps, port: Port, wanted: WantedNetwork): Promise<Port> {
  const missing = wanted.memberSubnets.filter(({ id }) => !port.fixedIps.some(({ subnetId }) => subnetId === id));
  if (missing.length === 0) return port;
  const added = missing.map(({ id }) => ({ subnetId: id, ipAddress: null }));
  return await network.updatePort(port.id, { fixedIps: [...port.fixedIps, ...added] });
}

async function tellAgent(deps: LoadBalancerDeps, target: Target, port: Port, tree: LoadBalancerTree): Promise<void> {
  const carrying = port.name === vrrpPortName(target.id) ? tree.loadBalancer : null;
  await deps.agent.plugNetwork(target, await portInterfaceOf(deps, port, carrying));
}

/** What is there because of members that do not count, or are elsewhere. */
interface Needless {
  tree: LoadBalancerTree;
  /** Subnets in which those members were. Other addresses of a port may be Neutron's own doing: SLAAC. */
  subnetIds: ReadonlySet<string>;
  kept: readonly WantedNetwork[];
}

/**
 * @param tree as it shall be.
 * @param other where members of it may be plugged as well.
 */
async function needlessOf(
  deps: LoadBalancerDeps,
  tree: LoadBalancerTree,
  counts: Counts,
  other: LoadBalancerTree,
): Promise<Needless | null> {
  const subnetIds = new Set([...subnetIdsWithout(tree, counts), ...subnetIdsLeft(other, tree)]);
  return subnetIds.size === 0 ? null : { tree, subnetIds, kept: await wantedNetworks(deps, tree, counts) };
}

/** @param tell gets the port as it will be: whoever is killed in between says it again, as the port is still as it was. */
async function unplug(
  deps: LoadBalancerDeps,
  target: Target,
  { tree, subnetIds, kept }: Needless,
  tell: (port: Port) => Promise<void>,
): Promise<void> {
  const holder = { ...target, loadBalancerId: tree.loadBalancer.id };
  for (const port of await portsOfAmphora(deps, holder)) {
    const network = kept.find(({ id }) => id === port.networkId);
    if (!network) {
      await removePort(deps, port.id, port.deviceId);
      continue;
    }
    const used = new Set([...vipSubnetIds(tree), ...network.memberSubnets.map(({ id }) => id)]);
    const fixedIps = port.fixedIps.filter(({ subnetId }) => used.has(subnetId) || !subnetIds.has(subnetId));
    if (fixedIps.length === port.fixedIps.length || fixedIps.length === 0) continue;
    await tell({ ...port, fixedIps });
    await deps.network.updatePort(port.id, { fixedIps });
  }
}
