import type { Step } from '../engine/flow.ts';
import { findOrCreateServerGroup } from '../lib/server-groups.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import type { LoadBalancerInput } from './mark-error-on-revert.ts';

/** Null: Nova places the amphorae as it likes. */
export type ServerGroup = { serverGroupId: string | null };

/** octavia/controller/worker/v2/tasks/compute_tasks.py, NovaServerGroupCreate. */
const nameOf = (loadBalancerId: string) => `octavia-lb-${loadBalancerId}`;

/** The two amphorae of a pair are to be on different hosts, where [nova] enable_anti_affinity says so. */
export const createServerGroup: Step<LoadBalancerDeps, LoadBalancerInput, ServerGroup> = {
  name: 'create-server-group',
  async do(deps, { loadBalancerId }, run) {
    const policy = deps.settings().antiAffinityPolicy;
    if (policy === null) return { serverGroupId: null };
    const found = await deps.loadBalancers.get('loadbalancer', loadBalancerId);
    if (found?.serverGroupId) return { serverGroupId: found.serverGroupId };
    const name = nameOf(loadBalancerId);
    const { id } = await findOrCreateServerGroup(deps, run.resumed, { name, policy });
    await deps.loadBalancers.setServerGroup(loadBalancerId, id);
    return { serverGroupId: id };
  },
  /** One that has servers in it stays, until the load balancer goes. */
  async undo(deps, { loadBalancerId, serverGroupId }) {
    if (serverGroupId === null) return;
    const amphorae = await deps.amphorae.list({ loadBalancerId });
    if (!amphorae.some(({ status }) => status === 'ALLOCATED')) await removeServerGroups(deps, loadBalancerId);
  },
  leaves: async (_records, { loadBalancerId, serverGroupId }) =>
    serverGroupId === null ? [] : [{ kind: 'server group', id: serverGroupId ?? null, name: nameOf(loadBalancerId) }],
};

export const deleteServerGroup: Step<LoadBalancerDeps, LoadBalancerInput, Record<string, never>> = {
  name: 'delete-server-group',
  async do(deps, { loadBalancerId }) {
    const found = await deps.loadBalancers.get('loadbalancer', loadBalancerId);
    if (found?.serverGroupId) await removeServerGroups(deps, loadBalancerId);
    return {};
  },
  async leaves({ loadBalancers }, { loadBalancerId }) {
    const id = (await loadBalancers.get('loadbalancer', loadBalancerId))?.serverGroupId ?? null;
    return id === null ? [] : [{ kind: 'server group', id, name: nameOf(loadBalancerId) }];
  },
};

/** That on record, and those of its name whose making was never recorded. */
async function removeServerGroups(deps: LoadBalancerDeps, loadBalancerId: string): Promise<void> {
  const found = await deps.loadBalancers.get('loadbalancer', loadBalancerId);
  const named = await deps.compute.findServerGroupsByName(nameOf(loadBalancerId));
  const ids = new Set(named.map(({ id }) => id));
  if (found?.serverGroupId) ids.add(found.serverGroupId);
  for (const id of ids) await deps.compute.deleteServerGroup(id);
  if (found?.serverGroupId) await deps.loadBalancers.setServerGroup(loadBalancerId, null);
}
