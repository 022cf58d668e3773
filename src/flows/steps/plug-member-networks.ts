import { KilnError } from '../../model/errors.ts';
import type { LoadBalancerTree } from '../../model/load-balancer.ts';
import type { JsonObject } from '../../model/operation.ts';
import type { NetworkInterface } from '../../ports/amphora-agent.ts';
import type { Network, Port, Subnet } from '../../ports/network.ts';
import type { Step, StepRun } from '../engine/flow.ts';
import type { LoadBalancerParts } from '../load-balancer/parts.ts';
import { type Target, type TargetsOf, targetsLeft } from '../load-balancer/targets.ts';
import { treeOf } from '../load-balancer/tree-of.ts';
import { amphoraPort, memberPortName, memberPortsOf, type PortHolder } from './amphora-ports.ts';
import { lookFirst } from './look-first.ts';
import type { LoadBalancerInput } from './mark-error-on-revert.ts';
import { removePort } from './remove-port.ts';

export type MemberNetworks = { pluggedNetworkIds: string[] };

/**
 * The amphora has a port in every network that members are in and that it is not in already by its VIP or its
 * management port, and its agent has brought the interface up.
 */
export function plugMemberNetworks<State extends LoadBalancerInput & JsonObject>(
  targetsOf: TargetsOf<State>,
): Step<LoadBalancerParts, State, MemberNetworks> {
  return {
    name: 'plug-member-networks',
    async do(parts, state, run) {
      const tree = await treeOf(parts, state.loadBalancerId);
      const wanted = await memberNetworks(parts, tree);
      const plugged = new Set<string>();
      if (wanted.size === 0) return { pluggedNetworkIds: [] };
      for (const target of await targetsOf(parts, state)) {
        for (const networkId of await missingNetworks(parts, target, [...wanted.keys()])) {
          await plug(parts, { ...target, loadBalancerId: state.loadBalancerId }, networkId, wanted, run);
          plugged.add(networkId);
        }
      }
      return { pluggedNetworkIds: [...plugged] };
    },
    async undo(parts, state) {
      for (const target of await targetsLeft(targetsOf, parts, state as unknown as State)) {
        const tree = await treeOf(parts, state.loadBalancerId);
        const kept = await memberNetworks(parts, withoutNew(tree));
        await unplug(parts, { ...target, loadBalancerId: state.loadBalancerId }, (networkId) => !kept.has(networkId));
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

/** Ports in networks that no member is in any more are taken out. */
export function unplugMemberNetworks<State extends LoadBalancerInput & JsonObject>(
  targetsOf: TargetsOf<State>,
): Step<LoadBalancerParts, State, Record<string, never>> {
  return {
    name: 'unplug-member-networks',
    async do(parts, state) {
      const tree = await treeOf(parts, state.loadBalancerId);
      if (!tree.pools.some(({ members }) => members.some(({ subnetId }) => subnetId !== null))) return {};
      const wanted = await memberNetworks(parts, tree);
      for (const target of await targetsOf(parts, state)) {
        await unplug(parts, { ...target, loadBalancerId: state.loadBalancerId }, (networkId) => !wanted.has(networkId));
      }
      return {};
    },
  };
}

/**
 * Networks of members, but the VIP's own, with the members' subnets in them. A subnet that was deleted since is nowhere: its
 * members are not reached, which their health monitor tells; all others are not to suffer.
 */
async function memberNetworks(parts: LoadBalancerParts, tree: LoadBalancerTree): Promise<Map<string, Subnet[]>> {
  const { vip, additionalVips } = tree.loadBalancer;
  const vips = [vip, ...additionalVips];
  const vipSubnets = new Set(vips.map(({ subnetId }) => subnetId));
  const members = tree.pools.filter(isStaying).flatMap((pool) => pool.members.filter(isStaying));
  const subnetIds = new Set(members.map(({ subnetId }) => subnetId).filter((id) => id !== null && !vipSubnets.has(id)));
  const networks = new Map<string, Subnet[]>();
  const found = await Promise.all([...subnetIds].map((id) => subnetOrNull(parts, id ?? '')));
  for (const subnet of found.filter((one) => one !== null)) {
    if (vips.some(({ networkId }) => networkId === subnet.networkId)) continue;
    networks.set(subnet.networkId, [...(networks.get(subnet.networkId) ?? []), subnet]);
  }
  return networks;
}

async function subnetOrNull({ network }: LoadBalancerParts, subnetId: string): Promise<Subnet | null> {
  try {
    return await network.getSubnet(subnetId);
  } catch (error) {
    if (error instanceof KilnError && error.code === 'SERVICE_NOT_FOUND') return null;
    throw error;
  }
}

const isStaying = ({ provisioningStatus }: { provisioningStatus: string }) => provisioningStatus !== 'PENDING_DELETE';

function withoutNew(tree: LoadBalancerTree): LoadBalancerTree {
  const isOld = ({ provisioningStatus }: { provisioningStatus: string }) => provisioningStatus !== 'PENDING_CREATE';
  return {
    ...tree,
    pools: tree.pools.filter(isOld).map((pool) => ({ ...pool, members: pool.members.filter(isOld) })),
  };
}

async function missingNetworks(parts: LoadBalancerParts, target: Target, networkIds: string[]): Promise<string[]> {
  const ports = await parts.network.listPortsOfDevice(target.serverId);
  const there = new Set(ports.map(({ networkId }) => networkId));
  return networkIds.filter((networkId) => !there.has(networkId));
}

async function plug(
  parts: LoadBalancerParts,
  target: Target & { loadBalancerId: string },
  networkId: string,
  subnetsOf: ReadonlyMap<string, readonly Subnet[]>,
  run: StepRun,
): Promise<void> {
  const name = memberPortName(target.id, networkId);
  const subnets = subnetsOf.get(networkId) ?? [];
  const port = await lookFirst(
    parts,
    run.resumed,
    async () => (await parts.network.findPortsByName(name))[0] ?? null,
    () =>
      parts.network.createPort(
        amphoraPort(target.loadBalancerId, {
          name,
          networkId,
          fixedIps: subnets.map(({ id }) => ({ subnetId: id, ipAddress: null })),
          securityGroupIds: null,
          allowedAddressPairs: [],
          qosPolicyId: null,
        }),
      ),
  );
  await parts.compute.attachPort(target.serverId, port.id);
  await parts.agent.plugNetwork(target, interfaceOf(port, await parts.network.getNetwork(networkId), subnets));
}

function interfaceOf(port: Port, network: Network, subnets: readonly Subnet[]): NetworkInterface {
  return {
    macAddress: port.macAddress,
    mtu: network.mtu,
    isSriov: false,
    fixedIps: port.fixedIps.map(({ subnetId, ipAddress }) => {
      const subnet = subnets.find(({ id }) => id === subnetId);
      return {
        ipAddress,
        subnetCidr: subnet?.cidr ?? '',
        gateway: subnet?.gatewayIp ?? null,
        hostRoutes: subnet?.hostRoutes ?? [],
      };
    }),
  };
}

async function unplug(
  parts: LoadBalancerParts,
  amphora: PortHolder,
  isUnwanted: (networkId: string) => boolean,
): Promise<void> {
  for (const port of await memberPortsOf(parts, amphora)) {
    if (isUnwanted(port.networkId)) await removePort(parts, port.id, port.deviceId);
  }
}
