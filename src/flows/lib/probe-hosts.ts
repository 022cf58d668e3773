import type { OperationReason } from '../../model/operation.ts';
import type { StepRun } from '../engine/flow.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import { findOrCreateServerGroup } from './server-groups.ts';

/**
 * How a second try of a probe comes to another host: the servers of all tries at a place are in one server group with anti-affinity,
 * and that of the first one stays until the second one has its host. docs/decisions/0056-another-host.md.
 */

/** What a host may have done to a server that is on it. */
const causes: ReadonlySet<string> = new Set(['AGENT_UNREACHABLE', 'BOOT_TIMEOUT']);

/** Whether the server of a try that failed stays, on record in ERROR: whoever carries the release on removes it. */
export function staysForNextTry(keepsServer: boolean | undefined, reason: OperationReason | null): boolean {
  return keepsServer === true && reason !== null && causes.has(reason.code);
}

/** @returns the group; null where Nova has none to give: then its scheduler places the server as it likes. */
export async function joinProbeGroup(
  deps: LoadBalancerDeps,
  name: string | undefined,
  run: Pick<StepRun, 'resumed' | 'note'>,
): Promise<string | null> {
  if (name === undefined) return null;
  try {
    return (await findOrCreateServerGroup(deps, run.resumed, { name, policy: 'anti-affinity' })).id;
  } catch (error) {
    run.note(`no server group ${name}: a second try may be on the same host (${(error as Error).message})`);
    return null;
  }
}

/** What is left for now goes with other objects that have lost their owner. */
export async function removeProbeGroup(deps: LoadBalancerDeps, name: string | undefined): Promise<void> {
  if (name === undefined) return;
  try {
    for (const { id } of await deps.compute.findServerGroupsByName(name)) await deps.compute.deleteServerGroup(id);
  } catch (err) {
    deps.log.warn({ serverGroup: name, err }, 'the server group of a probe could not be deleted');
  }
}
