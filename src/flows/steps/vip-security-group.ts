import { rulesToAdd, rulesToRemove, vipSecurityRules } from '../../core/network/security-rules.ts';
import type { LoadBalancerTree } from '../../model/load-balancer.ts';
import type { SecurityGroup } from '../../ports/network.ts';
import type { Step } from '../engine/flow.ts';
import { findOrCreate } from '../lib/find-or-create.ts';
import { treeOf } from '../lib/tree-of.ts';
import { updateVipPorts } from '../lib/vip-ports.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import type { LoadBalancerInput } from './mark-error-on-revert.ts';

export type VipSecurity = { securityGroupIds: string[] };

/** octavia/common/utils.py, get_vip_security_group_name. */
const nameOf = (loadBalancerId: string) => `lb-${loadBalancerId}`;

/**
 * The VIP's port lets in what the listeners take, and nothing else: by a group of the load balancer's own, or by those
 * that its owner named, and beside these one for what a pair's amphorae tell each other.
 */
export const updateVipSecurityGroup: Step<LoadBalancerDeps, LoadBalancerInput, VipSecurity> = {
  name: 'update-vip-security-group',
  async do(deps, { loadBalancerId }, run) {
    const tree = await treeOf(deps, loadBalancerId);
    const own = await ownGroup(deps, tree, run.resumed);
    const securityGroupIds = [...tree.loadBalancer.vipSgIds, ...(own ? [own.id] : [])];
    const { portId } = tree.loadBalancer.vip;
    if (portId !== null) await deps.network.updatePort(portId, { securityGroupIds });
    return { securityGroupIds };
  },
  async undo(deps, { loadBalancerId }) {
    // Another amphora may serve behind it: a failover that is undone leaves the group as it was.
    const amphorae = await deps.amphorae.list({ loadBalancerId });
    if (amphorae.some(({ status }) => status === 'ALLOCATED')) return;
    await removeVipSecurityGroup(deps, loadBalancerId);
  },
  leaves: async (_parts, { loadBalancerId, securityGroupIds }) => [
    { kind: 'security group', id: securityGroupIds?.at(-1) ?? null, name: nameOf(loadBalancerId) },
  ],
};

/**
 * The rules follow the listeners; `treeWanted` is the tree that they shall fit.
 * @param groupsMayDiffer the ports may have other groups than those of that tree, whatever rules there are.
 */
export async function syncVipSecurityRules(
  deps: LoadBalancerDeps,
  treeWanted: LoadBalancerTree,
  groupsMayDiffer: boolean,
): Promise<void> {
  const { id, vip, vipSgIds, topology } = treeWanted.loadBalancer;
  const [existing] = await deps.network.findSecurityGroupsByName(nameOf(id));
  if (!hasOwnGroup(treeWanted)) {
    if (vip.portId !== null) await updateVipPorts(deps, treeWanted.loadBalancer, { securityGroupIds: vipSgIds });
    if (existing) await deps.network.deleteSecurityGroup(existing.id);
    return;
  }
  const group = existing ?? (await deps.network.createSecurityGroup({ name: nameOf(id), description: '' }));
  await syncRules(deps, group, treeWanted);
  if (!existing || groupsMayDiffer || vipSgIds.length > 0 || topology === 'ACTIVE_STANDBY') {
    await updateVipPorts(deps, treeWanted.loadBalancer, { securityGroupIds: [...vipSgIds, group.id] });
  }
}

const hasOwnGroup = ({ loadBalancer: { vipSgIds, topology } }: LoadBalancerTree) =>
  vipSgIds.length === 0 || topology === 'ACTIVE_STANDBY';

async function ownGroup(
  deps: LoadBalancerDeps,
  tree: LoadBalancerTree,
  resumed: boolean,
): Promise<SecurityGroup | null> {
  const { id } = tree.loadBalancer;
  if (!hasOwnGroup(tree)) return null;
  const group = await findOrCreate(
    deps,
    resumed,
    async () => (await deps.network.findSecurityGroupsByName(nameOf(id)))[0] ?? null,
    () => deps.network.createSecurityGroup({ name: nameOf(id), description: '' }),
  );
  await syncRules(deps, group, tree);
  return group;
}

async function syncRules({ network }: LoadBalancerDeps, group: SecurityGroup, tree: LoadBalancerTree): Promise<void> {
  const wanted = vipSecurityRules(tree);
  // First what lets in, then what shuts out: nobody who may come is kept out in between.
  for (const rule of rulesToAdd(group.rules, wanted)) await network.createSecurityGroupRule(group.id, rule);
  for (const { id } of rulesToRemove(group.rules, wanted)) await network.deleteSecurityGroupRule(id);
}

/** Every group of the load balancer's name goes, once the VIP's port has let go of it. */
export async function removeVipSecurityGroup(deps: LoadBalancerDeps, loadBalancerId: string): Promise<void> {
  const groups = await deps.network.findSecurityGroupsByName(nameOf(loadBalancerId));
  if (groups.length === 0) return;
  const found = await deps.loadBalancers.get('loadbalancer', loadBalancerId);
  const ids = new Set(groups.map(({ id }) => id));
  const portId = found?.vip.portId ?? null;
  const port = portId === null ? null : await portOrNull(deps, portId);
  if (port?.securityGroupIds.some((id) => ids.has(id))) {
    const others = port.securityGroupIds.filter((id) => !ids.has(id));
    await deps.network.updatePort(port.id, { securityGroupIds: others });
  }
  for (const { id } of groups) await deps.network.deleteSecurityGroup(id);
}

export async function portOrNull({ network }: LoadBalancerDeps, portId: string) {
  try {
    return await network.getPort(portId);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'SERVICE_NOT_FOUND') return null;
    throw error;
  }
}
