import { KilnError } from '../../model/errors.ts';
import type { AmphoraAddress } from '../../ports/amphora-agent.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';

/** An amphora that an operation reaches. */
export interface Target extends AmphoraAddress {
  serverId: string;
}

/** Which amphorae a step is about, by what the flow knows so far. */
export type TargetsOf<State> = (deps: LoadBalancerDeps, state: State) => Promise<Target[]>;

export type BuiltAmphora = { amphoraId: string; address: string; serverId: string };

/** The one that this very flow has built. */
export const builtAmphora: TargetsOf<BuiltAmphora> = async (_parts, { amphoraId, address, serverId }) => [
  { id: amphoraId, address, serverId },
];

/**
 * Those that serve the load balancer.
 * @throws AMPHORA_NOT_FOUND when there is none: then a change would be reported as done that nobody carried out.
 */
export const servingAmphorae: TargetsOf<{ loadBalancerId: string }> = async ({ amphorae }, { loadBalancerId }) => {
  const serving = (await amphorae.list({ loadBalancerId })).filter(({ status }) => status === 'ALLOCATED');
  if (serving.length === 0) {
    throw new KilnError('AMPHORA_NOT_FOUND', `no amphora serves load balancer ${loadBalancerId}`, {
      advice: `Fail it over: openstack loadbalancer failover ${loadBalancerId}.`,
    });
  }
  return serving.map(({ id, lbNetworkIp, computeId }) => ({
    id,
    address: lbNetworkIp ?? '',
    serverId: computeId ?? '',
  }));
};

/** On the way back: where no amphora is left there is nothing to be given back. */
export async function targetsLeft<State>(
  targetsOf: TargetsOf<State>,
  deps: LoadBalancerDeps,
  state: State,
): Promise<Target[]> {
  try {
    return await targetsOf(deps, state);
  } catch (error) {
    if (error instanceof KilnError && error.code === 'AMPHORA_NOT_FOUND') return [];
    throw error;
  }
}
