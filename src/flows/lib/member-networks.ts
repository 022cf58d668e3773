import type { RowBefore } from '../../core/operations/operation-subject.ts';
import { noneIfGone } from '../../model/errors.ts';
import {
  isPendingDelete,
  type LoadBalancerTree,
  type Member,
  type ProvisioningStatus,
} from '../../model/load-balancer.ts';
import type { Subnet } from '../../ports/network.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';

/** A network that an amphora has to have a port in, for members or for the VIP. */
export interface WantedNetwork {
  id: string;
  /** The port there is the one that carries the VIP. */
  carriesVip: boolean;
  /** In which the port has an address because of members: beside those of the VIPs. */
  memberSubnets: readonly Subnet[];
}

/** Which rows count: those that stay, those that were there before, or all. */
export type Counts = (row: { provisioningStatus: ProvisioningStatus }) => boolean;
export const isNotPendingDelete: Counts = (row) => !isPendingDelete(row);
export const isOld: Counts = ({ provisioningStatus }) => provisioningStatus !== 'PENDING_CREATE';

/**
 * Networks of members, and the VIP's (octavia/controller/worker/v2/tasks/network_tasks.py, CalculateAmphoraDelta). The
 * management network is one like any other: HAProxy, in a namespace of its own, does not reach the port that Nova made
 * there, which is left alone. A subnet that was deleted since is nowhere: its members are not reached, which their health
 * monitor tells; all others are not to suffer.
 */
export async function wantedNetworks(
  deps: LoadBalancerDeps,
  tree: LoadBalancerTree,
  counts: Counts = isNotPendingDelete,
): Promise<WantedNetwork[]> {
  const { vip } = tree.loadBalancer;
  const ofVips = vipSubnetIds(tree);
  const subnetIds = [...memberSubnetIds(tree, counts)].filter((id) => !ofVips.has(id));
  const found = await Promise.all(subnetIds.map((id) => subnetOrNull(deps, id)));
  const networks = new Map<string, Subnet[]>([[vip.networkId, []]]);
  for (const subnet of found.filter((one) => one !== null)) {
    networks.set(subnet.networkId, [...(networks.get(subnet.networkId) ?? []), subnet]);
  }
  return [...networks].map(([id, memberSubnets]) => ({ id, memberSubnets, carriesVip: id === vip.networkId }));
}

/** Subnets of the members that count, in pools that count. */
function memberSubnetIds({ pools }: LoadBalancerTree, counts: Counts): ReadonlySet<string> {
  const members = pools.filter(counts).flatMap((pool) => pool.members.filter(counts));
  return new Set(members.map(({ subnetId }) => subnetId).filter((id) => id !== null));
}

/** Subnets of members that do not count, or whose pool does not. Others may be in them as well. */
export function subnetIdsWithout({ pools }: LoadBalancerTree, counts: Counts): ReadonlySet<string> {
  const members = pools.flatMap((pool) => (counts(pool) ? pool.members.filter((one) => !counts(one)) : pool.members));
  return new Set(members.map(({ subnetId }) => subnetId).filter((id) => id !== null));
}

/** Members that the operation has given another subnet are where they were. */
export function withMembersMovedBack(tree: LoadBalancerTree, before: readonly RowBefore[]): LoadBalancerTree {
  const former = new Map(before.filter(({ kind }) => kind === 'member').map(({ id, fields }) => [id, fields]));
  if (former.size === 0) return tree;
  const movedBack = (member: Member): Member => {
    const subnetId = former.get(member.id)?.subnetId;
    return subnetId === undefined ? member : { ...member, subnetId: subnetId as string | null };
  };
  return { ...tree, pools: tree.pools.map((pool) => ({ ...pool, members: pool.members.map(movedBack) })) };
}

/** Subnets in which members of the one tree are, and not the same members of the other. */
export function subnetIdsLeft(tree: LoadBalancerTree, other: LoadBalancerTree): ReadonlySet<string> {
  const inOther = new Map(other.pools.flatMap(({ members }) => members).map(({ id, subnetId }) => [id, subnetId]));
  const members = tree.pools.flatMap((pool) => pool.members.filter(({ id, subnetId }) => inOther.get(id) !== subnetId));
  return new Set(members.map(({ subnetId }) => subnetId).filter((id) => id !== null));
}

export function vipSubnetIds({ loadBalancer }: LoadBalancerTree): ReadonlySet<string> {
  const ids = [loadBalancer.vip, ...loadBalancer.additionalVips].map(({ subnetId }) => subnetId);
  return new Set(ids.filter((id) => id !== null));
}

/** Null where it was deleted. */
export async function subnetOrNull(
  { network }: Pick<LoadBalancerDeps, 'network'>,
  subnetId: string,
): Promise<Subnet | null> {
  return await network.getSubnet(subnetId).catch(noneIfGone);
}
