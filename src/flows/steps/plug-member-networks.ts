import type { LoadBalancerTree } from '../../model/load-balancer.ts';
import type { JsonObject } from '../../model/operation.ts';
import type { Port } from '../../ports/network.ts';
import type { Step, StepRun } from '../engine/flow.ts';
import type { LoadBalancerParts } from '../load-balancer/parts.ts';
import { type Target, type TargetsOf, targetsLeft } from '../load-balancer/targets.ts';
import { treeOf } from '../load-balancer/tree-of.ts';
import { amphoraPort, memberPortName, portsOfAmphora, vrrpPortName } from './amphora-ports.ts';
import { lookFirst } from './look-first.ts';
import type { LoadBalancerInput } from './mark-error-on-revert.ts';
import {
  type Counts,
  isOld,
  isStaying,
  subnetIdsWithout,
  vipSubnetIds,
  type WantedNetwork,
  wantedNetworks,
} from './member-networks.ts';
import { portInterfaceOf } from './port-interface.ts';
import { removePort } from './remove-port.ts';

export type MemberNetworks = { pluggedNetworkIds: string[] };

/**
 * The amphora has a port in every network that members are in, with an address in each of their subnets, and its agent has
 * brought them up. In the VIP's network it is the port that carries the VIP (HandleNetworkDelta in
 * octavia/controller/worker/v2/tasks/network_tasks.py).
 */
export function plugMemberNetworks<State extends LoadBalancerInput & JsonObject>(targetsOf: TargetsOf<State>) {
  return plugStep('plug-member-networks', targetsOf, () => true);
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
): Step<LoadBalancerParts, State, Record<string, never>> {
  return {
    name: 'unplug-member-networks',
    async do(parts, state) {
      const needless = await needlessOf(parts, state.loadBalancerId, isStaying);
      if (!needless) return {};
      for (const target of await targetsOf(parts, state)) {
        await unplug(parts, target, needless, (port) => tellAgent(parts, target, port, needless.tree));
      }
      return {};
    },
    // Members that were to go stay: what was taken from them is given back.
    async undo(parts, state, run) {
      const tree = await treeOf(parts, state.loadBalancerId);
      if (subnetIdsWithout(tree, isStaying).size === 0) return;
      const wanted = await wantedNetworks(parts, tree, () => true);
      for (const target of await targetsLeft(targetsOf, parts, state)) await plug(parts, target, { tree, wanted }, run);
    },
  };
}

function plugStep<State extends LoadBalancerInput & JsonObject>(
  name: string,
  targetsOf: TargetsOf<State>,
  isChosen: (network: WantedNetwork) => boolean,
): Step<LoadBalancerParts, State, MemberNetworks> {
  return {
    name,
    async do(parts, state, run) {
      const tree = await treeOf(parts, state.loadBalancerId);
      const wanted = (await wantedNetworks(parts, tree)).filter(isChosen);
      const plugged = new Set<string>();
      if (wanted.every(({ memberSubnets }) => memberSubnets.length === 0)) return { pluggedNetworkIds: [] };
      for (const target of await targetsOf(parts, state)) {
        for (const networkId of await plug(parts, target, { tree, wanted }, run)) plugged.add(networkId);
      }
      return { pluggedNetworkIds: [...plugged] };
    },
    async undo(parts, state) {
      const needless = await needlessOf(parts, state.loadBalancerId, isOld);
      if (!needless) return;
      for (const target of await targetsLeft(targetsOf, parts, state as unknown as State)) {
        await unplug(parts, target, needless, async (port) => {
          await tellAgent(parts, target, port, needless.tree).catch((err: unknown) => {
            // What it has too much nobody can reach any more; it may be what the flow goes back for.
            parts.log.warn(
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
async function plug(
  parts: LoadBalancerParts,
  target: Target,
  { tree, wanted }: Wanted,
  run: StepRun,
): Promise<string[]> {
  const there = await parts.network.listPortsOfDevice(target.serverId);
  const changed: string[] = [];
  for (const network of wanted.filter(({ memberSubnets }) => memberSubnets.length > 0)) {
    const plugged = there.find(({ name }) => name === portNameIn(network, target.id));
    const found = plugged ?? (await findOrMake(parts, target, tree, network, run));
    const port = found && (await withAddresses(parts, found, network));
    // A try before this one may have come to its end in Neutron, and not in the agent.
    if (!port || (port === plugged && !run.again)) continue;
    if (!plugged) await parts.compute.attachPort(target.serverId, port.id);
    await tellAgent(parts, target, port, tree);
    changed.push(network.id);
  }
  return changed;
}

const portNameIn = ({ id, carriesVip }: WantedNetwork, amphoraId: string) =>
  carriesVip ? vrrpPortName(amphoraId) : memberPortName(amphoraId, id);

/** Null where it is the VIP's port that is gone: that is for a failover to repair, and not for each change. */
async function findOrMake(
  parts: LoadBalancerParts,
  { id: amphoraId }: Target,
  tree: LoadBalancerTree,
  network: WantedNetwork,
  run: StepRun,
): Promise<Port | null> {
  const name = portNameIn(network, amphoraId);
  const find = async () => (await parts.network.findPortsByName(name))[0] ?? null;
  if (network.carriesVip) return await find();
  return await lookFirst(parts, run.resumed, find, () =>
    parts.network.createPort(
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
async function withAddresses({ network }: LoadBalancerParts, port: Port, wanted: WantedNetwork): Promise<Port> {
  const missing = wanted.memberSubnets.filter(({ id }) => !port.fixedIps.some(({ subnetId }) => subnetId === id));
  if (missing.length === 0) return port;
  const added = missing.map(({ id }) => ({ subnetId: id, ipAddress: null }));
  return await network.updatePort(port.id, { fixedIps: [...port.fixedIps, ...added] });
}

async function tellAgent(parts: LoadBalancerParts, target: Target, port: Port, tree: LoadBalancerTree): Promise<void> {
  const carrying = port.name === vrrpPortName(target.id) ? tree.loadBalancer : null;
  await parts.agent.plugNetwork(target, await portInterfaceOf(parts, port, carrying));
}

/** What is there because of members that do not count. */
interface Needless {
  tree: LoadBalancerTree;
  /** Subnets of those members. Other addresses of a port may be Neutron's own doing: SLAAC. */
  subnetIds: ReadonlySet<string>;
  kept: readonly WantedNetwork[];
}

async function needlessOf(parts: LoadBalancerParts, loadBalancerId: string, counts: Counts): Promise<Needless | null> {
  const tree = await treeOf(parts, loadBalancerId);
  const subnetIds = subnetIdsWithout(tree, counts);
  return subnetIds.size === 0 ? null : { tree, subnetIds, kept: await wantedNetworks(parts, tree, counts) };
}

/** @param tell gets the port as it will be: whoever is killed in between says it again, as the port is still as it was. */
async function unplug(
  parts: LoadBalancerParts,
  target: Target,
  { tree, subnetIds, kept }: Needless,
  tell: (port: Port) => Promise<void>,
): Promise<void> {
  const holder = { ...target, loadBalancerId: tree.loadBalancer.id };
  for (const port of await portsOfAmphora(parts, holder)) {
    const network = kept.find(({ id }) => id === port.networkId);
    if (!network) {
      await removePort(parts, port.id, port.deviceId);
      continue;
    }
    const used = new Set([...vipSubnetIds(tree), ...network.memberSubnets.map(({ id }) => id)]);
    const fixedIps = port.fixedIps.filter(({ subnetId }) => used.has(subnetId) || !subnetIds.has(subnetId));
    if (fixedIps.length === port.fixedIps.length || fixedIps.length === 0) continue;
    await tell({ ...port, fixedIps });
    await parts.network.updatePort(port.id, { fixedIps });
  }
}
