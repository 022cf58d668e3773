import type { Amphora, AmphoraRole, AmphoraStatus } from '../../model/amphora.ts';
import type { JsonObject } from '../../model/operation.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import type { BuiltAmphora, TargetsOf } from './targets.ts';

/** In this order they are built. */
export const pairRoles = ['MASTER', 'BACKUP'] as const;
export type PairRole = (typeof pairRoles)[number];

/** What is known of the amphorae that a flow builds, by role; a role that is not there is not built. */
export type PairState<Part extends JsonObject> = { [Role in PairRole]?: Part };

export const isOfPair = ({ role }: { role: AmphoraRole | null }): boolean => role === 'MASTER' || role === 'BACKUP';

/** Those that this very flow has built. */
export const builtOfPair: TargetsOf<PairState<BuiltAmphora>> = async (_deps, state) =>
  pairRoles.flatMap((role) => {
    const part = state[role];
    return part ? [{ id: part.amphoraId, address: part.address, serverId: part.serverId }] : [];
  });

/** Amphorae of a pair that are there, or being built, with an address of their own in the VIP's network. The newest is first. */
export async function pairOf(
  { amphorae }: Pick<LoadBalancerDeps, 'amphorae'>,
  loadBalancerId: string,
  statuses: readonly AmphoraStatus[] = ['ALLOCATED', 'BOOTING'],
): Promise<(Amphora & { role: PairRole; vrrpIp: string })[]> {
  const all = await amphorae.list({ loadBalancerId });
  return all
    .filter((one): one is Amphora & { role: PairRole; vrrpIp: string } => isOfPair(one) && one.vrrpIp !== null)
    .filter(({ status }) => statuses.includes(status));
}
