import type { ServerGroup, ServerGroupPolicy } from '../../model/compute.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import { findOrCreate } from './find-or-create.ts';

/** The group of this name: one that a worker made which did not live to record it, or a new one. */
export const findOrCreateServerGroup = (
  deps: LoadBalancerDeps,
  resumed: boolean,
  group: { name: string; policy: ServerGroupPolicy },
): Promise<ServerGroup> =>
  findOrCreate(
    deps,
    resumed,
    async () => (await deps.compute.findServerGroupsByName(group.name))[0] ?? null,
    () => deps.compute.createServerGroup(group),
  );
